#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "mime/guard.hpp"
#include "mime/header.hpp"
#include "mime/header_block.hpp"

namespace dmarcbox::mime {

/// Where an entity stands in the text, and what its header says.
struct Entity {
    HeaderBlock header;            ///< views into the text
    ParameterizedValue type;       ///< Content-Type
    std::string_view passed_over;  ///< the first Content-Type field, where another one counts
    std::size_t begin = 0;         ///< of the header
    std::size_t body = 0;
    std::size_t end = 0;
    std::vector<Entity> children;  ///< parts of a multipart; attached messages are leaves
};

/// The tree of one message, attached messages not taken apart; `depth` is how deep the message
/// itself is attached. Nullopt if the guard refused it. Defined in unpack.cpp, beside mimetic.
[[nodiscard]] std::optional<Entity> read_structure(std::string_view text,
                                                   std::size_t depth,
                                                   Guard& guard,
                                                   Findings& findings);

}  // namespace dmarcbox::mime
