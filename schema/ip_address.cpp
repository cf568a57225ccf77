#include "schema/ip_address.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <span>

namespace dmarcbox::schema {
namespace {

using Bytes = std::array<std::uint8_t, 16>;

constexpr std::size_t kMappedBits = 96;  // ::ffff:0:0/96, RFC 4291 section 2.5.5.2
constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_blank(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

bool all_digits(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

struct Quad {
    std::array<std::uint8_t, 4> bytes{};
    bool exact = true;
};

std::optional<Quad> parse_quad(std::string_view text) {
    Quad quad;
    for (std::size_t i = 0; i < quad.bytes.size(); ++i) {
        const auto end = std::min(text.find('.'), text.size());
        const auto group = text.substr(0, end);
        // Three digits at most: a longer run of zeros is no notation that anybody writes.
        if (group.size() > 3 || !all_digits(group)) {
            return std::nullopt;
        }
        unsigned value = 0;
        std::from_chars(group.data(), group.data() + group.size(), value);
        if (value > 255) {
            return std::nullopt;
        }
        quad.exact = quad.exact && (group.size() == 1 || group.front() != '0');
        quad.bytes.at(i) = static_cast<std::uint8_t>(value);
        if ((i < 3) != (end < text.size())) {
            return std::nullopt;
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return quad;
}

IpAddress mapped(const std::array<std::uint8_t, 4>& quad) {
    IpAddress address;
    std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), address.bytes.begin());
    std::copy(quad.begin(), quad.end(), address.bytes.begin() + kMappedPrefix.size());
    return address;
}

/// Groups of an IPv6 address, one side of `::`.
struct Groups {
    std::array<std::uint8_t, 16> bytes{};
    std::size_t size = 0;

    bool push(std::span<const std::uint8_t> more) {
        if (size + more.size() > bytes.size()) {
            return false;
        }
        std::copy(more.begin(), more.end(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
        size += more.size();
        return true;
    }
};

std::optional<Groups> parse_groups(std::string_view text) {
    Groups groups;
    while (!text.empty()) {
        const auto end = std::min(text.find(':'), text.size());
        const auto group = text.substr(0, end);
        if (end == text.size() && group.find('.') != std::string_view::npos) {
            const auto quad = parse_quad(group);
            if (!quad || !quad->exact || !groups.push(quad->bytes)) {
                return std::nullopt;
            }
            return groups;
        }
        std::uint16_t value = 0;
        const auto* last = group.data() + group.size();
        if (group.empty() || group.size() > 4 ||
            std::from_chars(group.data(), last, value, 16).ptr != last) {
            return std::nullopt;
        }
        const std::array<std::uint8_t, 2> pair{static_cast<std::uint8_t>(value >> 8U),
                                               static_cast<std::uint8_t>(value & 0xffU)};
        if (!groups.push(pair)) {
            return std::nullopt;
        }
        if (end + 1 == text.size()) {
            return std::nullopt;  // a colon with nothing behind it
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return groups;
}

std::optional<IpAddress> parse_v6(std::string_view text) {
    const auto gap = text.find("::");
    if (gap == std::string_view::npos) {
        const auto all = parse_groups(text);
        if (!all || all->size != 16) {
            return std::nullopt;
        }
        return IpAddress{all->bytes};
    }
    const auto head = parse_groups(text.substr(0, gap));
    const auto tail = parse_groups(text.substr(gap + 2));
    const bool quad_before_gap = text.substr(0, gap).find('.') != std::string_view::npos;
    // `::` stands for at least one group (RFC 5952 section 4.2.2 asks for two, readers take one).
    if (!head || !tail || quad_before_gap || head->size + tail->size > 14) {
        return std::nullopt;
    }
    IpAddress address;
    std::copy_n(head->bytes.begin(), head->size, address.bytes.begin());
    std::copy_n(tail->bytes.begin(), tail->size,
                address.bytes.end() - static_cast<std::ptrdiff_t>(tail->size));
    return address;
}

std::optional<ParsedIp> parse_bare(std::string_view text) {
    if (text.find(':') != std::string_view::npos) {
        if (const auto address = parse_v6(text)) {
            return ParsedIp{*address, true};
        }
        return std::nullopt;
    }
    if (const auto quad = parse_quad(text)) {
        return ParsedIp{mapped(quad->bytes), quad->exact};
    }
    return std::nullopt;
}

bool is_port(std::string_view text) {
    return text.size() <= 5 && all_digits(text);
}

constexpr std::string_view kTag = "ipv6:";  // RFC 5321 section 4.1.3

bool starts_with_ipv6_tag(std::string_view text) {
    return text.size() > kTag.size() &&
           std::equal(kTag.begin(), kTag.end(), text.begin(), [](char tag, char c) {
               return tag == (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
           });
}

/// Takes off brackets, tag, zone and port; nullopt if these are not well formed.
std::optional<std::string_view> strip(std::string_view text) {
    if (text.starts_with('[')) {
        const auto close = text.find(']');
        if (close == std::string_view::npos) {
            return std::nullopt;
        }
        const auto rest = text.substr(close + 1);
        if (!rest.empty() && !(rest.front() == ':' && is_port(rest.substr(1)))) {
            return std::nullopt;
        }
        text = trim(text.substr(1, close - 1));
    } else if (std::count(text.begin(), text.end(), ':') == 1 &&
               text.find('.') != std::string_view::npos) {
        const auto colon = text.find(':');
        if (!is_port(text.substr(colon + 1))) {
            return std::nullopt;
        }
        text = text.substr(0, colon);
    }
    if (starts_with_ipv6_tag(text)) {
        text.remove_prefix(kTag.size());
    }
    if (text.find(':') != std::string_view::npos) {
        text = text.substr(0, text.find('%'));
    }
    return text;
}

struct Prefix {
    Bytes bytes;
    std::size_t bits;
};

bool within(const Bytes& bytes, const Prefix& prefix) {
    const auto whole = prefix.bits / 8;
    if (!std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(whole),
                    prefix.bytes.begin())) {
        return false;
    }
    const auto rest = prefix.bits % 8;
    return rest == 0 || (bytes.at(whole) >> (8 - rest)) == (prefix.bytes.at(whole) >> (8 - rest));
}

template <std::size_t N>
bool within_any(const Bytes& bytes, const std::array<Prefix, N>& prefixes) {
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [&](const Prefix& prefix) { return within(bytes, prefix); });
}

constexpr Prefix v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d, std::size_t n) {
    return {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}, kMappedBits + n};
}

constexpr Prefix v6(std::uint16_t a, std::uint16_t b, std::uint16_t c, std::size_t n) {
    Prefix prefix{{}, n};
    const std::array<std::uint16_t, 3> groups{a, b, c};
    for (std::size_t i = 0; i < groups.size(); ++i) {
        prefix.bytes[2 * i] = static_cast<std::uint8_t>(groups[i] >> 8U);
        prefix.bytes[2 * i + 1] = static_cast<std::uint8_t>(groups[i] & 0xffU);
    }
    return prefix;
}

// IANA IPv4 Special-Purpose Address Registry (RFC 6890), rows that are not globally reachable, and
// multicast.
constexpr std::array kNotPublicV4{
    v4(0, 0, 0, 0, 8),      v4(10, 0, 0, 0, 8),    v4(100, 64, 0, 0, 10),   v4(127, 0, 0, 0, 8),
    v4(169, 254, 0, 0, 16), v4(172, 16, 0, 0, 12), v4(192, 0, 0, 0, 24),    v4(192, 0, 2, 0, 24),
    v4(192, 168, 0, 0, 16), v4(198, 18, 0, 0, 15), v4(198, 51, 100, 0, 24), v4(203, 0, 113, 0, 24),
    v4(224, 0, 0, 0, 4),    v4(240, 0, 0, 0, 4),
};
// Port control and TURN anycast inside 192.0.0.0/24 (RFC 7723, RFC 8155) are globally reachable.
constexpr std::array kPublicV4{v4(192, 0, 0, 9, 32), v4(192, 0, 0, 10, 32)};

// IPv6: global unicast is 2000::/3 (RFC 4291 section 2.4) and the translation prefix of RFC 6052;
// of 2001::/23 only the rows that the registry calls globally reachable.
constexpr std::array kPublicV6{v6(0x2001, 3, 0, 32), v6(0x2001, 4, 0x112, 48),
                               v6(0x2001, 0x20, 0, 28), v6(0x2001, 0x30, 0, 28)};
constexpr std::array kNotPublicV6{v6(0x2001, 0, 0, 23), v6(0x2001, 0xdb8, 0, 32),
                                  v6(0x3fff, 0, 0, 20)};
constexpr Prefix kGlobalUnicast = v6(0x2000, 0, 0, 3);
constexpr Prefix kTranslated = v6(0x64, 0xff9b, 0, 96);
constexpr Prefix kSixToFour = v6(0x2002, 0, 0, 16);

bool is_public_v6(const Bytes& bytes) {
    if (within(bytes, kSixToFour)) {
        return mapped({bytes[2], bytes[3], bytes[4], bytes[5]}).is_public();
    }
    if (within(bytes, kTranslated)) {
        return mapped({bytes[12], bytes[13], bytes[14], bytes[15]}).is_public();
    }
    return within(bytes, kGlobalUnicast) &&
           (within_any(bytes, kPublicV6) || !within_any(bytes, kNotPublicV6));
}

void append_number(std::string& text, unsigned value, int base) {
    std::array<char, 8> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, base).ptr;
    text.append(digits.data(), end);
}

std::string text_v4(const Bytes& bytes) {
    std::string text;
    for (std::size_t i = kMappedPrefix.size(); i < bytes.size(); ++i) {
        if (!text.empty()) {
            text += '.';
        }
        append_number(text, bytes.at(i), 10);
    }
    return text;
}

// RFC 5952 section 4: lower case, no leading zeros, the first longest run of zero groups as `::`.
std::string text_v6(const Bytes& bytes) {
    std::array<unsigned, 8> groups{};
    for (std::size_t i = 0; i < groups.size(); ++i) {
        groups.at(i) = static_cast<unsigned>(bytes.at(2 * i) << 8U) | bytes.at(2 * i + 1);
    }
    std::size_t best = 0;
    std::size_t best_size = 1;  // one zero group is not shortened
    for (std::size_t i = 0; i < groups.size();) {
        std::size_t end = i;
        while (end < groups.size() && groups.at(end) == 0) {
            ++end;
        }
        if (end - i > best_size) {
            best = i;
            best_size = end - i;
        }
        i = std::max(end, i + 1);
    }
    std::string text;
    for (std::size_t i = 0; i < groups.size();) {
        if (best_size > 1 && i == best) {
            text += "::";
            i += best_size;
            continue;
        }
        if (!text.empty() && text.back() != ':') {
            text += ':';
        }
        append_number(text, groups.at(i), 16);
        ++i;
    }
    return text;
}

IpRange range_of(const IpAddress& address, std::size_t bits) {
    IpRange range{address, address};
    for (std::size_t i = 0; i < address.bytes.size(); ++i) {
        const std::size_t kept = bits > 8 * i ? std::min<std::size_t>(bits - 8 * i, 8) : 0;
        const auto host = static_cast<std::uint8_t>(0xffU >> kept);
        range.first.bytes.at(i) = static_cast<std::uint8_t>(range.first.bytes.at(i) & ~host);
        range.last.bytes.at(i) = static_cast<std::uint8_t>(range.last.bytes.at(i) | host);
    }
    return range;
}

}  // namespace

bool IpAddress::is_v4() const {
    return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin());
}

std::string IpAddress::text() const {
    return is_v4() ? text_v4(bytes) : text_v6(bytes);
}

bool IpAddress::is_public() const {
    if (is_v4()) {
        return within_any(bytes, kPublicV4) || !within_any(bytes, kNotPublicV4);
    }
    return is_public_v6(bytes);
}

std::string IpAddress::network() const {
    return is_v4() ? range_of(*this, kMappedBits + 24).first.text() + "/24"
                   : range_of(*this, 64).first.text() + "/64";
}

std::optional<ParsedIp> parse_ip(std::string_view text) {
    text = trim(text);
    const auto word = trim(text.substr(0, text.find('(')));  // `192.0.2.1 (host.example)`
    // Of several, or of one that was broken over lines, none is the address.
    if (word.find_first_of(" \t\r\n;,") != std::string_view::npos) {
        return std::nullopt;
    }
    const auto bare = strip(word);
    if (!bare) {
        return std::nullopt;
    }
    auto parsed = parse_bare(*bare);
    if (parsed) {
        parsed->exact = parsed->exact && bare->size() == text.size();
    }
    return parsed;
}

std::optional<IpRange> parse_ip_range(std::string_view text) {
    text = trim(text);
    const auto slash = text.find('/');
    const auto address = parse_bare(text.substr(0, slash));
    if (!address || !address->exact) {
        return std::nullopt;
    }
    if (slash == std::string_view::npos) {
        return IpRange{address->address, address->address};
    }
    const auto length = text.substr(slash + 1);
    const bool quad = text.find(':') == std::string_view::npos;
    unsigned bits = 0;
    if (length.size() > 3 || !all_digits(length)) {
        return std::nullopt;
    }
    std::from_chars(length.data(), length.data() + length.size(), bits);
    if (bits > (quad ? 32U : 128U)) {
        return std::nullopt;
    }
    return range_of(address->address, bits + (quad ? kMappedBits : 0));
}

}  // namespace dmarcbox::schema
