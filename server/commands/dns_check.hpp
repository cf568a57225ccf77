#pragma once

#include <iosfwd>

#include "server/commands/dns.hpp"

namespace dmarcbox {

/// Looks up what records_to_publish() says for completed options; one line each: `ok`, `WARN` or
/// `FAIL`. `words`, if given, is told first whom it asks. Returns true if nothing failed. Throws
/// UsageError for a name server that is no address.
[[nodiscard]] bool check_dns(const DnsOptions& options, std::ostream* words, std::ostream& out);

}  // namespace dmarcbox
