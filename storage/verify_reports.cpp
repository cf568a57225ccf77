#include "storage/verify_reports.hpp"

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/content_hash.hpp"
#include "schema/date_time.hpp"
#include "schema/evidence.hpp"
#include "storage/days.hpp"
#include "storage/passing_keys.hpp"
#include "storage/report_loader.hpp"
#include "storage/totals.hpp"

namespace dmarcbox::storage {

namespace {

constexpr std::int64_t kMaxRecords = 250'000;
constexpr std::size_t kMaxLines = 100;
/// Reports in one transaction of a repair: tens of milliseconds.
constexpr std::size_t kBatch = 200;

constexpr std::string_view kReprocess = "; `dmarcbox reprocess --all` reads its message again";

/// Problems of one kind, at most so many.
class Lines {
  public:
    explicit Lines(VerifyResult& result) : result_(result) {}
    void add(const std::string& line) {
        if (++count_ <= kMaxLines) {
            result_.problems.push_back(line);
        }
    }

  private:
    VerifyResult& result_;
    std::size_t count_ = 0;
};

struct Stored {
    std::int64_t id = 0;
    std::int64_t records = 0;
    std::int64_t received_at = 0;
};

/// Aggregate reports with rows, in order of id, some at a time.
std::vector<Stored> next_reports(Database& database, std::int64_t after) {
    auto find = database.prepare(
        "SELECT a.id, a.record_count, m.received_at FROM aggregate_reports a "
        "JOIN messages m ON m.id = a.message_id WHERE a.id > ?1 AND a.pruned_at IS NULL "
        "ORDER BY a.id LIMIT ?2");
    find.bind(1, after).bind(2, static_cast<std::int64_t>(kBatch));
    std::vector<Stored> found;
    while (find.step()) {
        found.push_back({find.integer(0), find.integer(1), find.integer(2)});
    }
    return found;
}

std::int64_t time_of(const schema::AggregateReport& report, std::int64_t received_at) {
    return ReportRange{report.begin_at, report.end_at, received_at}.time();
}

class PassingKeyCheck {
  public:
    explicit PassingKeyCheck(Database& database)
        : find_(database.prepare("SELECT 1 FROM passing_keys WHERE domain = ?1 AND selector = ?2 "
                                 "AND month = ?3 AND first_at <= ?4 AND last_at >= ?4")) {}

    [[nodiscard]] bool missing(const schema::AggregateReport& report, std::int64_t at) {
        const std::string month = schema::day_of(at).substr(0, 7);
        for (const auto& key : report.passing_keys) {
            if (key.domain.empty()) {
                continue;
            }
            const std::string selector = selector_of(key);
            find_.bind(1, key.domain).bind(2, selector).bind(3, month).bind(4, at);
            const bool found = find_.step();
            find_.reset();
            if (!found) {
                return true;
            }
        }
        return false;
    }

  private:
    Statement find_;
};

void check_sums(Database& database, VerifyResult& result) {
    auto sums = database.prepare(
        "SELECT a.id, a.message_count, a.record_count, "
        "(SELECT min(ifnull(sum(r.count), 0), 1000000000000000) FROM aggregate_records r "
        " WHERE r.aggregate_report_id = a.id) AS messages, "
        "(SELECT count(*) FROM aggregate_records r WHERE r.aggregate_report_id = a.id) AS records "
        "FROM aggregate_reports a WHERE a.pruned_at IS NULL "
        "AND (min(a.message_count, 1000000000000000) <> messages OR a.record_count < records)");
    Lines lines(result);
    while (sums.step()) {
        lines.add("aggregate_reports " + std::to_string(sums.integer(0)) + ": says " +
                  std::to_string(sums.integer(1)) + " messages in " +
                  std::to_string(sums.integer(2)) + " records, has " +
                  std::to_string(sums.integer(3)) + " in " + std::to_string(sums.integer(4)) +
                  std::string(kReprocess));
    }
}

void check_aggregate(Database& database, VerifyResult& result) {
    ReportLoader loader(database);
    PassingKeyCheck keys(database);
    Lines changed(result);
    Lines without_keys(result);
    std::int64_t last = 0;
    for (auto batch = next_reports(database, last); !batch.empty();
         batch = next_reports(database, last)) {
        for (const auto& stored : batch) {
            last = stored.id;
            auto report =
                stored.records <= kMaxRecords ? loader.aggregate(stored.id) : std::nullopt;
            if (!report) {
                continue;
            }
            const std::string name = "aggregate_reports " + std::to_string(stored.id);
            if (schema::content_hash(*report) != report->content_sha256) {
                changed.add(name + ": its rows are not those of content_sha256" +
                            std::string(kReprocess));
            }
            schema::classify_records(*report);
            if (keys.missing(*report, time_of(*report, stored.received_at))) {
                without_keys.add(name +
                                 ": its signatures are missing in passing_keys; "
                                 "`dmarcbox verify --rebuild` adds them");
            }
        }
    }
}

void check_tls(Database& database, VerifyResult& result) {
    ReportLoader loader(database);
    Lines lines(result);
    auto reports = database.prepare("SELECT id FROM tls_reports WHERE pruned_at IS NULL");
    while (reports.step()) {
        const auto report = loader.tls(reports.integer(0));
        if (report && schema::content_hash(*report) != report->content_sha256) {
            lines.add("tls_reports " + std::to_string(reports.integer(0)) +
                      ": its rows are not those of content_sha256" + std::string(kReprocess));
        }
    }
}

struct Table {
    const char* name;
    const char* identity;
};

constexpr std::array<Table, 2> kTables{{
    {"aggregate_reports", "org_name, report_id, domain, begin_at, end_at"},
    {"tls_reports", "org_name, report_id, begin_at, end_at, policy_domains"},
}};

/// id, counted, conflict of reports whose flags are wrong, and what they should be.
std::string wrong_flags(const Table& table) {
    return std::string(
               "SELECT id, counted, conflict, due_counted, due_conflict FROM ("
               "SELECT id, counted, conflict, several AS due_conflict, iif(pruned_counts, "
               "pruned AND counted, place = 1) AS due_counted FROM ("
               // A pruned report that counts goes on counting.
               "SELECT id, counted, conflict, pruned_at IS NOT NULL AS pruned, "
               "count(*) OVER same > 1 AS several, max(counted AND pruned_at IS NOT NULL) "
               "OVER same AS pruned_counts, row_number() OVER (PARTITION BY ") +
           table.identity + " ORDER BY message_id, position) AS place FROM " + table.name +
           " WHERE report_id IS NOT NULL WINDOW same AS (PARTITION BY " + table.identity +
           "))) WHERE counted <> due_counted OR conflict <> due_conflict ORDER BY id";
}

}  // namespace

void check_reports(Database& database, VerifyResult& result) {
    check_sums(database, result);
    check_aggregate(database, result);
    check_tls(database, result);
}

void check_flags(Database& database, VerifyResult& result) {
    for (const auto& table : kTables) {
        Lines lines(result);
        auto wrong = database.prepare(wrong_flags(table));
        while (wrong.step()) {
            lines.add(std::string(table.name) + " " + std::to_string(wrong.integer(0)) +
                      ": counted is " + std::to_string(wrong.integer(1)) + " and conflict " +
                      std::to_string(wrong.integer(2)) + ", by its identity they are " +
                      std::to_string(wrong.integer(3)) + " and " +
                      std::to_string(wrong.integer(4)) + "; `dmarcbox verify --rebuild` sets them");
        }
    }
}

std::size_t settle_flags(Database& database) {
    std::size_t changed = 0;
    for (const auto& table : kTables) {
        struct Flags {
            std::int64_t id;
            std::int64_t counted;
            std::int64_t conflict;
        };
        std::vector<Flags> due;
        Transaction transaction(database);
        for (auto wrong = database.prepare(wrong_flags(table)); wrong.step();) {
            due.push_back({wrong.integer(0), wrong.integer(3), wrong.integer(4)});
        }
        auto set = database.prepare(std::string("UPDATE ") + table.name +
                                    " SET counted = ?2, conflict = ?3 WHERE id = ?1");
        for (const auto& flags : due) {
            set.bind(1, flags.id).bind(2, flags.counted).bind(3, flags.conflict).run();
        }
        transaction.commit();
        changed += due.size();
    }
    return changed;
}

std::size_t restore_passing_keys(Database& database) {
    ReportLoader loader(database);
    PassingKeyCheck keys(database);
    PassingKeys passing(database);
    std::size_t restored = 0;
    std::int64_t last = 0;
    for (auto batch = next_reports(database, last); !batch.empty();
         batch = next_reports(database, last)) {
        // Read without the write lock: a key that another process adds meanwhile is added once.
        std::vector<std::pair<schema::AggregateReport, std::int64_t>> missing;
        for (const auto& stored : batch) {
            last = stored.id;
            auto report =
                stored.records <= kMaxRecords ? loader.aggregate(stored.id) : std::nullopt;
            if (!report) {
                continue;
            }
            schema::classify_records(*report);
            const std::int64_t at = time_of(*report, stored.received_at);
            if (keys.missing(*report, at)) {
                report->records.clear();
                missing.emplace_back(std::move(*report), at);
            }
        }
        if (missing.empty()) {
            continue;
        }
        Transaction transaction(database);
        for (const auto& [report, at] : missing) {
            passing.remember(report, at);
        }
        transaction.commit();
        restored += missing.size();
    }
    return restored;
}

}  // namespace dmarcbox::storage
