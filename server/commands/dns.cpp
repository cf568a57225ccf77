#include "server/commands/dns.hpp"

#include <ostream>

#include "server/commands/dns_check.hpp"
#include "server/commands/dns_records.hpp"

namespace dmarcbox {

int run_dns(DnsOptions options,
            const Terminal& err_terminal,
            std::ostream& out,
            std::ostream& err) {
    options = complete(std::move(options));
    if (options.check) {
        return check_dns(options, err_terminal.is_terminal ? &err : nullptr, out) ? 0 : 1;
    }
    const char* separator = "";
    for (const auto& group : records_to_publish(options)) {
        out << separator << "; " << group.comment << '\n';
        for (const auto& record : group.records) {
            out << record.line() << '\n';
        }
        separator = "\n";
    }
    return 0;
}

}  // namespace dmarcbox
