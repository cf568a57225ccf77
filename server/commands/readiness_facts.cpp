#include "server/commands/readiness_facts.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "schema/ip_address.hpp"
#include "storage/totals.hpp"

namespace dmarcbox {
namespace {

constexpr std::int64_t kDay = 86400;
constexpr std::int64_t kNewSenderDays = 14;
constexpr std::int64_t kParkedDays = 90;
/// Longest plausible range of a report, see storage::ReportRange.
constexpr std::int64_t kLongestReport = 31 * kDay;
/// 2010-01-01: no report is older.
constexpr std::int64_t kOldest = 1262304000;

/// Reports of the window: parameters 1 domain, 2 begin and 3 end of the window.
constexpr const char* kReportsInWindow =
    " FROM aggregate_reports r WHERE r.counted = 1 AND r.domain = ?1"
    " AND r.begin_at >= ?2 - 2678400 AND r.begin_at < ?3"
    " AND (r.begin_at + r.end_at) / 2 >= ?2 AND (r.begin_at + r.end_at) / 2 < ?3";
static_assert(kLongestReport == 2678400);

std::string network_of(const std::string& ip) {
    const auto parsed = schema::parse_ip(ip);
    return parsed && parsed->exact ? parsed->address.network() : ip;
}

bool is_enforcing(std::string_view policy) {
    return policy == "quarantine" || policy == "reject";
}

/// RFC 7489 section 6.6.4: mail that pct leaves out meets the next weaker policy.
std::string_view in_force(std::string_view p, bool testing, bool in_part) {
    if (testing || (in_part && p == "quarantine")) {
        return "none";
    }
    return in_part && p == "reject" ? "quarantine" : p;
}

/// One record with what both alignment modes make of it.
struct SeenRecord {
    std::int64_t count = 0;
    bool dkim = false;  ///< as the reporter evaluated
    bool spf = false;
    bool strict_dkim = false;  ///< some passing d= is From itself
    bool strict_spf = false;   ///< the MAIL FROM domain that passes is From itself
    bool raw_dkim = false;     ///< there are results to look at
    bool raw_spf = false;
};

class Loader {
  public:
    Loader(storage::Database& database, const ReadinessQuestion& question)
        : database_(database), question_(question) {}

    ReadinessFacts load(std::int64_t now) {
        if (!find_window(now)) {
            return std::move(facts_);
        }
        load_reports();
        load_published_policy();
        load_records();
        facts_.sources.reserve(sources_.size());
        load_classes();
        load_new_senders();
        facts_.passed_in_90_days = passed_since(facts_.end_at - kParkedDays * kDay);
        facts_.thirds_with_reports = thirds_with_reports();
        if (facts_.passed_in_90_days == 0) {  // else it decides nothing, and costs a view
            facts_.senders_in_90_days = senders_since(facts_.end_at - kParkedDays * kDay);
        }
        std::sort(facts_.sources.begin(), facts_.sources.end(), [](const auto& a, const auto& b) {
            return std::make_tuple(-a.failed(), -a.messages, std::cref(a.ip)) <
                   std::make_tuple(-b.failed(), -b.messages, std::cref(b.ip));
        });
        return std::move(facts_);
    }

  private:
    storage::Statement over_window(const std::string& sql) {
        auto statement = database_.prepare(sql);
        statement.bind(1, std::string_view(question_.domain));
        statement.bind(2, facts_.begin_at);
        statement.bind(3, facts_.end_at);
        return statement;
    }

    bool find_window(std::int64_t now) {
        auto newest = database_.prepare(
            "SELECT max(end_at), min(begin_at) FROM aggregate_reports WHERE counted = 1"
            " AND domain = ?1 AND begin_at >= ?2 AND end_at <= ?3 AND begin_at <= end_at");
        newest.bind(1, std::string_view(question_.domain));
        newest.bind(2, kOldest);
        newest.bind(3, now + 2 * kDay);
        if (!newest.step() || newest.is_null(0)) {
            return false;
        }
        // An end at :59 counts one second more; a day that is not over is left out.
        facts_.end_at = (newest.integer(0) + 1) / kDay * kDay;
        facts_.begin_at = facts_.end_at - static_cast<std::int64_t>(kReadinessDays) * kDay;
        facts_.history_days =
            std::max<std::int64_t>(0, (facts_.end_at - newest.integer(1) + kDay - 1) / kDay);
        return true;
    }

    std::size_t day_of(std::int64_t middle) const {
        return static_cast<std::size_t>((middle - facts_.begin_at) / kDay);
    }

    void load_reports() {
        auto row = over_window(
            std::string("SELECT ifnull(org_name, ''), (begin_at + end_at) / 2, message_count,"
                        " pruned_at IS NOT NULL") +
            kReportsInWindow);
        std::bitset<kReadinessDays> days;
        std::map<std::string, std::int64_t> volumes;
        while (row.step()) {
            days.set(day_of(row.integer(1)));
            std::int64_t& volume = volumes[std::string(row.text(0))];
            volume =
                std::min(volume + std::min(row.integer(2), storage::kMaxTotal), storage::kMaxTotal);
            ++facts_.reports;
            facts_.pruned_reports += row.integer(3);
        }
        facts_.days_with_reports = days.count();
        facts_.reporters = volumes.size();
        for (const auto& [name, volume] : volumes) {
            facts_.messages = std::min(facts_.messages + volume, storage::kMaxTotal);
            facts_.largest_reporter_messages = std::max(facts_.largest_reporter_messages, volume);
        }
    }

    void load_published_policy() {
        auto row = database_.prepare(
            "SELECT p, sp, adkim, aspf, testing, ifnull(pct, 100) < 100 FROM aggregate_reports "
            "WHERE counted = 1"
            " AND domain = ?1 AND begin_at < ?2 AND p IS NOT NULL"
            " ORDER BY begin_at DESC, id DESC LIMIT 1");
        row.bind(1, std::string_view(question_.domain));
        row.bind(2, facts_.end_at);
        if (row.step()) {
            facts_.p = in_force(row.text(0), row.text(4) == "y", row.integer(5) != 0);
            facts_.sp = row.text(1);
            facts_.adkim = row.text(2);
            facts_.aspf = row.text(3);
        }
        if (!is_enforcing(facts_.p)) {
            return;
        }
        auto since = database_.prepare(
            "SELECT ifnull(max(end_at) FILTER (WHERE p NOT IN ('quarantine', 'reject')"
            "   OR testing = 'y' OR pct < 100), min(begin_at))"
            " FROM aggregate_reports WHERE counted = 1 AND domain = ?1 AND begin_at >= ?2"
            " AND begin_at < ?3 AND p IS NOT NULL");
        since.bind(1, std::string_view(question_.domain));
        since.bind(2, kOldest);
        since.bind(3, facts_.end_at);
        if (since.step()) {
            facts_.quarantine_days =
                std::max<std::int64_t>(0, (facts_.end_at - since.integer(0) + 1) / kDay);
        }
    }

    void load_records() {
        // `passes` for strict alignment need a result of that very name: RFC 7489 section 3.1.
        auto row = over_window(
            std::string(
                "SELECT ifnull(a.source_ip, '(none)'), a.count, a.dkim IS 'pass', a.spf IS 'pass',"
                " ifnull(a.header_from, r.domain), a.evidence, (r.begin_at + r.end_at) / 2,"
                " ifnull(r.org_name, ''),"
                " EXISTS (SELECT 1 FROM aggregate_dkim d WHERE d.aggregate_record_id = a.id"
                "   AND d.result = 'pass' AND d.domain = ifnull(a.header_from, r.domain)),"
                " EXISTS (SELECT 1 FROM aggregate_spf s WHERE s.aggregate_record_id = a.id"
                "   AND s.result = 'pass' AND s.domain = ifnull(a.header_from, r.domain)"
                "   AND ifnull(s.scope, 'mfrom') <> 'helo'),"
                " EXISTS (SELECT 1 FROM aggregate_dkim d WHERE d.aggregate_record_id = a.id),"
                " EXISTS (SELECT 1 FROM aggregate_spf s WHERE s.aggregate_record_id = a.id) ") +
            std::string(kReportsInWindow)
                .insert(std::string_view(" FROM aggregate_reports r").size(),
                        " JOIN aggregate_records a"
                        " ON a.aggregate_report_id = r.id"));
        while (row.step()) {
            SeenRecord record;
            record.count = std::min(row.integer(1), storage::kMaxTotal - read_);
            read_ += record.count;
            record.dkim = row.integer(2) != 0;
            record.spf = row.integer(3) != 0;
            record.strict_dkim = row.integer(8) != 0;
            record.strict_spf = row.integer(9) != 0;
            record.raw_dkim = row.integer(10) != 0;
            record.raw_spf = row.integer(11) != 0;
            add(row, record);
        }
    }

    void add(const storage::Statement& row, const SeenRecord& record) {
        add_strict(record);
        // Without a raw result the reporter's word stands: nothing says that it would fail.
        const bool dkim =
            record.dkim && (!question_.strict_dkim || record.strict_dkim || !record.raw_dkim);
        const bool spf =
            record.spf && (!question_.strict_spf || record.strict_spf || !record.raw_spf);
        const bool passed = dkim || spf;
        const std::string ip(row.text(0));
        auto [found, inserted] = sources_.try_emplace(ip, facts_.sources.size());
        if (inserted) {
            facts_.sources.emplace_back();
            facts_.sources.back().ip = ip;
            facts_.sources.back().net = network_of(ip);
        }
        ReadinessSource& source = facts_.sources[found->second];
        source.messages += record.count;
        source.passed += passed ? record.count : 0;
        source.passed_by_spf_only += passed && !dkim ? record.count : 0;
        facts_.passing += passed ? record.count : 0;
        facts_.passing_dkim += dkim ? record.count : 0;
        const std::string_view token =
            record.dkim || record.spf ? passing_token(dkim, spf) : row.text(5);
        auto& tokens = source.evidence_messages;
        if (auto known = tokens.find(token); known != tokens.end()) {
            known->second += record.count;
        } else {
            tokens.emplace(token, record.count);
        }
        source.days.set(day_of(row.integer(6)));
        source.reporters.insert(
            reporters_
                .try_emplace(std::string(row.text(7)), static_cast<std::int64_t>(reporters_.size()))
                .first->second);
        add_volume(found->second, row.text(4), record.count, passed);
    }

    /// Evidence of a record that passes, as it is under the alignment that was asked for.
    static std::string_view passing_token(bool dkim, bool spf) {
        return dkim && spf ? "dkim+spf" : dkim ? "dkim" : spf ? "spf" : "strict";
    }

    void add_volume(std::size_t source, std::string_view from, std::int64_t count, bool passed) {
        const bool below = from != question_.domain;
        auto& volume = failed_[source];
        (below ? volume.second : volume.first) += passed ? 0 : count;
        if (below) {
            auto& subdomain = subdomains_[std::string(from)];
            subdomain.first += count;
            subdomain.second += passed ? count : 0;
        }
    }

    void add_strict(const SeenRecord& record) {
        if (record.dkim && !record.spf) {
            facts_.strict_dkim.hits += record.raw_dkim && !record.strict_dkim ? record.count : 0;
            facts_.strict_dkim.cannot_tell += record.raw_dkim ? 0 : record.count;
        }
        if (record.spf && !record.dkim) {
            facts_.strict_spf.hits += record.raw_spf && !record.strict_spf ? record.count : 0;
            facts_.strict_spf.cannot_tell += record.raw_spf ? 0 : record.count;
        }
    }

    void load_classes() {
        std::set<std::string, std::less<>> cosigners;
        auto signer = database_.prepare("SELECT signer FROM cosigners WHERE domain = ?");
        signer.bind(1, std::string_view(question_.domain));
        while (signer.step()) {
            cosigners.emplace(signer.text(0));
        }
        for (auto& source : facts_.sources) {
            classify(source, cosigners, facts_.passing);
        }
        auto label = database_.prepare(
            "SELECT source_ip, class FROM sources WHERE domain = ? AND label IS NOT NULL");
        label.bind(1, std::string_view(question_.domain));
        while (database_has_labels() && label.step()) {
            apply_label(std::string(label.text(0)), label.text(1));
        }
        for (std::size_t i = 0; i < facts_.sources.size(); ++i) {
            const auto failed = failed_.find(i);
            add_losses(facts_.sources[i], facts_.from_domain, failed->second.first);
            add_losses(facts_.sources[i], facts_.from_below, failed->second.second);
        }
        for (const auto& [name, volume] : subdomains_) {
            if (volume.second == 0) {
                facts_.silent_subdomains.push_back({name, volume.first});
            }
        }
    }

    bool database_has_labels() { return database_.integer("SELECT count(*) FROM labels") != 0; }

    void apply_label(const std::string& ip, std::string_view word) {
        const auto found = sources_.find(ip);
        if (found == sources_.end()) {
            return;
        }
        ReadinessSource& source = facts_.sources[found->second];
        for (std::size_t i = 0; i < kSourceClasses; ++i) {
            const auto candidate = static_cast<SourceClass>(i);
            if (to_string(candidate) == word) {
                source.source_class = candidate;
            }
        }
        source.confidence = "label";
    }

    static void add_losses(const ReadinessSource& source, Losses& losses, std::int64_t failed) {
        if (source.is_yours()) {
            losses.yours += failed;
        } else if (source.source_class == SourceClass::forwarder) {
            losses.forwarded += failed;
        } else {
            losses.unauthenticated += failed;
        }
    }

    /// A sender is a network, or the foreign domain that it authenticates as: providers change
    /// addresses daily. Passing by DKIM alone is no new sender: a forwarder's address does so too.
    void load_new_senders() {
        const std::int64_t since = facts_.end_at - kNewSenderDays * kDay;
        const auto known_names = known_before(
            "SELECT DISTINCT substr(e.evidence, 10) FROM source_evidence e JOIN source_totals t"
            " ON t.domain = e.domain AND t.source_ip = e.source_ip WHERE e.domain = ?1"
            " AND substr(e.evidence, 1, 9) IN ('signs-as:', 'sends-as:')"
            " AND t.first_seen_at < ?2",
            since);
        const auto known_networks = known_before(
            "SELECT DISTINCT ifnull(source_net, source_ip) FROM source_totals WHERE domain = ?1"
            " AND first_seen_at < ?2",
            since);
        for (auto& source : facts_.sources) {
            source.is_new = source.is_yours() && source.confidence != "label" &&
                            source.messages > 0 && source.evidence != "dkim" &&
                            !known_networks.contains(source.net) &&
                            !(source.source_class == SourceClass::misconfigured &&
                              known_names.contains(source.authenticates_as));
        }
    }

    std::set<std::string> known_before(std::string_view sql, std::int64_t since) {
        std::set<std::string> known;
        auto row = database_.prepare(sql);
        row.bind(1, std::string_view(question_.domain));
        row.bind(2, since);
        while (row.step()) {
            known.emplace(row.text(0));
        }
        return known;
    }

    std::int64_t passed_since(std::int64_t begin) {
        auto row = database_.prepare(
            "SELECT ifnull(sum(passed), 0) FROM day_totals WHERE domain = ?1"
            " AND day >= date(?2, 'unixepoch')");
        row.bind(1, std::string_view(question_.domain));
        row.bind(2, begin);
        return row.step() ? row.integer(0) : 0;
    }

    std::int64_t senders_since(std::int64_t begin) {
        auto row = database_.prepare(
            "SELECT count(*) FROM sources WHERE domain = ?1 AND class <> 'unauthenticated'"
            " AND last_seen_at >= ?2");
        row.bind(1, std::string_view(question_.domain));
        row.bind(2, begin);
        return row.step() ? row.integer(0) : 0;
    }

    std::int64_t thirds_with_reports() {
        auto row = database_.prepare(
            "SELECT count(DISTINCT (?3 - 1 - (begin_at + end_at) / 2) / 2592000)" +
            std::string(kReportsInWindow));
        row.bind(1, std::string_view(question_.domain));
        row.bind(2, facts_.end_at - kParkedDays * kDay);
        row.bind(3, facts_.end_at);
        return row.step() ? row.integer(0) : 0;
    }

    storage::Database& database_;
    const ReadinessQuestion& question_;
    ReadinessFacts facts_;
    std::int64_t read_ = 0;                                 ///< messages in the records so far
    std::unordered_map<std::string, std::size_t> sources_;  ///< index in facts_.sources
    std::unordered_map<std::string, std::int64_t> reporters_;
    /// Failing messages of a source by From: the policy domain, below it.
    std::unordered_map<std::size_t, std::pair<std::int64_t, std::int64_t>> failed_;
    std::map<std::string, std::pair<std::int64_t, std::int64_t>> subdomains_;  ///< all, passed
};

}  // namespace

std::int64_t ReadinessFacts::your_messages() const {
    std::int64_t sum = 0;
    for (const auto& source : sources) {
        sum += source.is_yours() ? source.messages : 0;
    }
    return sum;
}

std::int64_t ReadinessFacts::your_failing() const {
    return from_domain.yours + from_below.yours;
}

Losses ReadinessFacts::losses() const {
    return {from_domain.yours + from_below.yours, from_domain.forwarded + from_below.forwarded,
            from_domain.unauthenticated + from_below.unauthenticated};
}

ReadinessFacts load_readiness_facts(storage::Database& database,
                                    const ReadinessQuestion& question,
                                    std::int64_t now) {
    return Loader(database, question).load(now);
}

}  // namespace dmarcbox
