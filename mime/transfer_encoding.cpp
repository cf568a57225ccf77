#include "mime/transfer_encoding.hpp"

#include <array>
#include <cstdint>

namespace dmarcbox::mime {

namespace {

constexpr std::uint8_t kForeign = 0xff;
constexpr std::uint8_t kSpace = 0xfe;
constexpr std::uint8_t kPad = 0xfd;

constexpr std::array<std::uint8_t, 256> make_table() {
    std::array<std::uint8_t, 256> table{};
    for (auto& entry : table) {
        entry = kForeign;
    }
    constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
        table[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::uint8_t>(i);
    }
    for (const char c : {' ', '\t', '\r', '\n', '\f', '\v'}) {
        table[static_cast<std::uint8_t>(c)] = kSpace;
    }
    table[static_cast<std::uint8_t>('=')] = kPad;
    return table;
}

constexpr auto kTable = make_table();

std::uint8_t class_of(char c) {
    return kTable[static_cast<std::uint8_t>(c)];
}

void put_group(std::uint32_t bits, char*& out) {
    *out++ = static_cast<char>(bits >> 16U);
    *out++ = static_cast<char>(bits >> 8U);
    *out++ = static_cast<char>(bits);
}

/// Whole groups without anything else in between, the bulk of every attachment. Returns where they
/// end.
std::size_t decode_clean_groups(std::string_view text, std::size_t i, char*& out) {
    while (i + 4 <= text.size()) {
        const std::uint8_t a = class_of(text[i]);
        const std::uint8_t b = class_of(text[i + 1]);
        const std::uint8_t c = class_of(text[i + 2]);
        const std::uint8_t d = class_of(text[i + 3]);
        if ((a | b | c | d) >= 64) {
            break;
        }
        const std::uint32_t bits =
            (std::uint32_t{a} << 18U) | (std::uint32_t{b} << 12U) | (std::uint32_t{c} << 6U) | d;
        put_group(bits, out);
        i += 4;
    }
    return i;
}

/// Where the text goes on after a soft line break whose `=` is at `i`, also with blanks that a
/// relay put behind it; `i` itself if that is none.
std::size_t after_soft_break(std::string_view text, std::size_t i) {
    const std::size_t end = text.find_first_not_of(" \t", i + 1);
    if (end == std::string_view::npos) {
        return text.size();
    }
    if (text[end] == '\n') {
        return end + 1;
    }
    if (text[end] == '\r') {
        return end + (text.substr(end).starts_with("\r\n") ? 2 : 1);
    }
    return i;
}

/// True if more base64 follows padding: nothing foreign in all of the rest.
bool data_follows(std::string_view rest) {
    for (const char c : rest) {
        if (class_of(c) == kForeign) {
            return false;
        }
    }
    return true;
}

}  // namespace

int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return -1;
}

Base64Result decode_base64(std::string_view text) {
    Base64Result result;
    result.bytes.resize(text.size() / 4 * 3 + 3);
    char* out = result.bytes.data();
    std::uint32_t group = 0;
    unsigned count = 0;
    bool rest_checked = false;
    const auto put_partial = [&] {
        // Two digits are one byte, three are two; one alone says nothing.
        if (count >= 2) {
            group <<= 6U * (4 - count);
            *out++ = static_cast<char>(group >> 16U);
            if (count == 3) {
                *out++ = static_cast<char>(group >> 8U);
            }
        }
        group = 0;
        count = 0;
    };
    std::size_t i = 0;
    while (i < text.size()) {
        if (count == 0) {
            i = decode_clean_groups(text, i, out);
            if (i >= text.size()) {
                break;
            }
        }
        const std::uint8_t digit = class_of(text[i++]);
        if (digit < 64) {
            group = (group << 6U) | digit;
            if (++count == 4) {
                put_group(group, out);
                group = 0;
                count = 0;
            }
        } else if (digit == kPad) {
            put_partial();
            if (!rest_checked && !data_follows(text.substr(i))) {
                result.trailing = text.size() - i;
                break;
            }
            rest_checked = true;
        } else if (digit == kForeign && result.foreign++ == 0) {
            result.first_foreign = i - 1;
        }
    }
    if (count > 0) {
        result.padding_missing = true;
        put_partial();
    }
    result.bytes.resize(static_cast<std::size_t>(out - result.bytes.data()));
    return result;
}

QuotedPrintableResult decode_quoted_printable(std::string_view text) {
    QuotedPrintableResult result;
    std::string& out = result.bytes;
    out.reserve(text.size());
    std::size_t i = 0;
    std::size_t blanks = 0;  // blanks at the end of `out` that a line end would delete
    while (i < text.size()) {
        const char c = text[i];
        if (c == '\r' || c == '\n') {
            out.resize(out.size() - blanks);
            blanks = 0;
            out.push_back(c);
            ++i;
            continue;
        }
        if (c != '=') {
            blanks = c == ' ' || c == '\t' ? blanks + 1 : 0;
            out.push_back(c);
            ++i;
            continue;
        }
        blanks = 0;
        const int high = i + 1 < text.size() ? hex_value(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
        if (high >= 0 && low >= 0) {
            out.push_back(static_cast<char>(high * 16 + low));
            i += 3;
            continue;
        }
        const std::size_t next = after_soft_break(text, i);
        if (next == i) {
            ++result.invalid;
            out.push_back('=');
            ++i;
        } else {
            i = next;
        }
    }
    return result;
}

std::string decode_q(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '_') {
            out.push_back(' ');
        } else if (c == '=' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 &&
                   hex_value(text[i + 2]) >= 0) {
            out.push_back(static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])));
            i += 2;
        } else {
            out.push_back(c);
        }
    }
    return out;
}

}  // namespace dmarcbox::mime
