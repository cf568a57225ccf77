#pragma once

#include <iosfwd>

#include "server/config.hpp"

namespace dmarcbox {

/// `dmarcbox reprocess [--all]`: reads stored originals again with today's code and replaces what
/// they yielded, one transaction per message. Without `all`: outcome unreadable, and other with a
/// finding. A line per message that changed. Returns 0, or 1 if an original could not be read back.
[[nodiscard]] int run_reprocess(const Config& config,
                                bool all,
                                std::ostream& out,
                                std::ostream& err);

}  // namespace dmarcbox
