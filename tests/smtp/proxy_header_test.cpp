#include "server/smtp/proxy_header.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>

using namespace dmarcbox::smtp;
using namespace std::string_literals;

namespace {

/// `ip/length`, `incomplete` or `invalid: reason`.
std::string outcome(std::string_view bytes) {
    const auto result = parse_proxy_header(bytes);
    if (const auto* const header = std::get_if<ProxyHeader>(&result)) {
        return header->source_ip + "/" + std::to_string(header->length);
    }
    if (const auto* const invalid = std::get_if<ProxyInvalid>(&result)) {
        return "invalid: " + std::string(invalid->reason);
    }
    return "incomplete";
}

const std::string kV2 = "\r\n\r\n\0\r\nQUIT\n"s;
const std::string kIpv4 = "\xC0\0\x02\x01\xC6\x33\x64\x02\x04\x01\0\x19"s;
const std::string kIpv6 =
    "\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x01"
    "\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x02\x04\x01\0\x19"s;
const std::string kMapped =
    "\0\0\0\0\0\0\0\0\0\0\xFF\xFF\xC0\0\x02\x07"
    "\0\0\0\0\0\0\0\0\0\0\xFF\xFF\xC0\0\x02\x08\x04\x01\0\x19"s;

struct Row {
    const char* name;
    std::string bytes;
    std::string expected;
};

const auto kValid = std::to_array<Row>({
    {"v1 TCP4", "PROXY TCP4 192.0.2.1 198.51.100.2 1025 25\r\n", "192.0.2.1/43"},
    {"v1 TCP6", "PROXY TCP6 2001:DB8:0::1 2001:db8::2 1025 25\r\n", "2001:db8::1/46"},
    {"v1 TCP6 mapped", "PROXY TCP6 ::ffff:192.0.2.7 ::ffff:192.0.2.8 1 2\r\n", "192.0.2.7/50"},
    {"v1 least ports", "PROXY TCP4 192.0.2.1 198.51.100.2 0 0\r\n", "192.0.2.1/39"},
    {"v1 greatest ports", "PROXY TCP4 192.0.2.1 198.51.100.2 65535 65535\r\n", "192.0.2.1/47"},
    {"v1 UNKNOWN", "PROXY UNKNOWN\r\n", "/15"},
    {"v1 UNKNOWN with text", "PROXY UNKNOWN ffff:f 7 whatever\r\n", "/33"},
    {"v1 longest line", "PROXY UNKNOWN " + std::string(91, 'x') + "\r\n", "/107"},
    {"v2 IPv4", kV2 + "\x21\x11\0\x0C"s + kIpv4, "192.0.2.1/28"},
    {"v2 IPv6", kV2 + "\x21\x21\0\x24"s + kIpv6, "2001:db8::1/52"},
    {"v2 IPv6 mapped", kV2 + "\x21\x21\0\x24"s + kMapped, "192.0.2.7/52"},
    {"v2 IPv4 with TLV", kV2 + "\x21\x11\0\x0F"s + kIpv4 + "\x04\0\0"s, "192.0.2.1/31"},
    {"v2 unix", kV2 + "\x21\x31\0\xD8"s + std::string(216, '/'), "/232"},
    {"v2 unspecified", kV2 + "\x21\0\0\0"s, "/16"},
    {"v2 unspecified with bytes", kV2 + "\x21\0\0\x03"s + "abc", "/19"},
    {"v2 LOCAL", kV2 + "\x20\0\0\0"s, "/16"},
    {"v2 LOCAL with addresses", kV2 + "\x20\x11\0\x0C"s + kIpv4, "/28"},
    {"v2 LOCAL with odd family", kV2 + "\x20\xFF\0\x01"s + "x", "/17"},
    {"v2 greatest header", kV2 + "\x21\x11\x0F\xF0"s + kIpv4 + std::string(4068, 'x'),
     "192.0.2.1/4096"},
});

const auto kMalformed = std::to_array<Row>({
    {"a command", "EHLO x\r\n", "invalid: no PROXY header"},
    {"lower case", "proxy TCP4 192.0.2.1 198.51.100.2 1 2\r\n", "invalid: no PROXY header"},
    {"blank in front", " PROXY UNKNOWN\r\n", "invalid: no PROXY header"},
    {"no blank", "PROXYTCP4 192.0.2.1 198.51.100.2 1 2\r\n", "invalid: no PROXY header"},
    {"v1 TCP4 alone", "PROXY TCP4\r\n", "invalid: bad address"},
    {"v1 nothing", "PROXY \r\n", "invalid: protocol is not TCP4, TCP6 or UNKNOWN"},
    {"v1 two blanks", "PROXY  TCP4 192.0.2.1 198.51.100.2 1 2\r\n",
     "invalid: protocol is not TCP4, TCP6 or UNKNOWN"},
    {"v1 UDP4", "PROXY UDP4 192.0.2.1 198.51.100.2 1 2\r\n",
     "invalid: protocol is not TCP4, TCP6 or UNKNOWN"},
    {"v1 UNKNOWNX", "PROXY UNKNOWNX\r\n", "invalid: protocol is not TCP4, TCP6 or UNKNOWN"},
    {"v1 lower protocol", "PROXY tcp4 192.0.2.1 198.51.100.2 1 2\r\n",
     "invalid: protocol is not TCP4, TCP6 or UNKNOWN"},
    {"v1 IPv6 as TCP4", "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n", "invalid: bad address"},
    {"v1 IPv4 as TCP6", "PROXY TCP6 192.0.2.1 198.51.100.2 1 2\r\n", "invalid: bad address"},
    {"v1 octet over 255", "PROXY TCP4 192.0.2.256 198.51.100.2 1 2\r\n", "invalid: bad address"},
    {"v1 leading zero", "PROXY TCP4 192.0.2.01 198.51.100.2 1 2\r\n", "invalid: bad address"},
    {"v1 three octets", "PROXY TCP4 192.0.2 198.51.100.2 1 2\r\n", "invalid: bad address"},
    {"v1 bad destination", "PROXY TCP4 192.0.2.1 198.51.100.x 1 2\r\n", "invalid: bad address"},
    {"v1 zone", "PROXY TCP6 fe80::1%eth0 2001:db8::2 1 2\r\n", "invalid: bad address"},
    {"v1 no ports", "PROXY TCP4 192.0.2.1 198.51.100.2\r\n", "invalid: bad port"},
    {"v1 one port", "PROXY TCP4 192.0.2.1 198.51.100.2 1\r\n", "invalid: bad port"},
    {"v1 port over 65535", "PROXY TCP4 192.0.2.1 198.51.100.2 65536 2\r\n", "invalid: bad port"},
    {"v1 negative port", "PROXY TCP4 192.0.2.1 198.51.100.2 -1 2\r\n", "invalid: bad port"},
    {"v1 port with zero", "PROXY TCP4 192.0.2.1 198.51.100.2 025 2\r\n", "invalid: bad port"},
    {"v1 port not a number", "PROXY TCP4 192.0.2.1 198.51.100.2 smtp 2\r\n", "invalid: bad port"},
    {"v1 more words", "PROXY TCP4 192.0.2.1 198.51.100.2 1 2 3\r\n",
     "invalid: text behind the ports"},
    {"v1 blank at the end", "PROXY TCP4 192.0.2.1 198.51.100.2 1 2 \r\n",
     "invalid: blank at the end"},
    {"v1 bare LF", "PROXY TCP4 192.0.2.1 198.51.100.2 1 2\n",
     "invalid: line does not end with CRLF"},
    {"v1 bare CR", "PROXY TCP4 192.0.2.1\r198.51.100.2 1 2\r\n",
     "invalid: control character in the line"},
    {"v1 NUL", "PROXY TCP4 192.0.2.1\0 198.51.100.2 1 2\r\n"s,
     "invalid: control character in the line"},
    {"v1 line of 108 bytes", "PROXY UNKNOWN " + std::string(92, 'x') + "\r\n",
     "invalid: line over 107 bytes"},
    {"v1 no line end", "PROXY " + std::string(101, 'x'), "invalid: line over 107 bytes"},
    {"v2 broken signature", "\r\n\r\n\0\r\nQUIX"s, "invalid: no PROXY header"},
    {"v2 version 1", kV2 + "\x11"s, "invalid: version is not 2, or command is not LOCAL or PROXY"},
    {"v2 command 2", kV2 + "\x22"s, "invalid: version is not 2, or command is not LOCAL or PROXY"},
    {"v2 datagram", kV2 + "\x21\x12"s,
     "invalid: family or transport is not a stream over IPv4, IPv6 or unix"},
    {"v2 family 4", kV2 + "\x21\x41"s,
     "invalid: family or transport is not a stream over IPv4, IPv6 or unix"},
    {"v2 transport 3", kV2 + "\x21\x13"s,
     "invalid: family or transport is not a stream over IPv4, IPv6 or unix"},
    {"v2 IPv4 too short", kV2 + "\x21\x11\0\x0B"s,
     "invalid: length is too short for the addresses"},
    {"v2 IPv6 too short", kV2 + "\x21\x21\0\x23"s,
     "invalid: length is too short for the addresses"},
    {"v2 unix too short", kV2 + "\x21\x31\0\xD7"s,
     "invalid: length is too short for the addresses"},
    {"v2 header of 4097 bytes", kV2 + "\x21\x11\x0F\xF1"s, "invalid: header over 4096 bytes"},
    {"v2 greatest length", kV2 + "\x20\0\xFF\xFF"s, "invalid: header over 4096 bytes"},
});

}  // namespace

TEST_CASE("PROXY header: valid ones one byte at a time and with bytes behind") {
    for (const auto& row : kValid) {
        CAPTURE(row.name);
        for (std::size_t length = 0; length < row.bytes.size(); ++length) {
            CAPTURE(length);
            CHECK(outcome(std::string_view(row.bytes).substr(0, length)) == "incomplete");
        }
        CHECK(outcome(row.bytes) == row.expected);
        CHECK(outcome(row.bytes + "EHLO client.example\r\n") == row.expected);
    }
}

TEST_CASE("PROXY header: malformed ones are invalid and stay so") {
    for (const auto& row : kMalformed) {
        CAPTURE(row.name);
        CHECK(outcome(row.bytes) == row.expected);
        // Byte by byte: incomplete at first, then invalid, never a header.
        bool invalid = false;
        for (std::size_t length = 0; length <= row.bytes.size(); ++length) {
            CAPTURE(length);
            const auto result = outcome(std::string_view(row.bytes).substr(0, length));
            if (invalid || result != "incomplete") {
                invalid = true;
                CHECK(result == row.expected);
            }
        }
        CHECK(invalid);
        CHECK(outcome(row.bytes + "\r\nEHLO client.example\r\n") == row.expected);
    }
}
