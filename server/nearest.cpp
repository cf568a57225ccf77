#include "server/nearest.hpp"

#include <algorithm>
#include <cstddef>

namespace dmarcbox {
namespace {

/// Longer input is no slip of a finger, and the table below grows with its square.
constexpr std::size_t kMaxLength = 100;

std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) {
        for (std::size_t j = 0; j <= b.size(); ++j) {
            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            const std::size_t replaced = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, replaced});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
            }
        }
    }
    return d[a.size()][b.size()];
}

}  // namespace

std::string_view nearest_name(std::string_view mistyped,
                              const std::vector<std::string_view>& candidates) {
    if (mistyped.size() > kMaxLength) {
        return {};
    }
    std::string_view best;
    std::size_t least = std::max<std::size_t>(2, mistyped.size() / 3) + 1;
    for (const auto candidate : candidates) {
        const std::size_t d = distance(mistyped, candidate);
        if (d < least) {
            least = d;
            best = candidate;
        }
    }
    // `--dry` is the beginning of --dry-run rather than a slip of --db.
    constexpr std::size_t kMinBeginning = 3;
    const auto begins = [mistyped](auto candidate) { return candidate.starts_with(mistyped); };
    const auto longer = std::find_if(candidates.begin(), candidates.end(), begins);
    if (least > 1 && !mistyped.empty() && longer != candidates.end() &&
        (mistyped.size() >= kMinBeginning || std::none_of(longer + 1, candidates.end(), begins))) {
        best = *longer;
    }
    return best;
}

}  // namespace dmarcbox
