#pragma once

#include <string_view>
#include <vector>

#include "mime/header.hpp"
#include "mime/unpack.hpp"

namespace dmarcbox {

/// What a mail without report is, for column messages.detail: `bounce` (RFC 3464), `auto-reply`
/// (RFC 3834), else `no report`.
[[nodiscard]] std::string_view kind_of_other(const mime::Header& header,
                                             const std::vector<mime::Part>& parts);

}  // namespace dmarcbox
