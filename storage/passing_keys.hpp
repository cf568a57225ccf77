#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "schema/aggregate_report.hpp"
#include "storage/database.hpp"
#include "storage/presence.hpp"

namespace dmarcbox::storage {

constexpr std::string_view kOwnSignatureBroken = "own-signature-broken";
constexpr std::string_view kOwnSignatureBrokenForeign = "own-signature-broken+foreign";

/// The key's selector as passing_keys has it: in lower case, since it is a name of DNS; `(none)`
/// where there is none.
[[nodiscard]] std::string selector_of(const schema::SigningKey& key);

/// Keys (d=, s=) seen passing, and what they say about our own signatures that arrive broken
/// (rule 5 of schema/evidence.md). Written at once, not with the totals.
class PassingKeys {
  public:
    explicit PassingKeys(Database& database);

    /// Settles the evidence that is not final: `own-signature-broken` (with `+foreign` where
    /// something foreign passes) if one of its keys passed in this report or in a stored one whose
    /// time is at most 90 days away; else the token stays. `at` is the report's time.
    void settle(schema::AggregateReport& report, std::int64_t at);
    /// Notes the keys that pass in this report, and in stale_evidence the times for which that is
    /// news: settle_stale_evidence() looks at the records that were stored before.
    void remember(const schema::AggregateReport& report, std::int64_t at);
    void forget() { seen_.forget(); }  ///< after a rollback, or when another process wrote

  private:
    struct Span {
        std::int64_t first;
        std::int64_t last;  ///< before `first`: nothing
    };
    [[nodiscard]] bool passed_elsewhere(const schema::SigningKey& key, std::int64_t at);
    /// The times within 90 days of `at` that are not within 90 days of another pass of the key.
    [[nodiscard]] Span not_covered(const std::string& domain,
                                   const std::string& selector,
                                   std::int64_t at);

    Database& database_;
    Statement find_;
    Statement add_;
    Statement around_;
    Statement note_;
    PresenceMemory seen_;
};

}  // namespace dmarcbox::storage
