#pragma once

#include <iosfwd>

#include "server/config.hpp"
#include "storage/retention.hpp"

namespace dmarcbox {

/// [retention] and [storage] max_other_bytes, as the store wants them.
[[nodiscard]] storage::RetentionRules retention_rules(const Config& config);

/// `dmarcbox prune [--dry-run]`: applies retention now and says what went, or would go. Returns 0.
[[nodiscard]] int run_prune(const Config& config, bool dry_run, std::ostream& out);

}  // namespace dmarcbox
