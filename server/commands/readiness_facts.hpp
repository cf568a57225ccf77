#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/commands/readiness_source.hpp"
#include "storage/database.hpp"

namespace dmarcbox {

/// The question of `dmarcbox readiness`.
struct ReadinessQuestion {
    std::string domain;  ///< policy domain, normalised
    std::string policy;  ///< quarantine or reject; empty: the next step from what is published
    bool strict_spf = false;
    bool strict_dkim = false;
    std::string database = {};  ///< its path, for commands that are suggested
};

/// Failing messages by who sent them.
struct Losses {
    std::int64_t yours = 0;
    std::int64_t forwarded = 0;
    std::int64_t unauthenticated = 0;
    [[nodiscard]] std::int64_t all() const { return yours + forwarded + unauthenticated; }
};

/// What strict alignment would do to mail that passes now.
struct StrictLosses {
    std::int64_t hits = 0;
    std::int64_t cannot_tell = 0;  ///< passes, but the reporter gave no raw result to look at
};

/// From domain below the policy domain without one passing message: what np cannot be told of.
struct SilentSubdomain {
    std::string name;
    std::int64_t messages = 0;
};

/// What the stored records say about 30 complete UTC days that end with the newest report, alone:
/// no verdict. A report belongs to the day of its middle. Counts are messages.
struct ReadinessFacts {
    std::int64_t begin_at = 0;  ///< of the window
    std::int64_t end_at = 0;    ///< 0: no report on the domain
    std::size_t days_with_reports = 0;
    std::int64_t reports = 0;
    std::int64_t pruned_reports = 0;  ///< in the window, their records gone by retention
    std::size_t reporters = 0;
    std::int64_t largest_reporter_messages = 0;
    std::int64_t messages = 0;
    std::int64_t history_days = 0;  ///< from the first report ever to the end of the window

    // The newest policy that a reporter saw, as far as it holds for all mail: p is `none` while
    // testing (t=y), and the next weaker one with a pct below 100.
    std::string p;
    std::string sp;
    std::string adkim;
    std::string aspf;
    std::int64_t quarantine_days = 0;  ///< since when every reporter saw quarantine or reject

    std::int64_t passing = 0;
    std::int64_t passing_dkim = 0;
    std::int64_t passed_in_90_days = 0;
    std::int64_t thirds_with_reports = 0;  ///< of these 90 days, each of 30
    /// Seen in these 90 days, of a class other than unauthenticated by all that is known of them;
    /// looked for only where nothing passed.
    std::int64_t senders_in_90_days = 0;
    std::vector<ReadinessSource> sources;  ///< classified, most failing messages first

    Losses from_domain;  ///< what p decides: From is the policy domain
    Losses from_below;   ///< what sp decides: From is below it
    std::vector<SilentSubdomain> silent_subdomains;
    StrictLosses strict_dkim;
    StrictLosses strict_spf;

    [[nodiscard]] std::int64_t your_messages() const;
    [[nodiscard]] std::int64_t your_failing() const;
    [[nodiscard]] Losses losses() const;
};

/// Reads the window in one pass over its records. `now` only keeps out reports from the future.
[[nodiscard]] ReadinessFacts load_readiness_facts(storage::Database& database,
                                                  const ReadinessQuestion& question,
                                                  std::int64_t now);

}  // namespace dmarcbox
