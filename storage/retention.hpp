#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/database.hpp"

namespace dmarcbox::storage {

/// [retention] and max_other_bytes. Days; 0 keeps for ever.
struct RetentionRules {
    std::int64_t originals_days = 90;
    std::int64_t unreadable_days = 365;
    std::int64_t failure_originals_days = 30;
    std::int64_t failure_reports_days = 365;
    std::int64_t other_days = 30;
    std::int64_t reports_days = 0;
    std::uint64_t max_other_bytes = 1073741824;  ///< 0: no bound
};

/// What went, or would go.
struct PruneResult {
    std::int64_t originals = 0;  ///< bytes of messages, the row of the message stays
    std::int64_t original_bytes = 0;
    std::int64_t aggregate_reports = 0;  ///< whose records went; the row of the report stays
    std::int64_t aggregate_records = 0;
    std::int64_t tls_reports = 0;
    std::int64_t failure_reports = 0;  ///< whose fields, headers and personal columns went
    std::int64_t refusal_days = 0;
};

/// Counts what a Pruner would remove now, without writing.
[[nodiscard]] PruneResult plan_prune(Database& database,
                                     const RetentionRules& rules,
                                     std::int64_t now);

/// Whether retention has taken the personal data of a failure report that this message brought,
/// first or again: what its header and its findings quote stays out then.
[[nodiscard]] bool sample_forgotten(Database& database, std::int64_t message_id);

/// Clears subject and details of findings of such a message; nothing of any other. In the
/// transaction of the caller.
void forget_sample_mail(Database& database, std::int64_t message_id);

/// Message whose bytes go, or would go.
struct DueOriginal {
    std::int64_t message_id = 0;
    bool kept = true;  ///< false: identical bytes are kept with another message, or none
    std::int64_t bytes = 0;
    bool junk = false;  ///< goes only while its outcome is other or unreadable
};

/// Removes what is due. Use a connection of its own, not the writer's: finding what is due can read
/// for a while.
class Pruner {
  public:
    Pruner(Database& database, const RetentionRules& rules, std::int64_t now);

    /// One small transaction (under 100 ms but for a report of very many records), so that intake
    /// goes on between two steps. Adds to `result`. False when nothing was left to remove; free
    /// pages are then given back to the file system, a few per step.
    ///
    /// Totals never shrink: sums of removed records stay in the pruned_ tables.
    [[nodiscard]] bool step(PruneResult& result);

  private:
    [[nodiscard]] std::vector<DueOriginal> due_originals();

    Database& database_;
    RetentionRules rules_;
    std::int64_t now_;
    std::vector<DueOriginal> junk_;  ///< above max_other_bytes, the next to go last
};

}  // namespace dmarcbox::storage
