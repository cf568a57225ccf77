#include "server/commands/check_reports.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "schema/date_time.hpp"
#include "server/terminal.hpp"
#include "storage/totals.hpp"

namespace dmarcbox {
namespace {

constexpr std::int64_t kDay = 86400;
/// New sources listed per domain; a spoofer with a botnet must not fill the screen.
constexpr std::int64_t kShownSources = 10;
/// A reporter that is silent for longer is taken as gone and no longer told.
constexpr std::int64_t kGoneDays = 30;
constexpr std::int64_t kHabitReports = 5;
constexpr std::int64_t kTypicalGaps = 3;
constexpr std::size_t kBaselineDays = 7;
/// Days of a domain's reports in which the baseline must lie.
constexpr std::int64_t kRecentDays = 40;
/// A weaker policy is told for a week after it is first seen, against the month before.
constexpr std::int64_t kPolicyNewDays = 7;
constexpr std::int64_t kPolicyBeforeDays = 30;
constexpr std::int64_t kConflictDays = 7;
constexpr std::int64_t kUnreadableCriticalPercent = 5;

std::string shown(std::string_view stored) {
    return escape_for_terminal(stored);
}

std::string count_of(std::int64_t number, const char* one, const char* many) {
    return with_commas(number) + ' ' + (number == 1 ? one : many);
}

std::string days_text(std::int64_t seconds) {
    return count_of(seconds / kDay, "day", "days");
}

/// The domains are not many, their strings are long: keys hold them with a byte that no name has.
std::string key_of(std::string_view kind, std::string_view first, std::string_view second = {}) {
    std::string key(kind);
    key.append(1, '\x1f').append(first).append(1, '\x1f').append(second);
    return key;
}

class Checker {
  public:
    Checker(storage::Database& database,
            const Config::Check& limits,
            std::int64_t now,
            CheckResult& result)
        : database_(database), limits_(limits), now_(now), result_(result) {}

    void run() {
        newest_day_at_ = database_.integer(
            "SELECT ifnull(unixepoch(max(day)), 0) FROM day_totals WHERE messages > 0");
        newest_end_at_ =
            std::min(now_, database_.integer("SELECT max(last_report_at) FROM reporters"));
        new_sources();
        failure_rate();
        silent_reporters();
        weaker_policy();
        unreadable();
        conflicts();
        silence();
    }

  private:
    void add(Severity severity, std::string key, std::string text) {
        result_.findings.push_back({severity, std::move(key), std::move(text)});
    }

    /// Nothing is new in the first week of a domain: everything is.
    void new_sources() {
        auto row = database_.prepare(
            "WITH newest AS MATERIALIZED (SELECT domain, unixepoch(max(day)) - 6 * 86400 AS since,"
            "   unixepoch(min(day)) AS first_at FROM day_totals WHERE messages > 0 GROUP BY domain)"
            " SELECT t.domain, t.source_ip, t.messages - t.passed AS failed, t.first_seen_at"
            " FROM newest n CROSS JOIN source_totals t ON t.domain = n.domain"
            " WHERE t.first_seen_at >= n.since AND n.first_at < n.since"
            "   AND t.messages - t.passed >= max(?1, 1)"
            " ORDER BY t.domain, failed DESC, t.source_ip");
        row.bind(1, limits_.new_source_messages);
        std::string domain;
        std::int64_t listed = 0;
        std::int64_t more = 0;
        const auto finish = [&] {
            if (more > 0) {
                add(Severity::warning, key_of("new_sources", domain),
                    shown(domain) + ": " + with_commas(more) + " more new sources fail");
            }
            listed = more = 0;
        };
        while (row.step()) {
            if (row.text(0) != domain) {
                finish();
                domain = row.text(0);
            }
            if (++listed > kShownSources) {
                ++more;
                continue;
            }
            add_new_source(row);
        }
        finish();
    }

    void add_new_source(const storage::Statement& row) {
        const std::string domain(row.text(0));
        const std::string ip(row.text(1));
        std::string text = shown(domain) + ": " + shown(ip) + " is new and fails " +
                           count_of(row.integer(2), "message", "messages") + " since " +
                           schema::day_of(row.integer(3));
        auto example = database_.prepare(
            "SELECT r.message_id FROM aggregate_reports r JOIN aggregate_records a"
            " ON a.aggregate_report_id = r.id WHERE r.counted = 1 AND r.begin_at >= ?1"
            " AND r.domain IS nullif(?2, '(none)') AND a.source_ip IS nullif(?3, '(none)')"
            " AND a.dkim IS NOT 'pass' AND a.spf IS NOT 'pass' ORDER BY a.count DESC LIMIT 1");
        example.bind(1, row.integer(3));
        example.bind(2, std::string_view(domain));
        example.bind(3, std::string_view(ip));
        if (example.step()) {
            text += ": `dmarcbox show " + std::to_string(example.integer(0)) + '`';
        }
        add(Severity::warning, key_of("new_source", domain, ip), text);
    }

    struct Day {
        std::int64_t messages = 0;
        std::int64_t failed = 0;
        [[nodiscard]] double share() const {
            return messages == 0 ? 0.0
                                 : static_cast<double>(failed) / static_cast<double>(messages);
        }
    };

    /// Your mail only, as in readiness: spoofed and forwarded mail raises no alarm. One pass over
    /// the records: a join with the view has cost a minute for 600,000 records.
    void failure_rate() {
        std::map<std::string, std::set<std::string, std::less<>>, std::less<>> mine;
        auto source = database_.prepare(
            "SELECT domain, source_ip FROM sources WHERE class IN ('aligned', 'misconfigured')");
        while (source.step()) {
            mine[std::string(source.text(0))].emplace(source.text(1));
        }
        auto row = database_.prepare(
            "SELECT ifnull(r.domain, '(none)'), ifnull(a.source_ip, '(none)'),"
            " (r.begin_at + r.end_at) / 2 / 86400, a.count, a.dkim IS NOT 'pass'"
            "   AND a.spf IS NOT 'pass'"
            " FROM aggregate_reports r CROSS JOIN aggregate_records a"
            "   ON a.aggregate_report_id = r.id"
            " WHERE r.counted = 1 AND r.begin_at >= ?1 AND r.begin_at < ?2"
            "   AND r.end_at >= r.begin_at AND r.end_at < r.begin_at + 2678400");
        row.bind(1, newest_day_at_ - kRecentDays * kDay);
        row.bind(2, newest_day_at_ + 2 * kDay);
        std::map<std::string, std::map<std::int64_t, Day, std::greater<>>, std::less<>> domains;
        while (row.step()) {
            const auto sources = mine.find(row.text(0));
            if (sources == mine.end() || !sources->second.contains(row.text(1))) {
                continue;
            }
            auto domain = domains.find(row.text(0));
            if (domain == domains.end()) {
                domain = domains.try_emplace(std::string(row.text(0))).first;
            }
            Day& day = domain->second[row.integer(2)];
            const std::int64_t count = std::min(row.integer(3), storage::kMaxTotal - day.messages);
            day.messages += count;
            day.failed += row.integer(4) != 0 ? count : 0;
        }
        for (const auto& [domain, sums] : domains) {
            std::vector<Day> days;  // newest first
            std::int64_t newest = 0;
            for (const auto& [day, sum] : sums) {
                if (sum.messages > 0 && days.size() <= kBaselineDays) {
                    newest = days.empty() ? day : newest;
                    days.push_back(sum);
                }
            }
            judge_rate(domain, newest, days);
        }
    }

    void judge_rate(const std::string& domain, std::int64_t day, const std::vector<Day>& days) {
        if (days.size() <= kBaselineDays || days[0].messages < limits_.failure_rise_messages) {
            return;
        }
        double baseline = 0;
        for (std::size_t i = 1; i < days.size(); ++i) {
            baseline += days[i].share() / static_cast<double>(kBaselineDays);
        }
        const double rise = 100 * (days[0].share() - baseline);
        // A hair of rounding must not hide a rise of exactly the limit.
        const double points = rise + 1e-9;
        if (points < static_cast<double>(limits_.failure_rise_points)) {
            return;
        }
        std::array<char, 160> words{};
        std::snprintf(words.data(), words.size(),
                      ": %.1f %% of your mail failed on %s, %.1f %% in the 7 days before",
                      100 * days[0].share(), schema::day_of(day * kDay).c_str(), 100 * baseline);
        const bool critical = points >= static_cast<double>(limits_.failure_rise_critical);
        add(critical ? Severity::critical : Severity::warning, key_of("failure_rise", domain),
            shown(domain) + words.data());
    }

    /// Measured to the newest report of anyone: when nobody is heard, that is one finding of its
    /// own.
    void silent_reporters() {
        const std::int64_t newest = newest_end_at_;
        auto row = database_.prepare(
            "SELECT ifnull(org_name, '(none)'), ifnull(domain, '(none)'), last_report_at,"
            " ifnull(typical_gap_seconds, 0) FROM reporters WHERE reports >= ?1"
            " ORDER BY last_report_at DESC, org_name, domain");
        row.bind(1, kHabitReports);
        while (row.step()) {
            const std::int64_t silent = newest - row.integer(2);
            const std::int64_t habit = row.integer(3);
            if (silent <= std::max(kTypicalGaps * habit, limits_.silent_days * kDay) ||
                silent > kGoneDays * kDay + kTypicalGaps * habit) {
                continue;
            }
            std::string text =
                shown(row.text(0)) + " silent " + days_text(silent) + " for " + shown(row.text(1));
            text += habit <= kDay + kDay / 2
                        ? " (usually daily)"
                        : " (usually every " + days_text(habit + kDay / 2) + ")";
            add(Severity::warning, key_of("silent", row.text(0), row.text(1)), text);
        }
    }

    /// The strongest policy that anyone saw on the newest days: one reporter with an old record in
    /// its cache is no change.
    void weaker_policy() {
        auto row = database_.prepare(
            "SELECT domain, begin_at / 86400,"
            " max(CASE WHEN testing = 'y' THEN 0 WHEN p = 'reject' THEN 2"
            "     WHEN p = 'quarantine' THEN 1 ELSE 0 END)"
            " FROM aggregate_reports WHERE counted = 1 AND p IS NOT NULL AND domain IS NOT NULL"
            " AND begin_at >= ?1 AND begin_at < ?2 GROUP BY 1, 2 ORDER BY 1, 2 DESC");
        row.bind(1, newest_day_at_ - 2 * kPolicyBeforeDays * kDay);
        row.bind(2, now_ + 2 * kDay);
        std::string domain;
        std::vector<SeenPolicy> seen;  // newest first
        while (row.step()) {
            if (row.text(0) != domain) {
                judge_policy(domain, seen);
                domain = row.text(0);
                seen.clear();
            }
            seen.push_back({row.integer(1), row.integer(2)});
        }
        judge_policy(domain, seen);
    }

    /// The strongest policy that anyone saw on a day.
    struct SeenPolicy {
        std::int64_t day = 0;
        std::int64_t strength = 0;
    };

    void judge_policy(const std::string& domain, const std::vector<SeenPolicy>& seen) {
        if (seen.empty()) {
            return;
        }
        const SeenPolicy& now = seen.front();
        SeenPolicy before = now;
        for (const auto& day : seen) {
            if (day.day >= now.day - kPolicyBeforeDays && day.strength > before.strength) {
                before = day;
            }
        }
        constexpr std::array<const char*, 3> kPolicies{"none", "quarantine", "reject"};
        if (before.strength > now.strength && now.day - before.day <= kPolicyNewDays) {
            add(Severity::warning, key_of("weaker_policy", domain),
                shown(domain) +
                    ": reporters see p=" + kPolicies.at(static_cast<std::size_t>(now.strength)) +
                    ", " + kPolicies.at(static_cast<std::size_t>(before.strength)) + " until " +
                    schema::day_of(before.day * kDay));
        }
    }

    // By the indexes messages_unpruned and messages_not_understood, whose terms stand there: within
    // a day of its receipt only junk is pruned.
    void unreadable() {
        auto row = database_.prepare(
            "SELECT"
            " (SELECT count(*) FROM messages WHERE pruned_at IS NULL AND received_at > ?1 - 86400"
            "  AND outcome IN ('report', 'duplicate', 'unreadable', 'other'))"
            " + (SELECT count(*) FROM messages WHERE pruned_at IS NOT NULL"
            "  AND received_at > ?1 - 86400 AND outcome IN ('unreadable', 'other')),"
            " count(*), max(id) FROM messages WHERE outcome IN ('unreadable', 'other')"
            " AND outcome = 'unreadable' AND received_at > ?1 - 86400");
        row.bind(1, now_);
        if (!row.step()) {
            return;
        }
        const std::int64_t messages = row.integer(0);
        const std::int64_t bad = row.integer(1);
        result_.values.push_back({"messages_24h", messages, "", "", ""});
        result_.values.push_back({"unreadable_24h", bad, "", "0", ""});
        if (bad == 0) {
            return;
        }
        const bool critical = bad * 100 > messages * kUnreadableCriticalPercent;
        add(critical ? Severity::critical : Severity::warning, "unreadable",
            with_commas(bad) + " of " + count_of(messages, "message", "messages") +
                " in 24 hours unreadable: `dmarcbox show " + std::to_string(row.integer(2)) + '`');
    }

    void conflicts() {
        auto row = database_.prepare(
            "SELECT count(*), max(message_id) FROM (SELECT r.message_id FROM aggregate_reports r"
            "   JOIN messages m ON m.id = r.message_id WHERE r.conflict = 1 AND r.counted = 0"
            "   AND m.received_at > ?1"
            " UNION ALL SELECT t.message_id FROM tls_reports t"
            "   JOIN messages m ON m.id = t.message_id WHERE t.conflict = 1 AND t.counted = 0"
            "   AND m.received_at > ?1)");
        row.bind(1, now_ - kConflictDays * kDay);
        if (row.step() && row.integer(0) > 0) {
            add(Severity::warning, "conflicts",
                count_of(row.integer(0), "report", "reports") +
                    " in 7 days under the identity of another with other content, not counted: "
                    "`dmarcbox show " +
                    std::to_string(row.integer(1)) + '`');
        }
    }

    /// By mail that arrived, or by the end of what was imported: an import of old files is no sign
    /// that mail still comes.
    void silence() {
        auto row = database_.prepare(
            "SELECT max(received_at) FROM messages"
            " WHERE outcome IN ('report', 'duplicate') AND source <> 'import'");
        const std::int64_t arrived = row.step() ? row.integer(0) : 0;
        const std::int64_t newest = std::max(arrived, newest_end_at_);
        if (newest == 0) {
            add(Severity::warning, "no_report",
                "no report has arrived yet: `dmarcbox dns DOMAIN --check` tells why");
            return;
        }
        const std::int64_t age = std::max<std::int64_t>(0, now_ - newest);
        const std::string limit = std::to_string(limits_.all_silent_days * kDay);
        result_.values.push_back({"last_report_age", age, "s", "", limit});
        if (age > limits_.all_silent_days * kDay) {
            add(Severity::critical, "all_silent",
                "no report from anyone for " + days_text(age) +
                    ": is port 25 open? `dmarcbox dns DOMAIN --check`");
        }
    }

    storage::Database& database_;
    const Config::Check& limits_;
    std::int64_t now_;
    CheckResult& result_;
    std::int64_t newest_day_at_ = 0;
    std::int64_t newest_end_at_ = 0;  ///< of the reports of anyone, now at most
};

}  // namespace

void check_reports(storage::Database& database,
                   const Config::Check& limits,
                   std::int64_t now,
                   CheckResult& result) {
    Checker(database, limits, now, result).run();
}

}  // namespace dmarcbox
