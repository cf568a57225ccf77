#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace dmarcbox::mime {

/// Base64 (RFC 2045 section 6.8) as found in the wild.
struct Base64Result {
    std::string bytes;
    std::size_t foreign = 0;  ///< bytes outside the alphabet, white space not counted
    std::optional<std::size_t> first_foreign;  ///< where the first of them stands
    bool padding_missing = false;              ///< the data does not end on a group of four
    std::size_t trailing = 0;                  ///< bytes after the padding, dropped
};

/// Skips bytes outside the alphabet and tolerates missing padding. After padding more data is
/// decoded (encoders that were flushed in between), unless it holds foreign bytes: then it is
/// trailing text.
[[nodiscard]] Base64Result decode_base64(std::string_view text);

struct QuotedPrintableResult {
    std::string bytes;
    std::size_t invalid = 0;  ///< `=` without two hexadecimal digits, kept
};

/// Quoted-printable (RFC 2045 section 6.7); lower-case digits and any line end are accepted.
[[nodiscard]] QuotedPrintableResult decode_quoted_printable(std::string_view text);

/// The Q encoding of encoded words (RFC 2047 section 4.2).
[[nodiscard]] std::string decode_q(std::string_view text);

/// Value of a hexadecimal digit, -1 for anything else.
[[nodiscard]] int hex_value(char c);

}  // namespace dmarcbox::mime
