#pragma once

#include <string>
#include <vector>

#include "server/commands/dns.hpp"

namespace dmarcbox {

/// One line of a zone file.
struct DnsRecord {
    std::string name;   ///< without final dot
    std::string type;   ///< MX or TXT
    std::string value;  ///< TXT without quotes; MX `10 host`
    /// `name. TYPE value` in zone file form.
    [[nodiscard]] std::string line() const;
};

/// The records of one purpose, with the words that explain it.
struct DnsRecordGroup {
    std::string comment;
    std::vector<DnsRecord> records;
};

/// Fills what the options leave empty, normalises names, drops repeated ones; clears `accept` where
/// an address or host is given. Throws UsageError for a domain or address that cannot be one.
[[nodiscard]] DnsOptions complete(DnsOptions options);

/// Domains of the addresses for reports, each once: what needs an MX, and may have to authorise.
[[nodiscard]] std::vector<std::string> report_hosts(const DnsOptions& options);

/// The MX record of one of them.
[[nodiscard]] DnsRecord mail_record(const DnsOptions& options, const std::string& host);

/// True if reports on `domain` sent to `reports_host` need a `_report._dmarc` record: another
/// organisation.
[[nodiscard]] bool needs_authorization(const std::string& domain, const std::string& reports_host);

/// What to publish, for completed options.
[[nodiscard]] std::vector<DnsRecordGroup> records_to_publish(const DnsOptions& options);

}  // namespace dmarcbox
