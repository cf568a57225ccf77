#pragma once

#include <iosfwd>

#include "server/config.hpp"

namespace dmarcbox {

/// `dmarcbox verify [--rebuild]`: checks the database; with rebuild makes the totals again first.
/// A line per problem on `out`. Returns 0, or 1 if there is a problem.
[[nodiscard]] int run_verify(const Config& config,
                             bool rebuild,
                             std::ostream& out,
                             std::ostream& err);

}  // namespace dmarcbox
