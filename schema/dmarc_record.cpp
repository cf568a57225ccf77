#include "schema/dmarc_record.hpp"

#include <algorithm>
#include <cctype>

namespace dmarcbox::schema {
namespace {

std::string_view trim(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r\n";
    const auto first = text.find_first_not_of(kBlank);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string to_lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), lower);
    return out;
}

/// Calls `each` with every piece of `text` between separators.
template <typename Each>
void split(std::string_view text, char separator, const Each& each) {
    for (;;) {
        const auto end = text.find(separator);
        each(text.substr(0, end));
        if (end == std::string_view::npos) {
            return;
        }
        text.remove_prefix(end + 1);
    }
}

int hex_digit(char c) {
    c = lower(c);
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

std::string undo_percent(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool escape = text[i] == '%' && i + 2 < text.size();
        const int high = escape ? hex_digit(text[i + 1]) : -1;
        const int low = escape ? hex_digit(text[i + 2]) : -1;
        if (high >= 0 && low >= 0) {
            out += static_cast<char>(high * 16 + low);
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

}  // namespace

const std::string* TagRecord::find(std::string_view name) const {
    const auto tag =
        std::find_if(tags.begin(), tags.end(), [name](const Tag& t) { return t.name == name; });
    return tag == tags.end() ? nullptr : &tag->value;
}

std::optional<TagRecord> parse_tag_record(std::string_view text, std::string_view version) {
    TagRecord record;
    split(text, ';', [&record](std::string_view piece) {
        const auto equals = piece.find('=');
        if (equals != std::string_view::npos) {
            record.tags.push_back({to_lower(trim(piece.substr(0, equals))),
                                   std::string(trim(piece.substr(equals + 1)))});
        }
    });
    if (record.tags.empty() || record.tags.front().name != "v" ||
        record.tags.front().value != version) {
        return std::nullopt;
    }
    return record;
}

std::vector<std::string> report_addresses(std::string_view uris) {
    std::vector<std::string> addresses;
    split(uris, ',', [&addresses](std::string_view uri) {
        uri = trim(uri);
        constexpr std::string_view kScheme = "mailto:";
        if (to_lower(uri.substr(0, kScheme.size())) != kScheme) {
            return;
        }
        uri.remove_prefix(kScheme.size());
        std::string address = undo_percent(uri.substr(0, uri.find_first_of("!?")));
        if (const auto at = address.rfind('@'); at != std::string::npos) {
            std::transform(address.begin() + static_cast<std::ptrdiff_t>(at), address.end(),
                           address.begin() + static_cast<std::ptrdiff_t>(at), lower);
            addresses.push_back(std::move(address));
        }
    });
    return addresses;
}

}  // namespace dmarcbox::schema
