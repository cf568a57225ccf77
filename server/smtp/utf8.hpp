#pragma once

#include <string_view>

namespace dmarcbox::smtp {

/// Well-formed UTF-8 (RFC 3629) without control characters (C0, DEL, C1) and without characters
/// that a log reader cannot see or that turn text around (zero width, bidi controls, BOM).
[[nodiscard]] bool is_visible_utf8(std::string_view text);

/// Well-formed UTF-8 (RFC 3629), whatever it holds.
[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace dmarcbox::smtp
