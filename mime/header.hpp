#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mime/finding.hpp"
#include "mime/limits.hpp"

namespace dmarcbox::mime {

/// One header field (RFC 5322 section 2.2).
struct Field {
    std::string name;  ///< as written, without the colon, trailing blanks trimmed
    std::string
        value;  ///< unfolded, decoded to UTF-8 (RFC 2047, RFC 2231, raw 8-bit by guess), trimmed
    std::string raw;  ///< bytes after the colon as sent, folds kept, without the final line end
};

struct Header {
    std::vector<Field> fields;  ///< in order
    Findings findings;

    /// First field of that name, ASCII case-insensitive; nullptr if none.
    [[nodiscard]] const Field* find(std::string_view name) const;
};

/// Reads a header block: lines up to the first empty (or white-space-only) line or the end; such
/// lines in front are skipped.
/// Any line ending. A line without a colon that continues nothing is skipped with a finding.
/// Caps: max_header_bytes, max_field_bytes, max_header_fields, max_text_bytes; beyond them the rest
/// is cut with a finding. Raw bytes that are not UTF-8 are read in `charset` if given and known.
/// Never throws on input.
[[nodiscard]] Header parse_header(std::string_view block,
                                  const Limits& limits,
                                  std::string_view charset = {});

/// One parameter of a structured field, after RFC 2231 continuation and charset, or RFC 2047 where
/// senders put that into a quoted string. Names in lower case, values UTF-8.
struct Parameter {
    std::string name;
    std::string value;
};

/// `value; name=value; ...` of Content-Type and Content-Disposition, leniently.
struct ParameterizedValue {
    std::string value;  ///< lower case, without blanks
    std::vector<Parameter> parameters;

    /// Value of the parameter or an empty view.
    [[nodiscard]] std::string_view parameter(std::string_view name) const;
};

[[nodiscard]] ParameterizedValue parse_parameterized(std::string_view raw);

}  // namespace dmarcbox::mime
