#include "server/smtp/proxy_header.hpp"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>

namespace dmarcbox::smtp {
namespace {

// https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt, sections 2.1 and 2.2.
constexpr std::string_view kSignature1 = "PROXY ";
constexpr std::string_view kSignature2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kMaxLine1 = 107;
constexpr std::size_t kFixed2 = 16;
constexpr std::size_t kMaxHeader2 = 4096;

using Result = std::variant<ProxyHeader, ProxyIncomplete, ProxyInvalid>;
using Binary = std::array<std::uint8_t, 16>;

/// Canonical text; an IPv4 address mapped into IPv6 as IPv4.
std::string address_text(int family, const Binary& binary) {
    constexpr Binary kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    constexpr std::size_t kMappedPrefix = 12;
    const std::uint8_t* bytes = binary.data();
    if (family == AF_INET6 && std::memcmp(bytes, kMapped.data(), kMappedPrefix) == 0) {
        bytes += kMappedPrefix;
        family = AF_INET;
    }
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(family, bytes, text.data(), text.size());
    return text.data();
}

std::optional<Binary> parse_address(int family, std::string_view text) {
    Binary binary{};
    if (inet_pton(family, std::string(text).c_str(), binary.data()) != 1) {
        return std::nullopt;
    }
    return binary;
}

bool is_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc() && end == text.data() + text.size() &&
           (text.size() == 1 || text.front() != '0');
}

/// Up to the next blank or the end, with the blank.
std::string_view take_word(std::string_view& text) {
    const auto word = text.substr(0, text.find(' '));
    text.remove_prefix(word.size() == text.size() ? word.size() : word.size() + 1);
    return word;
}

Result parse_version1(std::string_view bytes) {
    const auto newline = bytes.substr(0, kMaxLine1).find('\n');
    if (newline == std::string_view::npos) {
        if (bytes.size() >= kMaxLine1) {
            return ProxyInvalid{"line over 107 bytes"};
        }
        return ProxyIncomplete{};
    }
    if (bytes[newline - 1] != '\r') {
        return ProxyInvalid{"line does not end with CRLF"};
    }
    const auto line = bytes.substr(kSignature1.size(), newline - 1 - kSignature1.size());
    if (line.find('\r') != std::string_view::npos || line.find('\0') != std::string_view::npos) {
        return ProxyInvalid{"control character in the line"};
    }
    if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) {
        return ProxyHeader{{}, newline + 1};
    }
    // A blank at the end would be taken with the last word.
    if (line.ends_with(' ')) {
        return ProxyInvalid{"blank at the end"};
    }
    auto rest = line;
    const auto protocol = take_word(rest);
    if (protocol != "TCP4" && protocol != "TCP6") {
        return ProxyInvalid{"protocol is not TCP4, TCP6 or UNKNOWN"};
    }
    const int family = protocol == "TCP4" ? AF_INET : AF_INET6;
    const auto source = parse_address(family, take_word(rest));
    const auto destination = parse_address(family, take_word(rest));
    if (!source || !destination) {
        return ProxyInvalid{"bad address"};
    }
    const auto source_port = take_word(rest);
    const auto destination_port = take_word(rest);
    if (!is_port(source_port) || !is_port(destination_port)) {
        return ProxyInvalid{"bad port"};
    }
    if (!rest.empty()) {
        return ProxyInvalid{"text behind the ports"};
    }
    return ProxyHeader{address_text(family, *source), newline + 1};
}

Result parse_version2(std::string_view bytes) {
    const auto byte_at = [&](std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); };
    // Faults are told as soon as their byte is there, so that a peer that lies is not waited for.
    constexpr std::size_t kCommandAt = 12;
    constexpr std::size_t kFamilyAt = 13;
    if (bytes.size() > kCommandAt && byte_at(kCommandAt) != 0x20 && byte_at(kCommandAt) != 0x21) {
        return ProxyInvalid{"version is not 2, or command is not LOCAL or PROXY"};
    }
    const bool local = bytes.size() > kCommandAt && byte_at(kCommandAt) == 0x20;
    const std::uint8_t family = bytes.size() > kFamilyAt ? byte_at(kFamilyAt) : 0;
    // A stream, or unspecified; what LOCAL says about addresses is to be ignored.
    if (!local && family != 0x00 && family != 0x11 && family != 0x21 && family != 0x31) {
        return ProxyInvalid{"family or transport is not a stream over IPv4, IPv6 or unix"};
    }
    if (bytes.size() < kFixed2) {
        return ProxyIncomplete{};
    }
    const auto length = static_cast<std::size_t>(byte_at(14) << 8U | byte_at(15));
    const std::size_t needed = family == 0x11 ? 12 : family == 0x21 ? 36 : family == 0x31 ? 216 : 0;
    if (!local && length < needed) {
        return ProxyInvalid{"length is too short for the addresses"};
    }
    if (kFixed2 + length > kMaxHeader2) {
        return ProxyInvalid{"header over 4096 bytes"};
    }
    if (bytes.size() < kFixed2 + length) {
        return ProxyIncomplete{};
    }
    ProxyHeader header{{}, kFixed2 + length};
    if (!local && (family == 0x11 || family == 0x21)) {
        Binary binary{};
        std::memcpy(binary.data(), bytes.data() + kFixed2, family == 0x11 ? 4 : 16);
        header.source_ip = address_text(family == 0x11 ? AF_INET : AF_INET6, binary);
    }
    return header;
}

}  // namespace

Result parse_proxy_header(std::string_view bytes) {
    for (const auto signature : {kSignature1, kSignature2}) {
        if (bytes.starts_with(signature)) {
            return signature == kSignature1 ? parse_version1(bytes) : parse_version2(bytes);
        }
        if (signature.starts_with(bytes)) {
            return ProxyIncomplete{};
        }
    }
    return ProxyInvalid{"no PROXY header"};
}

}  // namespace dmarcbox::smtp
