#include "server/commands/summary_facts.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "schema/date_time.hpp"
#include "server/commands/summary_sources.hpp"
#include "storage/totals.hpp"

namespace dmarcbox {
namespace {

constexpr std::int64_t kDay = 86400;
/// 2010-01-01: no report is older.
constexpr std::int64_t kOldest = 1262304000;
constexpr std::int64_t kMostDays = 3660;
/// Reporters send once a day, for the day before.
constexpr std::int64_t kAllSilent = 3 * kDay;

/// Counted reports of the period: parameters 1 begin, 2 end, 3 domain or NULL for all. The first
/// two comparisons can use the index; a report is at most 31 days long.
constexpr std::string_view kInPeriod =
    " r.counted = 1 AND r.begin_at >= ?1 - 2678400 AND r.begin_at < ?2"
    " AND (r.begin_at + r.end_at) / 2 >= ?1 AND (r.begin_at + r.end_at) / 2 < ?2"
    " AND (?3 IS NULL OR r.domain = ?3) ";

std::size_t index_of(SourceClass source_class) {
    return static_cast<std::size_t>(source_class);
}

class Loader {
  public:
    Loader(storage::Database& database, const SummaryQuestion& question)
        : database_(database), question_(question) {}

    SummaryFacts load(std::int64_t now) {
        if (!find_period(now)) {
            load_mail();
            return std::move(facts_);
        }
        load_reports();
        auto sources = load_records();
        load_before();
        load_daily();
        load_policies();
        load_silent(now);
        load_samples(sources);
        load_tls();
        load_mail();
        return std::move(facts_);
    }

  private:
    storage::Statement over_period(const std::string& sql) {
        auto statement = database_.prepare(sql);
        statement.bind(1, facts_.begin_at);
        statement.bind(2, facts_.end_at);
        statement.bind(3, std::string_view(question_.domain));
        return statement;
    }

    bool find_period(std::int64_t now) {
        if (question_.begin_at && question_.end_at) {
            facts_.begin_at = *question_.begin_at;
            facts_.end_at = *question_.end_at;
        } else {
            auto newest = database_.prepare(
                "SELECT max(end_at) FROM aggregate_reports WHERE counted = 1 AND begin_at >= ?1"
                " AND end_at <= ?2 AND begin_at <= end_at AND (?3 IS NULL OR domain = ?3)");
            newest.bind(1, kOldest).bind(2, now + 2 * kDay);
            newest.bind(3, std::string_view(question_.domain));
            if (!newest.step() || newest.is_null(0)) {
                return false;
            }
            // Up to the end of the day on which the newest report ends; one that ends at midnight
            // is about the day before.
            facts_.end_at = (newest.integer(0) + kDay - 1) / kDay * kDay;
            facts_.begin_at = facts_.end_at - std::min(question_.days, kMostDays) * kDay;
        }
        for (auto day = facts_.begin_at; day < facts_.end_at && facts_.days.size() < kMostDays;
             day += kDay) {
            facts_.days.emplace_back().day = schema::day_of(day);
        }
        return true;
    }

    [[nodiscard]] std::size_t day_of(std::int64_t middle) const {
        return std::min(static_cast<std::size_t>((middle - facts_.begin_at) / kDay),
                        facts_.days.size() - 1);
    }

    void load_reports() {
        auto row = over_period(
            std::string("SELECT ifnull(r.org_name, '(none)'), (r.begin_at + r.end_at) / 2, "
                        "r.message_count, r.pruned_at IS NOT NULL, r.end_at, "
                        "ifnull(r.domain, '(none)') FROM aggregate_reports r WHERE")
                .append(kInPeriod));
        std::map<std::string, SummaryReporter> reporters;
        std::set<std::string> domains;
        while (row.step()) {
            SummaryReporter& reporter = reporters[std::string(row.text(0))];
            reporter.days.resize(facts_.days.size());
            const std::size_t day = day_of(row.integer(1));
            reporter.days[day] = true;
            ++facts_.days[day].reports;
            ++reporter.reports;
            add_to(reporter.messages, row.integer(2));
            reporter.last_report_at = std::max(reporter.last_report_at, row.integer(4));
            ++facts_.reports;
            facts_.pruned_reports += row.integer(3);
            domains.emplace(row.text(5));
        }
        facts_.domains.assign(domains.begin(), domains.end());
        for (auto& [name, reporter] : reporters) {
            reporter.org_name = name;
            facts_.reporters.push_back(std::move(reporter));
        }
        std::sort(facts_.reporters.begin(), facts_.reporters.end(),
                  [](const auto& a, const auto& b) {
                      return std::tie(b.messages, a.org_name) < std::tie(a.messages, b.org_name);
                  });
    }

    SummarySources load_records() {
        std::vector<std::string> days;
        for (const auto& day : facts_.days) {
            days.push_back(day.day);
        }
        SummarySources sources(database_, std::move(days));
        auto row = over_period(
            std::string("SELECT ifnull(r.domain, '(none)'), ifnull(a.source_ip, '(none)'), a.count,"
                        " a.dkim IS 'pass' OR a.spf IS 'pass', a.evidence,"
                        " (r.begin_at + r.end_at) / 2, ifnull(r.org_name, ''),"
                        " ifnull(a.disposition, '') FROM aggregate_reports r"
                        " JOIN aggregate_records a ON a.aggregate_report_id = r.id WHERE")
                .append(kInPeriod));
        while (row.step()) {
            const SummaryRecord record{.domain = row.text(0),
                                       .source_ip = row.text(1),
                                       .org_name = row.text(6),
                                       .evidence = row.text(4),
                                       .count = row.integer(2),
                                       .passed = row.integer(3) != 0,
                                       .day = day_of(row.integer(5))};
            sources.add(record);
            add_record(record, row.text(7));
        }
        sources.group(facts_);
        return sources;
    }

    void add_record(const SummaryRecord& record, std::string_view disposition) {
        const std::int64_t passed = record.passed ? record.count : 0;
        add_to(facts_.messages, record.count);
        add_to(facts_.passed, passed);
        if (disposition == "quarantine") {
            add_to(facts_.quarantined, record.count);
        } else if (disposition == "reject") {
            add_to(facts_.rejected, record.count);
        }
        SummaryDay& day = facts_.days[record.day];
        add_to(day.messages.at(index_of(class_of_evidence(record.evidence))), record.count);
        add_to(day.passed, passed);
    }

    void load_before() {
        std::tie(facts_.messages_before, facts_.passed_before) =
            sums_of_days(facts_.begin_at - (facts_.end_at - facts_.begin_at), facts_.begin_at);
    }

    /// The tables are made of records, which retention takes; what it took is in the sums of days.
    void load_daily() {
        if (facts_.pruned_reports > 0) {
            std::tie(facts_.daily_messages, facts_.daily_passed) =
                sums_of_days(facts_.begin_at, facts_.end_at);
        }
    }

    /// Messages and how many passed, with those of pruned reports.
    std::pair<std::int64_t, std::int64_t> sums_of_days(std::int64_t begin_at, std::int64_t end_at) {
        auto row = database_.prepare(
            "SELECT ifnull(sum(messages), 0), ifnull(sum(passed), 0) FROM day_totals"
            " WHERE day >= ?1 AND day < ?2 AND (?3 IS NULL OR domain = ?3)");
        const std::string begin = schema::day_of(begin_at);
        const std::string end = schema::day_of(end_at);
        row.bind(1, std::string_view(begin)).bind(2, std::string_view(end));
        row.bind(3, std::string_view(question_.domain));
        return row.step() ? std::pair(row.integer(0), row.integer(1))
                          : std::pair<std::int64_t, std::int64_t>();
    }

    void load_policies() {
        auto row = over_period(
            std::string("SELECT ifnull(r.domain, '(none)'), ifnull(r.org_name, '(none)'),"
                        " ifnull(r.p, ''), ifnull(r.sp, ''), min(r.begin_at), max(r.end_at)"
                        " FROM aggregate_reports r WHERE")
                .append(kInPeriod)
                .append("GROUP BY 1, 2, 3, 4 ORDER BY 1, 5, 2 LIMIT 500"));
        while (row.step()) {
            facts_.policies.push_back({std::string(row.text(0)), std::string(row.text(1)),
                                       std::string(row.text(2)), std::string(row.text(3)),
                                       row.integer(4), row.integer(5)});
        }
    }

    /// Measured to the newest report of anyone, as `check` does: an old file still tells who fell
    /// silent, and when nobody is heard, that is one fact of its own.
    void load_silent(std::int64_t now) {
        const std::int64_t newest = std::min(
            now, database_.integer("SELECT ifnull(max(last_report_at), 0) FROM reporters"));
        facts_.newest_report_at = newest;
        facts_.all_silent = now - newest > kAllSilent;
        auto row = database_.prepare(
            "SELECT ifnull(org_name, '(none)'), ifnull(domain, '(none)'), last_report_at,"
            " typical_gap_seconds FROM reporters WHERE reports >= 5"
            " AND ?1 - last_report_at > max(3 * typical_gap_seconds, 3 * 86400)"
            // Later than that it is gone, which is no news.
            " AND ?1 - last_report_at < 30 * 86400 + 3 * typical_gap_seconds"
            " AND (?2 IS NULL OR domain = ?2) ORDER BY reports DESC, 1, 2 LIMIT 100");
        row.bind(1, newest).bind(2, std::string_view(question_.domain));
        while (row.step()) {
            facts_.silent.push_back({std::string(row.text(0)), std::string(row.text(1)),
                                     newest - row.integer(2), row.integer(3)});
        }
    }

    void load_samples(const SummarySources& sources) {
        auto count = over_period(
            "SELECT count(*) FROM failure_reports WHERE arrived_at >= ?1 AND arrived_at < ?2"
            " AND (?3 IS NULL OR reported_domain = ?3)");
        if (count.step()) {
            facts_.failure_reports = count.integer(0);
        }
        auto row = over_period(
            "SELECT id, arrived_at, reported_domain, source_ip, sample_from, sample_subject"
            " FROM failure_reports WHERE arrived_at >= ?1 AND arrived_at < ?2"
            " AND (?3 IS NULL OR reported_domain = ?3) ORDER BY arrived_at DESC, source_ip, id "
            "LIMIT " +
            std::to_string(kSummarySamples));
        while (row.step()) {
            SummarySample& sample = facts_.samples.emplace_back();
            sample.failure_report_id = row.integer(0);
            sample.arrived_at = row.integer(1);
            sample.reported_domain = row.text(2);
            sample.source_ip = row.text(3);
            sample.sample_from = row.text(4);
            sample.sample_subject = row.text(5);
            const auto place = sources.find(sample.reported_domain, sample.source_ip);
            if (place) {
                sample.source_class = to_string(place->source_class);
                if (!sample.sample_subject.empty()) {
                    note(facts_.sources[place->line].details.subjects, sample.sample_subject);
                }
            }
        }
    }

    void load_tls() {
        constexpr std::string_view kTls =
            " FROM tls_reports r JOIN tls_policies p ON p.tls_report_id = r.id"
            " WHERE r.counted = 1 AND r.begin_at >= ?1 AND r.begin_at < ?2"
            " AND (?3 IS NULL OR p.policy_domain = ?3)";
        auto sum = over_period(
            std::string("SELECT ifnull(sum(success_count), 0), ifnull(sum(failure_count), 0)")
                .append(kTls));
        if (sum.step()) {
            facts_.tls_failed = sum.integer(1);
            facts_.tls_sessions = sum.integer(0) + sum.integer(1);
        }
        auto row = over_period(
            "SELECT ifnull(p.policy_domain, '(none)'), ifnull(p.policy_type, '(none)'),"
            " ifnull(f.result_type, '(none)'), sum(f.failed_session_count)"
            " FROM tls_reports r JOIN tls_policies p ON p.tls_report_id = r.id"
            " JOIN tls_failures f ON f.tls_policy_id = p.id WHERE r.counted = 1"
            " AND r.begin_at >= ?1 AND r.begin_at < ?2 AND (?3 IS NULL OR p.policy_domain = ?3)"
            " GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3 LIMIT 100");
        while (row.step()) {
            facts_.tls.push_back({std::string(row.text(0)), std::string(row.text(1)),
                                  std::string(row.text(2)), row.integer(3)});
        }
    }

    /// What was not understood, and what was refused: not of a domain, since nobody knows whose.
    void load_mail() {
        const bool all = facts_.end_at == 0;
        const std::int64_t begin = all ? 0 : facts_.begin_at;
        auto unreadable = database_.prepare(
            "SELECT count(*) FROM messages WHERE outcome IN ('unreadable', 'other')"  // the index's
            " AND outcome = 'unreadable' AND received_at >= ?1");
        unreadable.bind(1, begin);
        if (unreadable.step()) {
            facts_.unreadable = unreadable.integer(0);
        }
        auto problem = database_.prepare(
            "SELECT ifnull(code, '(none)'), count(DISTINCT message_id), max(message_id)"
            " FROM problems WHERE received_at >= ?1 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 100");
        problem.bind(1, begin);
        while (problem.step()) {
            facts_.problems.push_back(
                {std::string(problem.text(0)), problem.integer(1), problem.integer(2)});
        }
        const std::string day = all ? "0000" : schema::day_of(begin);
        auto refusal = database_.prepare(
            "SELECT reason, ifnull(domain, ''), sum(count) FROM refusals WHERE day >= ?1"
            " GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 100");
        refusal.bind(1, std::string_view(day));
        while (refusal.step()) {
            facts_.refusals.push_back(
                {std::string(refusal.text(0)), std::string(refusal.text(1)), refusal.integer(2)});
        }
    }

    storage::Database& database_;
    const SummaryQuestion& question_;
    SummaryFacts facts_;
};

std::optional<double> rate(std::int64_t part, std::int64_t whole) {
    if (whole == 0) {
        return std::nullopt;
    }
    return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

void add_to(std::int64_t& sum, std::int64_t value) {
    const auto most = storage::kMaxTotal;
    sum = std::min(sum + std::clamp<std::int64_t>(value, 0, most), most);
}

bool counts_recipients(std::string_view reason) {
    return reason.find("recipient") != std::string_view::npos;
}

std::int64_t SummaryDay::all() const {
    std::int64_t sum = 0;
    for (const auto value : messages) {
        add_to(sum, value);
    }
    return sum;
}

std::optional<double> SummaryFacts::pass_rate() const {
    return rate(passed, messages);
}

std::optional<double> SummaryFacts::pass_rate_before() const {
    return rate(passed_before, messages_before);
}

std::optional<double> SummaryFacts::daily_pass_rate() const {
    return rate(daily_passed, daily_messages);
}

SummaryFacts load_summary(storage::Database& database,
                          const SummaryQuestion& question,
                          std::int64_t now) {
    return Loader(database, question).load(now);
}

}  // namespace dmarcbox
