#pragma once

#include <string>
#include <string_view>

namespace dmarcbox::mime {

/// What decode_words() met on its way.
struct WordNotes {
    bool raw_8bit = false;        ///< other text than ASCII outside encoded words
    std::string unknown_charset;  ///< first label nobody knows
};

/// Unstructured text as UTF-8 (RFC 2047), leniently: words may touch other text, hold blanks, be
/// longer than 75 characters; a character may be split between adjacent words of one charset.
/// Bytes outside of words that are not UTF-8 are read in `charset` if that is a known one, else
/// guessed; escape sequences of ISO 2022 there tell their charset themselves. Linear in the size of
/// the text.
[[nodiscard]] std::string decode_words(std::string_view text,
                                       WordNotes& notes,
                                       std::string_view charset = {});

}  // namespace dmarcbox::mime
