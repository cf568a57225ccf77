#include "server/smtp/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "server/smtp/ascii.hpp"
#include "server/smtp/limits.hpp"
#include "server/smtp/utf8.hpp"

namespace dmarcbox::smtp {
namespace {

constexpr std::size_t kMaxLabel = 63;  // RFC 1035 section 2.3.4

bool is_atom_character(char c) {
    constexpr std::string_view kSymbols = "!#$%&'*+-/=?^_`{|}~";  // atext, RFC 5322 section 3.2.3
    return is_alphanumeric(c) || !is_ascii(c) || kSymbols.find(c) != std::string_view::npos;
}

bool is_label(std::string_view label) {
    if (label.empty() || label.front() == '-' || label.back() == '-') {
        return false;
    }
    // A U-label's 63 are counted in its A-label, which is not computed here.
    if (label.size() > kMaxLabel && std::all_of(label.begin(), label.end(), is_ascii)) {
        return false;
    }
    return std::all_of(label.begin(), label.end(), [](char c) {
        return is_alphanumeric(c) || c == '-' || c == '_' || !is_ascii(c);
    });
}

bool is_domain_name(std::string_view domain) {
    while (true) {
        const auto dot = domain.find('.');
        if (!is_label(domain.substr(0, dot))) {
            return false;
        }
        if (dot == std::string_view::npos) {
            return true;
        }
        domain.remove_prefix(dot + 1);
    }
}

/// The part between the brackets (RFC 5321 section 4.1.3): IPv4, IPv6: or a tagged literal.
bool is_address_literal(std::string_view content) {
    std::array<std::uint8_t, 16> binary{};
    const auto colon = content.find(':');
    if (colon == std::string_view::npos) {
        return inet_pton(AF_INET, std::string(content).c_str(), binary.data()) == 1;
    }
    const auto tag = content.substr(0, colon);
    const auto value = content.substr(colon + 1);
    if (to_lower(tag) == "ipv6") {
        return inet_pton(AF_INET6, std::string(value).c_str(), binary.data()) == 1;
    }
    return is_label(tag) && !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
               return c > ' ' && c < 0x7F && c != '[' && c != ']' && c != '\\';
           });
}

/// Takes a domain or address literal from the front; nullopt: not one. In lower case, without the
/// final dot.
std::optional<std::string> take_domain(std::string_view& text) {
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == std::string_view::npos || end + 1 > kMaxDomain ||
            !is_address_literal(text.substr(1, end - 1))) {
            return std::nullopt;
        }
        auto domain = to_lower(text.substr(0, end + 1));
        text.remove_prefix(end + 1);
        return domain;
    }
    auto domain = text.substr(0, text.find_first_of(",:"));
    text.remove_prefix(domain.size());
    if (domain.size() > kMaxDomain) {
        return std::nullopt;
    }
    if (domain.ends_with('.')) {
        domain.remove_suffix(1);
    }
    if (!is_domain_name(domain)) {
        return std::nullopt;
    }
    return to_lower(domain);
}

/// `@a,@b:` in front of the mailbox; false: broken.
bool skip_source_route(std::string_view& text) {
    while (text.starts_with('@')) {
        text.remove_prefix(1);
        if (!take_domain(text) || text.empty()) {
            return false;
        }
        const char separator = text.front();
        text.remove_prefix(1);
        if (separator == ':') {
            return true;
        }
    }
    return false;
}

std::optional<std::string> take_quoted(std::string_view& text) {
    std::string content;
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '"') {
            text.remove_prefix(i + 1);
            return content;
        }
        if (text[i] == '\\' && (++i == text.size() || !is_ascii(text[i]))) {
            return std::nullopt;
        }
        content += text[i];
    }
    return std::nullopt;
}

/// Dots are taken anywhere: some carriers assign addresses such as `a..b@` and `a.@`.
std::optional<std::string> take_atoms(std::string_view& text) {
    const auto end = std::find_if(text.begin(), text.end(),
                                  [](char c) { return c != '.' && !is_atom_character(c); });
    std::string local_part(text.begin(), end);
    text.remove_prefix(local_part.size());
    if (local_part.empty()) {
        return std::nullopt;
    }
    return local_part;
}

}  // namespace

std::optional<Address> parse_path(std::string_view path) {
    if (path.size() < 2 || path.size() > kMaxPath || path.front() != '<' || path.back() != '>') {
        return std::nullopt;
    }
    std::string_view text = path.substr(1, path.size() - 2);
    if (text.empty()) {
        return Address{};
    }
    if (!is_visible_utf8(text) || (text.starts_with('@') && !skip_source_route(text))) {
        return std::nullopt;
    }
    Address address;
    address.text = text;
    auto local_part = text.starts_with('"') ? take_quoted(text) : take_atoms(text);
    const auto as_sent = address.text.size() - text.size();
    if (!local_part || as_sent > kMaxLocalPart) {
        return std::nullopt;
    }
    address.local_part = std::move(*local_part);
    if (text.empty()) {
        return address;
    }
    if (text.front() != '@') {
        return std::nullopt;
    }
    text.remove_prefix(1);
    auto domain = take_domain(text);
    if (!domain || !text.empty()) {
        return std::nullopt;
    }
    address.domain = std::move(*domain);
    return address;
}

}  // namespace dmarcbox::smtp
