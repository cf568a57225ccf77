#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

namespace dmarcbox::smtp {

/// PROXY protocol header, versions 1 and 2, from a trusted peer, before anything else on the
/// connection.
struct ProxyHeader {
    std::string
        source_ip;  ///< canonical text; empty for UNKNOWN and LOCAL: keep the peer's own address
    std::size_t length;  ///< bytes the header took
};
struct ProxyIncomplete {};
struct ProxyInvalid {
    std::string_view reason;
};

/// Call with everything received so far. v1 lines are at most 107 bytes, v2 headers at most 16 +
/// 65,535 by format and 4 KiB here. Never throws.
[[nodiscard]] std::variant<ProxyHeader, ProxyIncomplete, ProxyInvalid> parse_proxy_header(
    std::string_view bytes);

}  // namespace dmarcbox::smtp
