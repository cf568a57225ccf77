#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "schema/finding_list.hpp"

namespace dmarcbox::schema {

/// Turns control characters and NUL bytes, which XML 1.0 section 2.2 does not allow, into blanks.
/// True if there were any.
bool blank_controls(std::string& text);

/// Turns references to characters that XML 1.0 section 2.2 does not allow, NUL above all, where the
/// tree would end a value, into U+FFFD; not in CDATA sections and comments. Finding for each, up to
/// a few. Linear in time; the text gets no longer.
void replace_bad_references(std::string& text, FindingList& findings);

/// Finding for each `&` that begins neither a predefined entity nor a character reference
/// (XML 1.0 section 4.1), up to a few: the tree keeps such text as it is.
void note_raw_ampersands(std::string_view text, FindingList& findings);

/// A start tag found in text: `<p:name ...`.
struct TagStart {
    std::size_t begin = 0;  ///< of the `<`; std::string_view::npos if there is none
    std::string_view name;  ///< with prefix
    [[nodiscard]] explicit operator bool() const { return begin != std::string_view::npos; }
};

/// First start tag whose local name is that. Text only: it may stand in a comment.
[[nodiscard]] TagStart find_start_tag(std::string_view text, std::string_view local_name);

/// What follows the last colon.
[[nodiscard]] std::string_view local_part(std::string_view name);

/// Letters, digits, `_ - . :` and all beyond ASCII, not beginning with digit, `-` or `.`: a name as
/// XML 1.0 section 2.3 has it, nearly. Length of the name at the beginning of the text.
[[nodiscard]] std::size_t name_length(std::string_view text);

/// True if all of it is UTF-8 (RFC 3629).
[[nodiscard]] bool is_utf8(std::string_view text);

/// The text with U+FFFD for every byte that is not part of UTF-8.
[[nodiscard]] std::string replace_bad_utf8(std::string_view text);

}  // namespace dmarcbox::schema
