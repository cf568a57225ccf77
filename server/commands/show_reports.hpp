#pragma once

#include <cstdint>
#include <iosfwd>

#include "server/terminal.hpp"
#include "storage/database.hpp"

namespace dmarcbox {

/// The reports of one message for a person: each report, its first records, fields or policies.
void print_reports(storage::Database& database,
                   std::int64_t message_id,
                   const Terminal& terminal,
                   std::ostream& out);

}  // namespace dmarcbox
