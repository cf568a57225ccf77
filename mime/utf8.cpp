#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "mime/charset.hpp"
#include "mime/text_cut.hpp"

namespace dmarcbox::mime {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

std::uint8_t byte_at(std::string_view text, std::size_t i) {
    return static_cast<std::uint8_t>(text[i]);
}

bool is_tail(std::uint8_t byte) {
    return (byte & 0xC0U) == 0x80U;
}

/// Length of the valid multi-byte sequence at `i`, 0 if there is none (RFC 3629 section 4).
std::size_t sequence_length(std::string_view text, std::size_t i) {
    const std::uint8_t lead = byte_at(text, i);
    const std::size_t left = text.size() - i;
    if (lead >= 0xC2 && lead <= 0xDF) {
        return left >= 2 && is_tail(byte_at(text, i + 1)) ? 2 : 0;
    }
    if (lead >= 0xE0 && lead <= 0xEF) {
        if (left < 3 || !is_tail(byte_at(text, i + 1)) || !is_tail(byte_at(text, i + 2))) {
            return 0;
        }
        const std::uint8_t second = byte_at(text, i + 1);
        const bool overlong = lead == 0xE0 && second < 0xA0;
        const bool surrogate = lead == 0xED && second >= 0xA0;
        return overlong || surrogate ? 0 : 3;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        if (left < 4 || !is_tail(byte_at(text, i + 1)) || !is_tail(byte_at(text, i + 2)) ||
            !is_tail(byte_at(text, i + 3))) {
            return 0;
        }
        const std::uint8_t second = byte_at(text, i + 1);
        const bool overlong = lead == 0xF0 && second < 0x90;
        const bool too_high = lead == 0xF4 && second >= 0x90;
        return overlong || too_high ? 0 : 4;
    }
    return 0;
}

/// First position at or after `i` that is not ASCII, eight bytes at a time.
std::size_t skip_ascii(std::string_view text, std::size_t i) {
    while (i + 8 <= text.size()) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + i, sizeof word);
        if ((word & 0x8080808080808080ULL) != 0) {
            break;
        }
        i += 8;
    }
    while (i < text.size() && byte_at(text, i) < 0x80) {
        ++i;
    }
    return i;
}

/// The upper half's first 32 places of windows-1252; 0 where it defines none.
constexpr std::array<std::uint16_t, 32> kWindows1252{
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};

void append_windows_1252(std::string& out, std::uint8_t byte) {
    std::uint32_t code = byte;
    if (byte >= 0x80 && byte < 0xA0) {
        code = kWindows1252[byte - 0x80U];
        if (code == 0) {
            out += kReplacement;
            return;
        }
    }
    if (code < 0x800) {
        out.push_back(static_cast<char>(0xC0U | (code >> 6U)));
    } else {
        out.push_back(static_cast<char>(0xE0U | (code >> 12U)));
        out.push_back(static_cast<char>(0x80U | ((code >> 6U) & 0x3FU)));
    }
    out.push_back(static_cast<char>(0x80U | (code & 0x3FU)));
}

bool has_sequence(std::string_view text) {
    for (std::size_t i = skip_ascii(text, 0); i < text.size(); i = skip_ascii(text, i + 1)) {
        if (sequence_length(text, i) > 0) {
            return true;
        }
    }
    return false;
}

}  // namespace

bool is_utf8(std::string_view bytes) {
    std::size_t i = skip_ascii(bytes, 0);
    while (i < bytes.size()) {
        const std::size_t length = sequence_length(bytes, i);
        if (length == 0) {
            return false;
        }
        i += length;
        if (i < bytes.size() && byte_at(bytes, i) < 0x80) {
            i = skip_ascii(bytes, i);
        }
    }
    return true;
}

std::string guess_utf8(std::string_view bytes) {
    const bool has_nul = !bytes.empty() && std::memchr(bytes.data(), 0, bytes.size()) != nullptr;
    const bool valid = is_utf8(bytes);
    if (valid && !has_nul) {
        return std::string(bytes);
    }
    const bool latin = !valid && !has_sequence(bytes);
    std::string out;
    out.reserve(bytes.size() + bytes.size() / 8);
    std::size_t i = 0;
    while (i < bytes.size()) {
        const std::uint8_t byte = byte_at(bytes, i);
        if (byte < 0x80) {
            const std::string_view run = bytes.substr(i, skip_ascii(bytes, i) - i);
            std::size_t start = 0;
            for (std::size_t nul = 0; (nul = run.find('\0', start)) != std::string_view::npos;) {
                out += run.substr(start, nul - start);
                out += kReplacement;
                start = nul + 1;
            }
            out += run.substr(start);
            i += run.size();
        } else if (latin) {
            append_windows_1252(out, byte);
            ++i;
        } else if (const std::size_t length = sequence_length(bytes, i); length > 0) {
            out += bytes.substr(i, length);
            i += length;
        } else {
            out += kReplacement;
            ++i;
        }
    }
    return out;
}

bool cut_utf8(std::string& text, std::size_t max_bytes) {
    if (text.size() <= max_bytes) {
        return false;
    }
    std::size_t end = max_bytes;
    while (end > 0 && is_tail(byte_at(text, end))) {
        --end;
    }
    text.resize(end);
    return true;
}

}  // namespace dmarcbox::mime
