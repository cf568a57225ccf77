#pragma once

#include <cstdint>

#include "schema/aggregate_report.hpp"
#include "storage/database.hpp"
#include "storage/presence.hpp"

namespace dmarcbox::storage {

/// Keys (d=, s=) seen passing, and what they say about our own signatures that arrive broken
/// (rule 5 of schema/evidence.md). Written at once, not with the totals.
class PassingKeys {
  public:
    explicit PassingKeys(Database& database);

    /// Settles the evidence that is not final: `own-signature-broken` (with `+foreign` where
    /// something foreign passes) if one of its keys passed in this report or in a stored one whose
    /// time is at most 90 days away; else the token stays. `at` is the report's time.
    void settle(schema::AggregateReport& report, std::int64_t at);
    /// Notes the keys that pass in this report.
    void remember(const schema::AggregateReport& report, std::int64_t at);
    void forget() { seen_.forget(); }  ///< after a rollback, or when another process wrote

  private:
    [[nodiscard]] bool passed_elsewhere(const schema::SigningKey& key, std::int64_t at);

    Statement find_;
    Statement add_;
    PresenceMemory seen_;
};

}  // namespace dmarcbox::storage
