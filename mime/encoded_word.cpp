#include "mime/encoded_word.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "mime/charset.hpp"
#include "mime/lines.hpp"
#include "mime/transfer_encoding.hpp"

namespace dmarcbox::mime {

namespace {

struct Word {
    std::string_view charset;
    bool base64;
    std::string_view text;
    std::size_t size;  ///< from "=?" to after "?="
};

/// Longest charset label with its language suffix (RFC 2231 section 5).
constexpr std::size_t kMaxLabel = 80;

bool is_base64_text(std::string_view text) {
    return text.find_first_not_of(
               "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \t") ==
           std::string_view::npos;
}

/// The word at the beginning of `text`. `no_end` becomes true where no "?=" follows at all, so that
/// the caller need not ask again: otherwise a run of "=?a?q?" would take quadratic time.
std::optional<Word> word_at(std::string_view text, bool& no_end) {
    const std::size_t label_end = text.substr(0, kMaxLabel).find('?', 2);
    if (label_end == std::string_view::npos || label_end == 2 || text.size() < label_end + 5 ||
        text[label_end + 2] != '?') {
        return std::nullopt;
    }
    const char encoding = text[label_end + 1];
    const bool base64 = encoding == 'B' || encoding == 'b';
    if (!base64 && encoding != 'Q' && encoding != 'q') {
        return std::nullopt;
    }
    const std::size_t start = label_end + 3;
    const std::size_t end = text.find("?=", start);
    if (end == std::string_view::npos) {
        no_end = true;
        return std::nullopt;
    }
    std::string_view label = text.substr(2, label_end - 2);
    label = trim_blanks(label.substr(0, label.find('*')));
    const std::string_view payload = text.substr(start, end - start);
    if (label.empty() || (base64 && !is_base64_text(payload))) {
        return std::nullopt;
    }
    return Word{label, base64, payload, end + 2};
}

/// Bytes of adjacent words in one charset, joined before they are converted.
struct Pending {
    std::string charset;
    std::string bytes;
};

void flush(Pending& pending, std::string& out, WordNotes& notes) {
    if (pending.charset.empty()) {
        return;
    }
    if (auto text = to_utf8(pending.bytes, pending.charset)) {
        out += *text;
    } else {
        if (notes.unknown_charset.empty()) {
            notes.unknown_charset = pending.charset;
        }
        out += guess_utf8(pending.bytes);
    }
    pending = {};
}

bool has_high_byte(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

/// The charset that the first escape sequence of ISO 2022 in the text belongs to (RFC 1468, 1554,
/// 1557, 1922); empty if there is none.
std::string_view escaped_charset(std::string_view text) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 13> kEscapes{
        {{"$B", "iso-2022-jp"},
         {"$@", "iso-2022-jp"},
         {"(J", "iso-2022-jp"},
         {"(I", "jis7"},
         {"$(D", "iso-2022-jp-2"},
         {"$A", "iso-2022-jp-2"},
         {"$(C", "iso-2022-jp-2"},
         {"$)C", "iso-2022-kr"},
         {"$)A", "iso-2022-cn"},
         {"$)G", "iso-2022-cn"},
         {"$)E", "iso-2022-cn-ext"},
         {"$*H", "iso-2022-cn"},
         {"$*I", "iso-2022-cn-ext"}}};
    for (auto at = text.find('\x1b'); at != std::string_view::npos;
         at = text.find('\x1b', at + 1)) {
        for (const auto& [sequence, charset] : kEscapes) {
            if (text.substr(at + 1).starts_with(sequence)) {
                return charset;
            }
        }
    }
    return {};
}

void append_plain(std::string_view plain,
                  std::string_view charset,
                  std::string& out,
                  WordNotes& notes) {
    if (!has_high_byte(plain)) {
        const std::string_view escaped = escaped_charset(plain);
        notes.raw_8bit = notes.raw_8bit || !escaped.empty();
        out += to_utf8(plain, escaped).value_or(guess_utf8(plain));
        return;
    }
    notes.raw_8bit = true;
    auto text = charset.empty() || is_utf8(plain) ? std::nullopt : to_utf8(plain, charset);
    out += text ? *text : guess_utf8(plain);
}

/// True if a word in that charset cannot be joined to the one before: each begins in its initial
/// state (RFC 2047 section 5). Some senders cut others, and ISO-2022 too, where they like.
bool starts_afresh(std::string_view charset, std::string_view bytes) {
    if (starts_ignoring_case(charset, "iso-2022")) {
        return bytes.starts_with('\x1b');
    }
    return starts_ignoring_case(charset, "utf-16") || starts_ignoring_case(charset, "utf-32") ||
           starts_ignoring_case(charset, "utf-7") || starts_ignoring_case(charset, "hz");
}

}  // namespace

std::string decode_words(std::string_view text, WordNotes& notes, std::string_view charset) {
    std::string out;
    out.reserve(text.size());
    Pending pending;
    std::size_t plain = 0;  // start of text not yet written
    std::size_t position = 0;
    bool no_end = false;
    while (!no_end && (position = text.find("=?", position)) != std::string_view::npos) {
        const auto word = word_at(text.substr(position), no_end);
        if (!word) {
            position += 2;
            continue;
        }
        const std::string_view between = text.substr(plain, position - plain);
        const bool adjacent = !pending.charset.empty() && trim_blanks(between).empty();
        if (!adjacent) {
            flush(pending, out, notes);
            append_plain(between, charset, out, notes);
        }
        const std::string bytes =
            word->base64 ? decode_base64(word->text).bytes : decode_q(word->text);
        if (adjacent && (!equals_ignoring_case(pending.charset, word->charset) ||
                         starts_afresh(word->charset, bytes))) {
            flush(pending, out, notes);
        }
        pending.charset = word->charset;
        pending.bytes += bytes;
        position += word->size;
        plain = position;
    }
    flush(pending, out, notes);
    append_plain(text.substr(plain), charset, out, notes);
    return out;
}

}  // namespace dmarcbox::mime
