#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "server/terminal.hpp"

namespace dmarcbox {

/// `dmarcbox dns DOMAIN... [--for HOST]`: what to publish, and with `check` whether it is.
struct DnsOptions {
    std::vector<std::string> domains;  ///< whose mail is reported on
    std::vector<std::string> accept;   ///< smtp.accept; counts if neither of the next two is given
    std::string reports_host;  ///< domain of the report addresses; empty: that of `rua`, else the
                               ///< first domain if `accept` names it, else the first of `accept`,
                               ///< else the first domain
    std::string rua;  ///< address for aggregate and TLS reports; empty: rua@reports_host, or what
                      ///< `accept` has there
    std::string ruf;  ///< address for failure reports; empty: ruf@reports_host, likewise
    std::string mail_host;  ///< MX target; empty: mx. before each domain of an address
    bool check = false;
    std::string name_server;       ///< ADDRESS or ADDRESS@PORT; empty: those of resolv.conf
    std::uint16_t smtp_port = 25;  ///< where --check expects the listener; 0: do not connect
};

/// Prints the records in zone file form, or with `check` one line per record (`ok`, `WARN`,
/// `FAIL`, as they are known); `err`, if it is a terminal, says first that it may take a while.
/// Returns 0, or 1 if a record is missing or wrong. Throws UsageError for a domain, address or name
/// server that is none, std::runtime_error if no resolver can be had.
[[nodiscard]] int run_dns(DnsOptions options,
                          const Terminal& err_terminal,
                          std::ostream& out,
                          std::ostream& err);

}  // namespace dmarcbox
