#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dmarcbox::schema {

/// An IP address as 16 bytes in network order, IPv4 as ::ffff:a.b.c.d.
struct IpAddress {
    std::array<std::uint8_t, 16> bytes{};

    [[nodiscard]] bool is_v4() const;
    /// Canonical text: dotted quad, or RFC 5952; IPv4-mapped as IPv4.
    [[nodiscard]] std::string text() const;
    /// True if globally routable as far as the special-purpose registries tell (not private,
    /// loopback, link-local, documentation, multicast, shared 100.64/10, ULA ...).
    [[nodiscard]] bool is_public() const;
    /// The network a person thinks in: IPv4 /24 or IPv6 /64, as `192.0.2.0/24`.
    [[nodiscard]] std::string network() const;

    friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

struct ParsedIp {
    IpAddress address;
    bool exact = true;  ///< false: brackets, zone, port, comment or another form was stripped
};

/// IPv4 or IPv6 literal. Brackets, zone, port and a comment (`(` and all behind it) are dropped,
/// leading zeros in IPv4 are read as decimal (exact = false). nullopt if no address is there or if
/// it is not alone.
[[nodiscard]] std::optional<ParsedIp> parse_ip(std::string_view text);

/// A CIDR range (`192.0.2.0/24`, a single address is /32 or /128), host bits ignored.
struct IpRange {
    IpAddress first;
    IpAddress last;
    [[nodiscard]] bool contains(const IpAddress& address) const {
        return first <= address && address <= last;
    }
};

[[nodiscard]] std::optional<IpRange> parse_ip_range(std::string_view text);

}  // namespace dmarcbox::schema
