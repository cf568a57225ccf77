#include "mime/encoded_word.hpp"

#include <optional>

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

void append_plain(std::string_view plain, std::string& out, WordNotes& notes) {
    for (const char c : plain) {
        if (static_cast<unsigned char>(c) >= 0x80) {
            notes.raw_8bit = true;
            break;
        }
    }
    out += guess_utf8(plain);
}

}  // namespace

std::string decode_words(std::string_view text, WordNotes& notes) {
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
            append_plain(between, out, notes);
        } else if (!equals_ignoring_case(pending.charset, word->charset)) {
            flush(pending, out, notes);
        }
        pending.charset = word->charset;
        pending.bytes += word->base64 ? decode_base64(word->text).bytes : decode_q(word->text);
        position += word->size;
        plain = position;
    }
    flush(pending, out, notes);
    append_plain(text.substr(plain), out, notes);
    return out;
}

}  // namespace dmarcbox::mime
