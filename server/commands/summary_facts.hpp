#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/commands/readiness_source.hpp"
#include "storage/database.hpp"

namespace dmarcbox {

/// The question of `dmarcbox summary`: a period of whole UTC days.
struct SummaryQuestion {
    std::string domain;                    ///< policy domain, normalised; empty: all
    std::int64_t days = 30;                ///< that end with the newest report
    std::optional<std::int64_t> begin_at;  ///< both given: instead of `days`
    std::optional<std::int64_t> end_at;    ///< the second after the period
    std::string database;                  ///< as --db named it, for the next command; may be empty
};

/// Adds to a sum of messages, which stops where those of the totals do (storage::kMaxTotal).
void add_to(std::int64_t& sum, std::int64_t value);

/// Messages of one UTC day by what each shows (class of its evidence).
struct SummaryDay {
    std::string day;
    std::int64_t reports = 0;
    std::int64_t passed = 0;
    std::array<std::int64_t, kSourceClasses> messages{};
    [[nodiscard]] std::int64_t all() const;
};

constexpr std::size_t kDetails = 5;

/// What the tables have no column for. Lists hold kDetails values, and one more if there are more.
struct SummaryDetails {
    std::string first_day;  ///< of the period with its mail
    std::string last_day;
    std::vector<std::string> addresses;
    std::vector<std::string> reporters;
    std::vector<std::string> from;  ///< domains of failing mail, of any time
    std::vector<std::string> dkim;
    std::vector<std::string> spf;
    std::vector<std::string> subjects;  ///< of `samples`, newest first
};

/// Sources of one network that show the same.
struct SummarySource {
    std::string domain;
    std::string name;  ///< an address, or `203.0.113.192-223 (32)`, `2001:db8::/64 (2)`
    SourceClass source_class = SourceClass::unauthenticated;
    std::string evidence;
    std::string confidence;
    std::string authenticates_as;
    std::int64_t sources = 0;
    std::int64_t messages = 0;
    std::int64_t failed = 0;
    std::size_t reporters = 0;
    std::string advice = {};      ///< what to do, if some of it fails
    SummaryDetails details = {};  ///< of the kDetailed that fail most
};

struct SummaryReporter {
    std::string org_name;
    std::int64_t reports = 0;
    std::int64_t messages = 0;
    std::int64_t last_report_at = 0;
    std::vector<bool> days;  ///< of the period, oldest first: a report came for it
};

/// Silent for longer than three times its habit, and three days, before the newest report of
/// anyone.
struct SilentReporter {
    std::string org_name;
    std::string domain;
    std::int64_t silent_seconds = 0;
    std::int64_t typical_gap_seconds = 0;
};

struct SummarySample {
    std::int64_t failure_report_id = 0;
    std::int64_t arrived_at = 0;
    std::string reported_domain;
    std::string source_ip;
    std::string source_class;  ///< empty: the source is in no aggregate report
    std::string sample_from;
    std::string sample_subject;
};

struct SummaryTls {
    std::string policy_domain;
    std::string policy_type;
    std::string result_type;
    std::int64_t sessions = 0;
};

struct SummaryPolicy {
    std::string domain;
    std::string org_name;
    std::string p;
    std::string sp;
    std::int64_t first_seen_at = 0;
    std::int64_t last_seen_at = 0;
};

struct SummaryProblem {
    std::string code;  ///< `conflict`, or the code of a finding
    std::int64_t messages = 0;
    std::int64_t example_message_id = 0;
};

struct SummaryRefusal {
    std::string reason;
    std::string domain;
    std::int64_t count = 0;
};

/// Whether refusals of that reason are counted by recipient, not by message.
[[nodiscard]] bool counts_recipients(std::string_view reason);

/// What the records say about the period. Counts are messages as reporters claim them, of counted
/// reports; a report belongs to the day of its middle.
struct SummaryFacts {
    std::int64_t begin_at = 0;
    std::int64_t end_at = 0;  ///< 0: there is no report at all
    std::vector<std::string> domains;
    std::int64_t reports = 0;
    std::int64_t pruned_reports = 0;  ///< their records are gone
    std::int64_t daily_messages = 0;  ///< with theirs, from day_totals; 0 if none is pruned
    std::int64_t daily_passed = 0;
    std::int64_t messages = 0;
    std::int64_t passed = 0;
    std::int64_t quarantined = 0;
    std::int64_t rejected = 0;
    std::int64_t messages_before = 0;  ///< in as many days before, from day_totals
    std::int64_t passed_before = 0;
    std::vector<SummaryDay> days;
    std::array<std::int64_t, kSourceClasses> class_messages{};
    std::array<std::int64_t, kSourceClasses> class_failed{};
    std::vector<SummarySource> sources;  ///< most failing messages first, then most messages
    std::vector<SummaryReporter> reporters;
    std::vector<SilentReporter> silent;
    std::int64_t newest_report_at = 0;  ///< of anyone, any domain; 0: none
    bool all_silent = false;            ///< that was more than three days ago
    std::vector<SummaryPolicy> policies;
    std::int64_t failure_reports = 0;
    std::vector<SummarySample> samples;  ///< newest first, at most kSummarySamples
    std::int64_t tls_sessions = 0;
    std::int64_t tls_failed = 0;
    std::vector<SummaryTls> tls;
    std::int64_t unreadable = 0;
    std::vector<SummaryProblem> problems;
    std::vector<SummaryRefusal> refusals;

    /// 0 to 1; nothing without messages.
    [[nodiscard]] std::optional<double> pass_rate() const;
    [[nodiscard]] std::optional<double> pass_rate_before() const;
    [[nodiscard]] std::optional<double> daily_pass_rate() const;
};

constexpr std::size_t kSummarySamples = 20;
constexpr std::size_t kDetailed = 500;

/// One pass over the records of the period. `now` is for silence alone.
[[nodiscard]] SummaryFacts load_summary(storage::Database& database,
                                        const SummaryQuestion& question,
                                        std::int64_t now);

}  // namespace dmarcbox
