#include <algorithm>
#include <array>
#include <optional>

#include "mime/charset.hpp"
#include "mime/finding_codes.hpp"
#include "mime/lines.hpp"

namespace dmarcbox::mime {

namespace {

/// A declaration is the first thing in a document; junk before it is at most this long.
constexpr std::size_t kDeclarationWindow = 4096;

struct ByteOrder {
    std::string_view label;
    std::size_t mark;  ///< bytes of the mark, 0: recognised by its zero bytes
};

/// UTF-16 and UTF-32 by mark, or UTF-16 by the zero bytes around the first `<` or `{`.
std::optional<ByteOrder> wide_encoding(std::string_view bytes) {
    using std::string_view_literals::operator""sv;
    if (bytes.starts_with("\xFF\xFE\0\0"sv)) {
        return ByteOrder{"UTF-32LE", 4};
    }
    if (bytes.starts_with("\0\0\xFE\xFF"sv)) {
        return ByteOrder{"UTF-32BE", 4};
    }
    if (bytes.starts_with("\xFF\xFE"sv)) {
        return ByteOrder{"UTF-16LE", 2};
    }
    if (bytes.starts_with("\xFE\xFF"sv)) {
        return ByteOrder{"UTF-16BE", 2};
    }
    const std::string_view start = bytes.substr(0, 256);
    const std::size_t first = start.find_first_of("<{");
    if (first == std::string_view::npos || first + 1 >= start.size()) {
        return std::nullopt;
    }
    if (first % 2 == 0 && start[first + 1] == '\0') {
        return ByteOrder{"UTF-16LE", 0};
    }
    if (first % 2 == 1 && start[first - 1] == '\0' && start[first + 1] == '\0') {
        return ByteOrder{"UTF-16BE", 0};
    }
    return std::nullopt;
}

struct Declaration {
    std::string label;
    std::size_t begin = 0;  ///< of `encoding="..."`
    std::size_t end = 0;
};

/// encoding="..." of the XML declaration.
std::optional<Declaration> find_declaration(std::string_view bytes) {
    const std::string_view window = bytes.substr(0, kDeclarationWindow);
    const std::size_t start = window.find("<?xml");
    if (start == std::string_view::npos) {
        return std::nullopt;
    }
    const std::size_t end = window.find("?>", start);
    if (end == std::string_view::npos) {
        return std::nullopt;
    }
    const std::size_t name = window.find("encoding", start);
    const std::size_t open = name < end ? window.find_first_of("\"'", name) : end;
    if (open >= end) {
        return std::nullopt;
    }
    const std::size_t close = window.find(window[open], open + 1);
    if (close >= end) {
        return std::nullopt;
    }
    return Declaration{to_lower(trim_blanks(window.substr(open + 1, close - open - 1))), name,
                       close + 1};
}

bool is_ascii(std::string_view bytes) {
    return std::all_of(bytes.begin(), bytes.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_ascii_label(std::string_view label) {
    return label == "us-ascii" || label == "ascii";
}

bool is_single_byte(std::string_view label) {
    constexpr std::array<std::string_view, 12> kFamilies{
        "iso-8859-", "iso8859-", "iso_8859-", "windows-125", "cp125", "latin",
        "koi8",      "ibm8",     "cp8",       "macintosh",   "x-mac", "windows-874"};
    return is_ascii_label(label) ||
           std::any_of(kFamilies.begin(), kFamilies.end(),
                       [label](std::string_view family) { return label.starts_with(family); });
}

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_high(char c) {
    return static_cast<unsigned char>(c) >= 0x80;
}

/// True if UTF-8 text with characters beyond ASCII is no text in a multi-byte charset (GB2312,
/// Shift_JIS ...) by chance. Of their two-byte characters one in seven is also UTF-8, so that three
/// are by one chance in three hundred: six bytes decide. Fewer decide where they are one character
/// of two bytes between two letters, as in `Müller`: nobody writes a Chinese one there.
bool is_no_accident(std::string_view utf8) {
    constexpr std::size_t kDeciding = 6;
    std::size_t seen = 0;
    for (std::size_t i = 0; i < utf8.size() && seen < kDeciding; ++i) {
        if (!is_high(utf8[i])) {
            continue;
        }
        ++seen;
        if (i >= 2 && is_letter(utf8[i - 2]) && is_high(utf8[i - 1]) && i + 1 < utf8.size() &&
            is_letter(utf8[i + 1])) {
            return true;
        }
    }
    return seen >= kDeciding;
}

bool is_utf8_label(std::string_view label) {
    return label == "utf-8" || label == "utf8";
}

/// Without the declaration's encoding, which no longer tells the truth.
void blank_declaration(std::string& text) {
    if (const auto declaration = find_declaration(text)) {
        std::fill(text.begin() + static_cast<std::ptrdiff_t>(declaration->begin),
                  text.begin() + static_cast<std::ptrdiff_t>(declaration->end), ' ');
    }
}

bool is_replaced(std::string_view text) {
    return text.find("\xEF\xBF\xBD") != std::string_view::npos;
}

std::string guessed(std::string bytes, const std::string& part, Findings& findings) {
    const auto nuls = static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), '\0'));
    if (nuls > 0) {
        add_finding(findings, kNulBytes, part, std::to_string(nuls) + " bytes");
    }
    if (!is_utf8(bytes)) {
        std::string text = guess_utf8(bytes);
        add_finding(findings, kNotUtf8, part,
                    is_replaced(text) ? "invalid bytes replaced" : "read as windows-1252");
        return text;
    }
    return nuls > 0 ? guess_utf8(bytes) : std::move(bytes);
}

std::string from_wide(std::string_view bytes,
                      const ByteOrder& order,
                      const std::string& part,
                      Findings& findings) {
    add_finding(findings, kUtf16, part,
                std::string(order.label) +
                    (order.mark > 0 ? " by byte order mark" : " without byte order mark"));
    std::string text = to_utf8(bytes.substr(order.mark), order.label).value_or(guess_utf8(bytes));
    blank_declaration(text);
    return text;
}

std::string from_declared(std::string bytes,
                          const std::string& label,
                          const std::string& part,
                          Findings& findings) {
    // .NET writes encoding="utf-16" into UTF-8 files; a UTF-8 file declared as another charset
    // comes from a template. Real text in a single-byte charset is never valid UTF-8 by chance.
    const bool wide = label.starts_with("utf-16") || label.starts_with("utf-32") ||
                      label.starts_with("ucs-") || label == "unicode";
    const bool high = !is_ascii(bytes);
    const bool utf8 = high && is_utf8(bytes);
    auto text = wide ? std::nullopt : to_utf8(bytes, label);
    if (wide || (high && is_ascii_label(label)) ||
        (utf8 && text && (is_single_byte(label) || is_no_accident(bytes) || is_replaced(*text)))) {
        add_finding(findings, kCharsetWrong, part, label + " declared");
        blank_declaration(bytes);
        return guessed(std::move(bytes), part, findings);
    }
    if (!text) {
        add_finding(findings, kCharsetUnknown, part, label);
        blank_declaration(bytes);
        return guessed(std::move(bytes), part, findings);
    }
    blank_declaration(*text);
    return std::move(*text);
}

}  // namespace

std::string document_to_utf8(std::string bytes,
                             const std::string& part,
                             Findings& findings,
                             std::string_view charset) {
    if (const auto order = wide_encoding(bytes)) {
        return from_wide(bytes, *order, part, findings);
    }
    if (bytes.starts_with("\xEF\xBB\xBF")) {
        bytes.erase(0, 3);
    }
    const auto declaration = find_declaration(bytes);
    if (!declaration || declaration->label.empty()) {
        // ASCII and UTF-8 labels are put on any text: its bytes tell more.
        const std::string label = to_lower(charset);
        const bool says_nothing = label.empty() || is_ascii_label(label) || is_utf8_label(label);
        auto text = says_nothing || is_utf8(bytes) ? std::nullopt : to_utf8(bytes, label);
        return text ? std::move(*text) : guessed(std::move(bytes), part, findings);
    }
    if (is_utf8_label(declaration->label)) {
        return guessed(std::move(bytes), part, findings);
    }
    return from_declared(std::move(bytes), declaration->label, part, findings);
}

}  // namespace dmarcbox::mime
