#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace dmarcbox::schema {

/// Trimmed, each run of white space and control characters (NUL too) as one blank.
[[nodiscard]] std::string collapse(std::string_view text);

/// Trimmed of ASCII white space.
[[nodiscard]] std::string_view trim(std::string_view text);

/// ASCII lower case.
[[nodiscard]] std::string lower_case(std::string_view text);

/// Equal but for ASCII case.
[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b);

/// The first `max` bytes or fewer: never cut inside a UTF-8 character.
[[nodiscard]] std::string_view cut_text(std::string_view text, std::size_t max);

}  // namespace dmarcbox::schema
