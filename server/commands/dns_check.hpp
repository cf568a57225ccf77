#pragma once

#include <iosfwd>

#include "server/commands/dns.hpp"

namespace dmarcbox {

/// Looks up what records_to_publish() says for completed options; one line each: `ok`, `WARN` or
/// `FAIL`. Returns true if nothing failed.
[[nodiscard]] bool check_dns(const DnsOptions& options, std::ostream& out);

}  // namespace dmarcbox
