#include "storage/rebuild.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <thread>

#include "storage/report_loader.hpp"
#include "storage/totals.hpp"

namespace dmarcbox::storage {

namespace {

constexpr std::array<std::string_view, 5> kTables{"day_totals", "source_totals", "source_evidence",
                                                  "source_reporters", "source_identities"};
constexpr std::size_t kMaxPendingSources = 50'000;

void drop_temporary(Database& database) {
    for (const auto table : kTables) {
        database.execute("DROP TABLE IF EXISTS temp.rebuilt_" + std::string(table));
    }
    database.execute("DROP TABLE IF EXISTS temp.rebuilt_cosigners");
}

// The definition of the live table, for the temporary one: same keys, same order.
std::string definition(Database& database, std::string_view table) {
    auto statement =
        database.prepare("SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND name = ?1");
    statement.bind(1, table);
    if (!statement.step()) {
        throw DatabaseError(1, std::string(table) + ": the table is missing");
    }
    const std::string sql(statement.text(0));
    return "CREATE TEMP TABLE rebuilt_" + std::string(table) + " " + sql.substr(sql.find('('));
}

std::string where(const std::string& domain) {
    return domain.empty() ? std::string() : " WHERE domain = ?1";
}

std::string live_rows(std::string_view table) {
    return std::string("SELECT * FROM main.").append(table);
}

std::string made_rows(std::string_view table) {
    return std::string("SELECT * FROM temp.rebuilt_").append(table);
}

void run(Database& database, const std::string& sql, const std::string& domain) {
    auto statement = database.prepare(sql);
    if (!domain.empty()) {
        statement.bind(1, domain);
    }
    statement.run();
}

}  // namespace

RebuiltTotals::RebuiltTotals(Database& database, std::string domain)
    : database_(database), domain_(std::move(domain)) {
    drop_temporary(database_);
    for (const auto table : kTables) {
        database_.execute(definition(database_, table));
        std::string sql = "INSERT INTO temp.rebuilt_";
        sql.append(table).append(" SELECT * FROM main.pruned_").append(table);
        run(database_, sql.append(where(domain_)), domain_);
    }
    database_.execute(definition(database_, "cosigners"));
    add_newer();
}

void RebuiltTotals::add_newer() {
    Totals totals(database_, "rebuilt_");
    ReportLoader loader(database_);
    auto reports = database_.prepare(
        "SELECT id FROM aggregate_reports WHERE counted = 1 AND pruned_at IS NULL AND id > ?2" +
        std::string(domain_.empty() ? "" : " AND ifnull(domain, '(none)') = ?1"));
    if (!domain_.empty()) {
        reports.bind(1, domain_);
    }
    reports.bind(2, newest_);
    while (reports.step()) {
        total_stored_report(loader, totals, reports.integer(0), Totals::Direction::add);
        if (totals.pending() > kMaxPendingSources) {
            totals.flush();
        }
    }
    totals.flush();
    newest_ = database_.integer("SELECT max(id) FROM aggregate_reports");
}

RebuiltTotals::~RebuiltTotals() {
    try {
        drop_temporary(database_);
    } catch (const DatabaseError&) {
        // Temporary tables go with the connection.
        return;
    }
}

// One line for all rows that are in `left` alone.
void RebuiltTotals::compare(std::string_view table,
                            std::string_view what,
                            const std::string& left,
                            const std::string& right,
                            std::vector<std::string>& lines) {
    auto statement = database_.prepare("SELECT * FROM (" + left + " EXCEPT " + right + ")");
    if (!domain_.empty()) {
        statement.bind(1, domain_);
    }
    std::int64_t count = 0;
    std::string first;
    while (statement.step()) {
        if (++count == 1) {
            for (int i = 0; i < std::min(3, statement.columns()); ++i) {
                first.append(i == 0 ? "" : " ").append(statement.text(i));
            }
        }
    }
    if (count > 0) {
        std::string line(table);
        line.append(": ").append(std::to_string(count)).append(count == 1 ? " row " : " rows ");
        lines.push_back(line.append(what).append(", first: ").append(first));
    }
}

std::vector<std::string> RebuiltTotals::differences() {
    std::vector<std::string> lines;
    for (const auto table : kTables) {
        const std::string live = live_rows(table) + where(domain_);
        const std::string made = made_rows(table);
        compare(table, "not as the records say", live, made, lines);
        compare(table, "missing", made, live, lines);
    }
    // Those of pruned reports are in the live table only.
    const auto cosigners = database_.integer(
        "SELECT count(*) FROM (SELECT * FROM temp.rebuilt_cosigners EXCEPT "
        "SELECT * FROM main.cosigners)");
    if (cosigners > 0) {
        lines.push_back("cosigners: " + std::to_string(cosigners) +
                        (cosigners == 1 ? " row missing" : " rows missing"));
    }
    return lines;
}

std::vector<std::string> RebuiltTotals::differing_domains() {
    std::string sql = "SELECT domain FROM main.stale_totals";
    for (const auto table : kTables) {
        const std::string live = live_rows(table);
        const std::string made = made_rows(table);
        sql.append(" UNION SELECT domain FROM (").append(live).append(" EXCEPT ").append(made);
        sql.append(") UNION SELECT domain FROM (").append(made).append(" EXCEPT ").append(live);
        sql.append(")");
    }
    sql +=
        " UNION SELECT domain FROM (SELECT * FROM temp.rebuilt_cosigners EXCEPT "
        "SELECT * FROM main.cosigners)";
    std::vector<std::string> domains;
    for (auto statement = database_.prepare(sql); statement.step();) {
        domains.emplace_back(statement.text(0));
    }
    return domains;
}

void RebuiltTotals::replace_live() {
    for (const auto table : kTables) {
        std::string sql = "DELETE FROM main.";
        run(database_, sql.append(table).append(where(domain_)), domain_);
        sql = "INSERT INTO main.";
        database_.execute(sql.append(table).append(" ").append(made_rows(table)));
    }
    database_.execute(
        "INSERT OR IGNORE INTO main.cosigners SELECT domain, signer FROM temp.rebuilt_cosigners");
    not_stale();
}

// Row by row, since most are the same and writing costs more than reading.
void RebuiltTotals::replace_presence() {
    run(database_,
        "DELETE FROM main.source_reporters AS live WHERE domain = ?1 AND NOT EXISTS (SELECT 1 FROM "
        "temp.rebuilt_source_reporters r WHERE r.domain = ?1 AND r.org_name = live.org_name AND "
        "r.source_ip = live.source_ip)",
        domain_);
    run(database_,
        "DELETE FROM main.source_identities AS live WHERE domain = ?1 AND NOT EXISTS (SELECT 1 "
        "FROM temp.rebuilt_source_identities r WHERE r.domain = ?1 AND r.source_ip = "
        "live.source_ip AND r.kind = live.kind AND r.identity = live.identity)",
        domain_);
    run(database_,
        "UPDATE main.source_totals AS live SET reporters = r.reporters, first_seen_at = "
        "r.first_seen_at, last_seen_at = r.last_seen_at FROM temp.rebuilt_source_totals r "
        "WHERE live.domain = ?1 AND r.domain = ?1 AND r.source_ip = live.source_ip AND "
        "(live.reporters, live.first_seen_at, live.last_seen_at) IS NOT "
        "(r.reporters, r.first_seen_at, r.last_seen_at)",
        domain_);
    // A day on which a report of several days has no message goes with the last other report.
    for (const std::string_view table :
         {"source_reporters", "source_identities", "cosigners", "day_totals"}) {
        std::string sql = "INSERT OR IGNORE INTO main.";
        database_.execute(sql.append(table).append(" ").append(made_rows(table)));
    }
}

void RebuiltTotals::not_stale() {
    if (domain_.empty()) {
        database_.execute("DELETE FROM stale_totals");
    } else {
        database_.prepare("DELETE FROM stale_totals WHERE domain = ?1").bind(1, domain_).run();
    }
}

std::size_t refresh_stale_totals(Database& database) {
    struct Stale {
        std::string domain;
        std::int64_t mark;
    };
    std::vector<Stale> stale;
    for (auto rows = database.prepare("SELECT domain, mark FROM stale_totals"); rows.step();) {
        stale.push_back({std::string(rows.text(0)), rows.integer(1)});
    }
    auto mark = database.prepare("SELECT 1 FROM stale_totals WHERE domain = ?1 AND mark = ?2");
    std::size_t refreshed = 0;
    for (const auto& note : stale) {
        ReadTransaction moment(database);
        RebuiltTotals rebuilt(database, note.domain);
        moment.commit();
        Transaction transaction(database);
        mark.bind(1, note.domain).bind(2, note.mark);
        const bool lost_no_other = mark.step();
        mark.reset();
        if (lost_no_other) {
            rebuilt.add_newer();
            rebuilt.replace_presence();
            rebuilt.not_stale();
            ++refreshed;
        }
        transaction.commit();
        let_others_write();
    }
    return refreshed;
}

void let_others_write() {
    // Who waits for the lock looks at intervals of up to 100 ms.
    constexpr std::chrono::milliseconds kBreath{20};
    std::this_thread::sleep_for(kBreath);
}

}  // namespace dmarcbox::storage
