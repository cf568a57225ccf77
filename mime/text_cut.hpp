#pragma once

#include <cstddef>
#include <string>

namespace dmarcbox::mime {

/// Shortens valid UTF-8 to at most `max_bytes`, never inside a character. True if it was longer.
bool cut_utf8(std::string& text, std::size_t max_bytes);

}  // namespace dmarcbox::mime
