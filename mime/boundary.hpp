#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <string_view>

namespace dmarcbox::mime {

/// A line that is a boundary (RFC 2046 section 5.1.1).
struct BoundaryLine {
    std::size_t content_end = 0;  ///< the line end in front of the boundary belongs to the boundary
    std::size_t line_start = 0;
    std::size_t line_end = 0;  ///< after its own line end
    std::size_t level = 0;     ///< index into the list; 0 is the innermost
    bool closing = false;
};

/// Next boundary line at or after `position`, of the multipart itself or of one around it: a
/// multipart without closing boundary ends there. `boundaries` hold the two hyphens in front,
/// innermost first. White space after the boundary is ignored, any line ending.
[[nodiscard]] std::optional<BoundaryLine> find_boundary(std::string_view text,
                                                        std::size_t position,
                                                        const std::list<std::string>& boundaries);

/// The boundary that a multipart without the parameter uses: its first line of two hyphens and
/// something more that a part's header or an empty line follows. Empty if it has none within 64
/// KiB.
[[nodiscard]] std::string guess_boundary(std::string_view body);

}  // namespace dmarcbox::mime
