#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mime/finding.hpp"

namespace dmarcbox::mime {

/// Converts bytes in the labelled charset to UTF-8; nullopt for a label nobody knows. Labels are
/// mapped as mail means them (gb2312 is GB18030, iso-8859-1 is windows-1252, ks_c_5601-1987 is
/// windows-949 ...). Bytes invalid in that charset become U+FFFD.
[[nodiscard]] std::optional<std::string> to_utf8(std::string_view bytes, std::string_view label);

/// True if valid UTF-8 (RFC 3629: no surrogates, nothing above U+10FFFF, no overlong forms).
[[nodiscard]] bool is_utf8(std::string_view bytes);

/// Unlabelled text as UTF-8: as it is if valid; else windows-1252 if it holds no valid multi-byte
/// sequence; else each invalid byte becomes U+FFFD. NUL becomes U+FFFD.
[[nodiscard]] std::string guess_utf8(std::string_view bytes);

/// An XML or JSON document as valid UTF-8 without byte order mark, from: BOM, UTF-16 without BOM,
/// the XML declaration's encoding, the `charset` of the part (RFC 7303 section 3.2; empty: none),
/// else as guess_utf8. What was not plain UTF-8 becomes a finding under `part`.
[[nodiscard]] std::string document_to_utf8(std::string bytes,
                                           const std::string& part,
                                           Findings& findings,
                                           std::string_view charset = {});

}  // namespace dmarcbox::mime
