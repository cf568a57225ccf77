#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace dmarcbox::mime {

/// One field as views into the scanned text.
struct RawField {
    std::string_view name;  ///< trailing blanks trimmed
    std::string_view raw;   ///< after the colon, folds kept, without the final line end
};

/// A header block found at the beginning of some text.
struct HeaderBlock {
    std::vector<RawField> fields;   ///< the first max_fields, and MIME fields behind those
    std::size_t field_count = 0;    ///< all of them
    std::size_t size = 0;           ///< bytes up to the body, separator line included
    std::size_t text_size = 0;      ///< bytes of the fields, separator line not included
    std::size_t garbage_lines = 0;  ///< neither field nor continuation
    std::string_view first_garbage;
    bool blank_separator = false;  ///< the separator was a line of white space
    bool no_separator = false;     ///< the body starts at a line that is no field
    bool too_big = false;          ///< longer than max_bytes; the fields up to there are given
    std::string misspelt;          ///< first misspelt MIME field name, as written

    /// Raw text of the first field of that name, or an empty view. `content-type` also finds
    /// `ContentType` and the like, unless the right spelling is there.
    [[nodiscard]] std::string_view find(std::string_view name) const;
};

/// Finds the header block at the beginning of `text`, in time linear in min(size, max_bytes). It
/// ends at an empty line, at a line of white space only (which mail systems write where an empty
/// line is meant), at a boundary-like line, or where two lines in sequence are no fields: then the
/// separator line is missing. Of more than max_fields fields the rest is counted only: 50 MB of
/// `a:` lines would else take ten times that.
[[nodiscard]] HeaderBlock scan_header(std::string_view text,
                                      std::size_t max_bytes,
                                      std::size_t max_fields);

/// True for `Name: value` whose name is printable ASCII without blanks (RFC 5322 section 2.2).
[[nodiscard]] bool is_field_line(std::string_view line);

}  // namespace dmarcbox::mime
