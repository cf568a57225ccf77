#include "server/smtp/utf8.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace dmarcbox::smtp {
namespace {

/// Takes one character from the front. nullopt: truncated, overlong, surrogate, above U+10FFFF.
std::optional<char32_t> take_character(std::string_view& text) {
    const auto lead = static_cast<std::uint8_t>(text.front());
    if (lead < 0x80) {
        text.remove_prefix(1);
        return lead;
    }
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < length) {
        return std::nullopt;
    }
    char32_t character = lead & (0x7FU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        const auto byte = static_cast<std::uint8_t>(text[i]);
        if ((byte & 0xC0U) != 0x80) {
            return std::nullopt;
        }
        character = (character << 6U) | (byte & 0x3FU);
    }
    const char32_t least = length == 4 ? 0x10000 : length == 3 ? 0x800 : 0x80;
    if (character < least || character > 0x10FFFF || (character >= 0xD800 && character <= 0xDFFF)) {
        return std::nullopt;
    }
    text.remove_prefix(length);
    return character;
}

bool is_visible(char32_t c) {
    const bool control = c < 0x20 || (c >= 0x7F && c <= 0x9F);
    const bool hidden = c == 0xAD || (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
                        (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF;
    return !control && !hidden;
}

}  // namespace

bool is_visible_utf8(std::string_view text) {
    while (!text.empty()) {
        const auto character = take_character(text);
        if (!character || !is_visible(*character)) {
            return false;
        }
    }
    return true;
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        if (!take_character(text)) {
            return false;
        }
    }
    return true;
}

}  // namespace dmarcbox::smtp
