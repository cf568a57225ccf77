#include "schema/scalar_text.hpp"

#include <algorithm>

namespace dmarcbox::schema {
namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_blank_or_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte == 0x7f;
}

bool is_white(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U;
}

}  // namespace

std::string collapse(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    bool gap = false;
    for (const char c : text) {
        if (is_blank_or_control(c)) {
            gap = true;
            continue;
        }
        if (gap && !out.empty()) {
            out += ' ';
        }
        gap = false;
        out += c;
    }
    return out;
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_white(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_white(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

std::string lower_case(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), lower);
    return out;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view cut_text(std::string_view text, std::size_t max) {
    if (text.size() <= max) {
        return text;
    }
    // A character has at most three continuation bytes; more of them are not UTF-8 anyway.
    std::size_t end = max;
    while (end > 0 && max - end < 3 && is_continuation(text[end])) {
        --end;
    }
    return text.substr(0, is_continuation(text[end]) ? max : end);
}

}  // namespace dmarcbox::schema
