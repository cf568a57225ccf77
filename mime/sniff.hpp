#pragma once

#include <string_view>

namespace dmarcbox::mime {

/// What bytes are by their beginning, whatever their label says.
enum class ContentKind { empty, gzip, zip, xml, json, html, other };

/// Skips a byte order mark and white space (UTF-8 and UTF-16) before deciding. `xml` is also text
/// that holds `<feedback` or `<?xml` within its first 4 KiB after other text.
[[nodiscard]] ContentKind sniff(std::string_view bytes);

/// `tar`, `7z`, `rar`, `bzip2`, `xz` or `zstd` if the bytes begin so, which nobody sends reports in
/// and unpack() does not read; else empty.
[[nodiscard]] std::string_view foreign_archive(std::string_view bytes);

}  // namespace dmarcbox::mime
