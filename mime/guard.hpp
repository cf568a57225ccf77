#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "mime/finding.hpp"
#include "mime/header_block.hpp"
#include "mime/limits.hpp"

namespace dmarcbox::mime {

/// Counts what one message makes us do, attached messages included. mimetic reads a header in
/// quadratic time and recurses once per multipart (8 MiB of stack end near 40,000), so every header
/// block, part and level passes here before mimetic sees any of it.
class Guard {
  public:
    explicit Guard(const Limits& limits) : limits_(limits) {}

    /// Scans the header block at the beginning of `text`; nullopt once the message is refused.
    [[nodiscard]] std::optional<HeaderBlock> admit_header(std::string_view text,
                                                          std::string_view section);
    /// One more part or multipart; false once the message is refused.
    [[nodiscard]] bool admit_part();
    /// A multipart or attached message at this depth (1: the outermost); false if refused.
    [[nodiscard]] bool admit_depth(std::size_t depth);

    /// The fault that refused the message.
    [[nodiscard]] const std::optional<Finding>& refusal() const { return refusal_; }
    [[nodiscard]] const Limits& limits() const { return limits_; }

  private:
    Limits limits_;
    std::size_t parts_ = 0;
    std::optional<Finding> refusal_;
};

}  // namespace dmarcbox::mime
