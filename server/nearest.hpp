#pragma once

#include <string_view>
#include <vector>

namespace dmarcbox {

/// The candidate with the least edit distance (insertions, deletions, replacements, swaps of
/// neighbours) to a mistyped name, or the one that it begins; an empty view if none is near enough
/// to be meant.
[[nodiscard]] std::string_view nearest_name(std::string_view mistyped,
                                            const std::vector<std::string_view>& candidates);

}  // namespace dmarcbox
