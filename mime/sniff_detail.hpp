#pragma once

#include <cstddef>
#include <string_view>

namespace dmarcbox::mime {

/// Where gzip data begins: at once or behind white space within the first 4 KiB; npos if it does
/// not.
[[nodiscard]] std::size_t find_gzip_start(std::string_view bytes);

/// Where a zip archive begins within the first 4 KiB; npos if none does.
[[nodiscard]] std::size_t find_zip_start(std::string_view bytes);

/// True for the header of a zlib stream with the usual window (RFC 1950 section 2.2).
[[nodiscard]] bool is_zlib_stream(std::string_view bytes);

}  // namespace dmarcbox::mime
