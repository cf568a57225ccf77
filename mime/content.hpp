#pragma once

#include <string>
#include <string_view>

#include "mime/finding.hpp"

namespace dmarcbox::mime {

/// Content of a part without its transfer encoding (RFC 2045 section 6), leniently: what is
/// labelled base64 but is plain stays as it is, base64 of an archive or report is decoded without
/// label too, and what a list put behind it is dropped.
/// `file_name` is set where uuencode names the file.
[[nodiscard]] std::string decode_content(std::string_view encoded,
                                         std::string_view transfer_encoding,
                                         std::string_view section,
                                         std::string& file_name,
                                         Findings& findings);

/// True for Content-Transfer-Encoding fields that leave the content as it is.
[[nodiscard]] bool is_plain_encoding(std::string_view transfer_encoding);

}  // namespace dmarcbox::mime
