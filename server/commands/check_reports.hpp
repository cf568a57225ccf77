#pragma once

#include <cstdint>

#include "server/commands/check_finding.hpp"
#include "server/config.hpp"
#include "storage/database.hpp"

namespace dmarcbox {

/// What the reports say: new failing sources, failure rate, silent reporters, weaker policy,
/// unreadable messages, conflicts, silence. `now` is the time for what arrives; what is reported on
/// is looked at relative to the newest day with reports. Adds to `result`.
void check_reports(storage::Database& database,
                   const Config::Check& limits,
                   std::int64_t now,
                   CheckResult& result);

}  // namespace dmarcbox
