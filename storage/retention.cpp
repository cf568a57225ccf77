#include "storage/retention.hpp"

#include <cstdint>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "schema/date_time.hpp"
#include "storage/report_loader.hpp"
#include "storage/totals.hpp"

namespace dmarcbox::storage {

namespace {

constexpr std::int64_t kDay = 86400;
constexpr std::int64_t kFuture = 2 * kDay;
constexpr std::int64_t kAll = -1;  // LIMIT
constexpr std::int64_t kOriginalsAStep = 100;
// Finding junk reads all of it: once for so many.
constexpr std::size_t kJunkAtOnce = 10'000;
constexpr std::int64_t kRecordsAStep = 2000;
constexpr std::int64_t kReportsAStep = 50;
// 4 MiB of free pages a step; fewer than this stay free for what comes next.
constexpr std::int64_t kVacuumPages = 512;
constexpr std::int64_t kFreePagesKept = 2048;
// Counters of refused mail serve the operator's week, not history.
constexpr std::int64_t kRefusalDays = 400;

std::int64_t before(std::int64_t now, std::int64_t days) {
    return days == 0 ? INT64_MIN : now - days * kDay;
}

// Originals that are due, and messages that have none (their bytes are kept with an earlier one):
// both are marked, so that they are not looked at again. ?1 the time before which they were
// received, ?2 how many. Each of these finds its rows by index messages_unpruned.
constexpr std::string_view kOldOther =
    "SELECT m.id, o.message_id, length(o.content) FROM messages m "
    "LEFT JOIN originals o ON o.message_id = m.id "
    "WHERE m.pruned_at IS NULL AND m.outcome = 'other' AND m.received_at < ?1 LIMIT ?2";
constexpr std::string_view kOldUnreadable =
    "SELECT m.id, o.message_id, length(o.content) FROM messages m "
    "LEFT JOIN originals o ON o.message_id = m.id "
    "WHERE m.pruned_at IS NULL AND m.outcome = 'unreadable' AND m.received_at < ?1 LIMIT ?2";
constexpr std::string_view kOldUnderstood =
    "SELECT m.id, o.message_id, length(o.content) FROM messages m "
    "LEFT JOIN originals o ON o.message_id = m.id "
    "WHERE m.pruned_at IS NULL AND m.outcome IN ('report', 'duplicate') AND m.received_at < ?1 "
    "AND NOT EXISTS (SELECT 1 FROM failure_reports f "
    "WHERE f.message_id = ifnull(m.duplicate_of, m.id)) LIMIT ?2";
// A re-send of a failure report is as private as the report.
constexpr std::string_view kOldFailureMail =
    "SELECT m.id, o.message_id, length(o.content) FROM messages m "
    "LEFT JOIN originals o ON o.message_id = m.id WHERE m.pruned_at IS NULL "
    "AND m.received_at < ?1 AND m.id IN (SELECT message_id FROM failure_reports UNION "
    "SELECT d.id FROM failure_reports f JOIN messages d ON d.duplicate_of = f.message_id) "
    "LIMIT ?2";

// The age of a report counts from end_at, if that can be a time at all. ?1 before, ?3 two days on.
std::string old_reports(std::string_view table) {
    return "SELECT r.id FROM " + std::string(table) +
           " r JOIN messages m ON m.id = r.message_id WHERE r.pruned_at IS NULL AND "
           "(r.end_at >= 1262304000 AND r.end_at < ?1 OR (r.end_at IS NULL OR "
           "r.end_at < 1262304000 OR r.end_at > ?3) AND m.received_at < ?1) LIMIT ?2";
}

constexpr std::string_view kOldFailures =
    "SELECT f.id FROM failure_reports f JOIN messages m ON m.id = f.message_id "
    "WHERE f.pruned_at IS NULL AND min(ifnull(f.arrived_at, m.received_at), m.received_at) < ?1 "
    "LIMIT ?2";

/// Junk in the order in which it goes above the bound: other first, oldest first.
constexpr std::string_view kJunk =
    "SELECT m.id, o.message_id, length(o.content), m.outcome, m.received_at FROM messages m "
    "JOIN originals o ON o.message_id = m.id WHERE m.pruned_at IS NULL AND "
    "m.outcome IN ('other', 'unreadable') ORDER BY m.outcome, m.received_at, m.id";

// Messages that keep the bytes of ?1 when that is due: those of the same bytes that are not, the
// youngest first, since it is due last. Above the bound (?2) junk is none, and the copy of a report
// is no reason to keep it as long as junk.
constexpr std::string_view kHeirs =
    "SELECT n.id FROM messages m JOIN messages n ON n.sha256 = m.sha256 "
    "WHERE m.id = ?1 AND n.id <> m.id AND n.pruned_at IS NULL AND "
    "(n.outcome IN ('report', 'duplicate') OR ?2 = 0 AND m.outcome IN ('other', 'unreadable')) "
    "ORDER BY n.id DESC";

DueOriginal original_at(const Statement& row) {
    return {row.integer(0), !row.is_null(1), row.integer(2)};
}

std::vector<DueOriginal> old_originals(Database& database,
                                       const RetentionRules& rules,
                                       std::int64_t now,
                                       std::int64_t limit) {
    std::vector<DueOriginal> found;
    for (const auto& [sql, days] :
         {std::pair{kOldOther, rules.other_days}, std::pair{kOldUnreadable, rules.unreadable_days},
          std::pair{kOldUnderstood, rules.originals_days},
          std::pair{kOldFailureMail, rules.failure_originals_days}}) {
        auto find = database.prepare(sql);
        find.bind(1, before(now, days)).bind(2, limit);
        while (find.step()) {
            found.push_back(original_at(find));
        }
        if (!found.empty() && limit >= 0) {
            break;
        }
    }
    return found;
}

// What is due by age goes first and makes room: only the rest counts.
std::vector<DueOriginal> junk_above_bound(Database& database,
                                          const RetentionRules& rules,
                                          std::int64_t now,
                                          std::size_t limit) {
    std::vector<DueOriginal> junk;
    if (rules.max_other_bytes == 0) {
        return junk;
    }
    std::uint64_t bytes = 0;
    auto find = database.prepare(kJunk);
    while (find.step()) {
        const auto days = find.text(3) == "other" ? rules.other_days : rules.unreadable_days;
        if (find.integer(4) >= before(now, days)) {
            junk.push_back(original_at(find));
            junk.back().junk = true;
            bytes += static_cast<std::uint64_t>(junk.back().bytes);
        }
    }
    std::size_t going = 0;
    while (going < junk.size() && going < limit && bytes > rules.max_other_bytes) {
        bytes -= static_cast<std::uint64_t>(junk[going++].bytes);
    }
    junk.resize(going);
    return junk;
}

std::vector<std::int64_t> ids(Database& database,
                              const std::string& sql,
                              std::int64_t now,
                              std::int64_t days,
                              std::int64_t limit) {
    std::vector<std::int64_t> found;
    if (days == 0) {
        return found;
    }
    auto find = database.prepare(sql);
    find.bind(1, before(now, days)).bind(2, limit);
    if (sql.find("?3") != std::string::npos) {
        find.bind(3, now + kFuture);
    }
    while (find.step()) {
        found.push_back(find.integer(0));
    }
    return found;
}

void remove_originals(Database& database,
                      const std::vector<DueOriginal>& originals,
                      std::int64_t now,
                      PruneResult& result) {
    Transaction transaction(database);
    auto remove = database.prepare("DELETE FROM originals WHERE message_id = ?1");
    auto size = database.prepare("SELECT length(content) FROM originals WHERE message_id = ?1");
    auto heirs = database.prepare(kHeirs);
    auto hand_over = database.prepare("UPDATE originals SET message_id = ?2 WHERE message_id = ?1");
    auto mark_copies = database.prepare(
        "UPDATE messages SET pruned_at = ?2 WHERE pruned_at IS NULL AND "
        "sha256 = (SELECT sha256 FROM messages WHERE id = ?1)");
    // What was reprocessed since it was found is no junk any more.
    auto mark = database.prepare(
        "UPDATE messages SET pruned_at = ?2 WHERE id = ?1 AND pruned_at IS NULL "
        "AND (?3 = 0 OR outcome IN ('other', 'unreadable'))");
    for (const auto& original : originals) {
        mark.bind(1, original.message_id).bind(2, now).bind(3, original.junk ? 1 : 0).run();
        if (database.changes() == 0) {
            continue;
        }
        // Bytes that a step before handed over are not in `original` yet.
        size.bind(1, original.message_id);
        const bool kept = size.step();
        const std::int64_t bytes = kept ? size.integer(0) : 0;
        size.reset();
        if (!kept) {
            continue;
        }
        heirs.bind(1, original.message_id).bind(2, original.junk ? 1 : 0);
        const std::int64_t heir = heirs.step() ? heirs.integer(0) : 0;
        heirs.reset();
        if (heir != 0) {
            hand_over.bind(1, original.message_id).bind(2, heir).run();
            continue;
        }
        remove.bind(1, original.message_id).run();
        mark_copies.bind(1, original.message_id).bind(2, now).run();
        ++result.originals;
        result.original_bytes += bytes;
    }
    transaction.commit();
}

void remove_records(Database& database,
                    const std::vector<std::int64_t>& reports,
                    std::int64_t now,
                    PruneResult& result) {
    Transaction transaction(database);
    ReportLoader loader(database);
    Totals pruned(database, "pruned_");
    auto find = database.prepare(
        "SELECT counted FROM aggregate_reports WHERE id = ?1 AND pruned_at IS NULL");
    auto remove = database.prepare("DELETE FROM aggregate_records WHERE aggregate_report_id = ?1");
    auto mark = database.prepare("UPDATE aggregate_reports SET pruned_at = ?2 WHERE id = ?1");
    std::int64_t records = 0;
    for (const std::int64_t id : reports) {
        find.bind(1, id);
        const bool there = find.step();
        const bool counted = there && find.integer(0) != 0;
        find.reset();
        if (!there) {
            continue;  // another process was quicker
        }
        if (counted) {
            total_stored_report(loader, pruned, id, Totals::Direction::add);
        }
        remove.bind(1, id).run();
        records += database.changes();
        mark.bind(1, id).bind(2, now).run();
        ++result.aggregate_reports;
        if (records >= kRecordsAStep) {
            break;
        }
    }
    pruned.flush();
    transaction.commit();
    result.aggregate_records += records;
}

void remove_policies(Database& database,
                     const std::vector<std::int64_t>& reports,
                     std::int64_t now,
                     PruneResult& result) {
    Transaction transaction(database);
    // What tls_failures_by_domain shows of the report, kept as sums.
    auto keep = database.prepare(
        "INSERT INTO pruned_tls_failures (policy_domain, policy_type, result_type, org_name, "
        "sessions, first_seen_at, last_seen_at) "
        "WITH r AS (SELECT t.id, t.org_name, t.begin_at, t.end_at, "
        "t.begin_at >= 1262304000 AND t.begin_at <= t.end_at AND t.end_at <= m.received_at + "
        "172800 AND t.end_at - t.begin_at <= 2678400 AS plausible "
        "FROM tls_reports t JOIN messages m ON m.id = t.message_id "
        "WHERE t.id = ?1 AND t.counted = 1) "
        "SELECT ifnull(policy_domain, '(none)'), ifnull(policy_type, '(none)'), "
        "ifnull(result_type, '(none)'), ifnull(org_name, '(none)'), sessions, "
        "iif(plausible, begin_at, NULL), iif(plausible, end_at, NULL) "
        "FROM (SELECT p.policy_domain, p.policy_type, f.result_type, "
        "f.failed_session_count AS sessions, r.org_name, r.begin_at, r.end_at, r.plausible "
        "FROM r JOIN tls_policies p ON p.tls_report_id = r.id JOIN tls_failures f ON "
        "f.tls_policy_id = p.id UNION ALL "
        "SELECT p.policy_domain, p.policy_type, '(no details)', p.failure_count - "
        "(SELECT CAST(min(total(f.failed_session_count), 1e15) AS INTEGER) FROM tls_failures f "
        "WHERE f.tls_policy_id = p.id) AS missing, r.org_name, r.begin_at, r.end_at, r.plausible "
        "FROM r JOIN tls_policies p ON p.tls_report_id = r.id WHERE missing > 0) WHERE true "
        "ON CONFLICT (policy_domain, policy_type, result_type, org_name) DO UPDATE SET "
        "sessions = min(sessions + excluded.sessions, 1000000000000000), "
        "first_seen_at = min(ifnull(first_seen_at, excluded.first_seen_at), "
        "ifnull(excluded.first_seen_at, first_seen_at)), "
        "last_seen_at = max(ifnull(last_seen_at, excluded.last_seen_at), "
        "ifnull(excluded.last_seen_at, last_seen_at))");
    auto remove = database.prepare("DELETE FROM tls_policies WHERE tls_report_id = ?1");
    auto mark = database.prepare(
        "UPDATE tls_reports SET pruned_at = ?2 WHERE id = ?1 AND pruned_at IS NULL");
    for (const std::int64_t id : reports) {
        mark.bind(1, id).bind(2, now).run();
        if (database.changes() == 0) {
            continue;
        }
        keep.bind(1, id).run();
        remove.bind(1, id).run();
        ++result.tls_reports;
    }
    transaction.commit();
}

void remove_samples(Database& database,
                    const std::vector<std::int64_t>& reports,
                    std::int64_t now,
                    PruneResult& result) {
    Transaction transaction(database);
    auto fields = database.prepare("DELETE FROM failure_fields WHERE failure_report_id = ?1");
    auto headers = database.prepare("DELETE FROM failure_headers WHERE failure_report_id = ?1");
    // RFC 6591 section 3.2.2: another word there is the sender's own text. What names reporter and
    // alignment stays unless an address stands in it.
    auto mark = database.prepare(
        "UPDATE failure_reports SET pruned_at = ?2, original_mail_from = NULL, "
        "original_rcpt_to = NULL, dkim_identity = NULL, authentication_results = NULL, "
        "sample_from = NULL, sample_to = NULL, sample_subject = NULL, sample_message_id = NULL, "
        "auth_failure = iif(auth_failure IN ('adsp', 'bodyhash', 'revoked', 'signature', 'spf', "
        "'dmarc'), auth_failure, NULL), "
        "delivery_result = iif(delivery_result IN ('delivered', 'spam', 'policy', 'reject', "
        "'other'), delivery_result, NULL), "
        "identity_alignment = iif(instr(identity_alignment, '@'), NULL, identity_alignment), "
        "reporting_mta = iif(instr(reporting_mta, '@'), NULL, reporting_mta), "
        "user_agent = iif(instr(user_agent, '@'), NULL, user_agent) "
        "WHERE id = ?1");
    auto mails = database.prepare(
        "SELECT message_id FROM failure_reports WHERE id = ?1 UNION SELECT m.id FROM "
        "failure_reports f JOIN messages m ON m.duplicate_of = f.message_id WHERE f.id = ?1");
    for (const std::int64_t id : reports) {
        fields.bind(1, id).run();
        headers.bind(1, id).run();
        mark.bind(1, id).bind(2, now).run();
        for (mails.bind(1, id); mails.step();) {
            forget_sample_mail(database, mails.integer(0));
        }
        mails.reset();
        ++result.failure_reports;
    }
    transaction.commit();
}

std::string refusal_day(std::int64_t now) {
    return schema::day_of(now - kRefusalDays * kDay);
}

// Both for the message ?1: its failure reports, or those of the message that it repeats.
constexpr std::string_view kForgotten =
    " EXISTS (SELECT 1 FROM failure_reports f WHERE f.pruned_at IS NOT NULL AND f.message_id = "
    "(SELECT ifnull(m.duplicate_of, m.id) FROM messages m WHERE m.id = ?1))";

}  // namespace

bool sample_forgotten(Database& database, std::int64_t message_id) {
    auto find = database.prepare("SELECT" + std::string(kForgotten));
    find.bind(1, message_id);
    return find.step() && find.integer(0) != 0;
}

void forget_sample_mail(Database& database, std::int64_t message_id) {
    const std::string forgotten = " AND" + std::string(kForgotten);
    database.prepare("UPDATE messages SET subject = NULL WHERE id = ?1" + forgotten)
        .bind(1, message_id)
        .run();
    // Findings of another report of the mail are that one's.
    database
        .prepare(
            "UPDATE findings SET detail = NULL WHERE message_id = ?1 AND "
            "aggregate_report_id IS NULL AND tls_report_id IS NULL AND NOT EXISTS "
            "(SELECT 1 FROM failure_reports o WHERE o.id = failure_report_id AND "
            "o.pruned_at IS NULL)" +
            forgotten)
        .bind(1, message_id)
        .run();
}

PruneResult plan_prune(Database& database, const RetentionRules& rules, std::int64_t now) {
    PruneResult result;
    auto going = old_originals(database, rules, now, kAll);
    const auto junk = junk_above_bound(database, rules, now, SIZE_MAX);
    going.insert(going.end(), junk.begin(), junk.end());
    std::unordered_set<std::int64_t> due;
    for (const auto& original : going) {
        due.insert(original.message_id);
    }
    auto heirs = database.prepare(kHeirs);
    for (const auto& original : going) {
        bool goes = original.kept;
        heirs.bind(1, original.message_id).bind(2, original.junk ? 1 : 0);
        while (goes && heirs.step()) {
            goes = due.contains(heirs.integer(0));
        }
        heirs.reset();
        result.originals += goes ? 1 : 0;
        result.original_bytes += goes ? original.bytes : 0;
    }
    auto records =
        database.prepare("SELECT count(*) FROM aggregate_records WHERE aggregate_report_id = ?1");
    for (const auto id :
         ids(database, old_reports("aggregate_reports"), now, rules.reports_days, kAll)) {
        ++result.aggregate_reports;
        records.bind(1, id);
        result.aggregate_records += records.step() ? records.integer(0) : 0;
        records.reset();
    }
    const auto count = [&](const std::string& sql, std::int64_t days) {
        return static_cast<std::int64_t>(ids(database, sql, now, days, kAll).size());
    };
    result.tls_reports = count(old_reports("tls_reports"), rules.reports_days);
    result.failure_reports = count(std::string(kOldFailures), rules.failure_reports_days);
    auto refusals = database.prepare("SELECT count(DISTINCT day) FROM refusals WHERE day < ?1");
    const std::string day = refusal_day(now);
    refusals.bind(1, day);
    result.refusal_days = refusals.step() ? refusals.integer(0) : 0;
    return result;
}

Pruner::Pruner(Database& database, const RetentionRules& rules, std::int64_t now)
    : database_(database), rules_(rules), now_(now) {}

std::vector<DueOriginal> Pruner::due_originals() {
    if (junk_.empty()) {
        auto old = old_originals(database_, rules_, now_, kOriginalsAStep);
        if (!old.empty()) {
            return old;
        }
        junk_ = junk_above_bound(database_, rules_, now_, kJunkAtOnce);
        std::reverse(junk_.begin(), junk_.end());
    }
    const auto count = std::min<std::size_t>(junk_.size(), kOriginalsAStep);
    std::vector<DueOriginal> due(junk_.rbegin(),
                                 junk_.rbegin() + static_cast<std::ptrdiff_t>(count));
    junk_.resize(junk_.size() - count);
    return due;
}

bool Pruner::step(PruneResult& result) {
    const auto originals = due_originals();
    if (!originals.empty()) {
        remove_originals(database_, originals, now_, result);
        return true;
    }
    if (const auto found = ids(database_, old_reports("aggregate_reports"), now_,
                               rules_.reports_days, kReportsAStep);
        !found.empty()) {
        remove_records(database_, found, now_, result);
        return true;
    }
    if (const auto found =
            ids(database_, old_reports("tls_reports"), now_, rules_.reports_days, kReportsAStep);
        !found.empty()) {
        remove_policies(database_, found, now_, result);
        return true;
    }
    if (const auto found = ids(database_, std::string(kOldFailures), now_,
                               rules_.failure_reports_days, kReportsAStep);
        !found.empty()) {
        remove_samples(database_, found, now_, result);
        return true;
    }
    auto refusals = database_.prepare(
        "DELETE FROM refusals WHERE day = "
        "(SELECT min(day) FROM refusals WHERE day < ?1)");
    const std::string day = refusal_day(now_);
    refusals.bind(1, day).run();
    if (database_.changes() > 0) {
        ++result.refusal_days;
        return true;
    }
    const std::int64_t free = database_.integer("PRAGMA freelist_count");
    if (free > kFreePagesKept) {
        auto vacuum =
            database_.prepare("PRAGMA incremental_vacuum(" + std::to_string(kVacuumPages) + ")");
        vacuum.run();
        return database_.integer("PRAGMA freelist_count") < free;
    }
    return false;
}

}  // namespace dmarcbox::storage
