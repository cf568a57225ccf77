#include <doctest/doctest.h>

#include <array>
#include <random>

#include "storage/rebuild.hpp"
#include "storage/verify.hpp"
#include "support.hpp"

using namespace dmarcbox;
using namespace dmarcbox::storage;
using namespace dmarcbox::storage::test;

namespace {

/// Random reports over a few reporters, ids, domains and sources, so that identities collide.
class RandomMail {
  public:
    explicit RandomMail(std::uint64_t seed) : random_(seed) {}

    Submission make() {
        std::vector<schema::Report> reports;
        for (std::uint64_t i = below(3); i < 3; ++i) {
            reports.emplace_back(make_report());
        }
        return message("mail " + std::to_string(++number_), std::move(reports),
                       static_cast<int>(below(5)));
    }
    std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  private:
    schema::AggregateReport make_report() {
        static constexpr std::array kTokens{
            "dkim+spf", "dkim", "spf", "nothing", "arc-pass", "signs-as:esp.example", "temperror"};
        const std::string domain = below(3) == 0 ? "example.net" : "example.org";
        std::vector<schema::AggregateRecord> records;
        for (std::uint64_t i = below(5); i > 0; --i) {
            records.push_back(record("192.0.2." + std::to_string(below(6)),
                                     static_cast<std::int64_t>(below(4)), kTokens[below(7)],
                                     domain));
            if (below(4) == 0) {
                records.back().disposition = below(2) == 0 ? "reject" : "quarantine";
            }
            if (below(4) == 0) {
                auto& made = records.back();
                if (!made.passed()) {
                    made.evidence.final = false;
                    made.evidence.own_failed_keys = {{domain, "s1"}};
                }
            }
        }
        auto made = report("Reporter " + std::to_string(below(3)),
                           below(8) == 0 ? "" : std::to_string(below(6)), std::move(records),
                           static_cast<int>(below(4)), below(20) == 0 ? "" : domain);
        if (below(5) == 0) {
            *made.end_at += static_cast<std::int64_t>(below(5)) * kDay;
            hash(made);
        }
        return made;
    }

    std::mt19937_64 random_;
    int number_ = 0;
};

std::string differences(Database& database) {
    Transaction transaction(database);
    std::string lines;
    RebuiltTotals rebuilt(database, "");
    for (const auto& line : rebuilt.differences()) {
        lines += line + '\n';
    }
    return lines;
}

}  // namespace

TEST_CASE("totals equal the records after any sequence of messages and reprocessing") {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        CAPTURE(seed);
        const TempDir dir;
        Store store(dir.file("t.db"));
        store.database.execute("PRAGMA synchronous = OFF");
        RandomMail mail(seed);
        for (int step = 0; step < 120; ++step) {
            const auto last = store.database.integer("SELECT max(id) FROM messages");
            if (last > 0 && mail.below(3) == 0) {
                const auto id =
                    static_cast<std::int64_t>(mail.below(static_cast<std::uint64_t>(last))) + 1;
                (void)store.replace(id, mail.make());
            } else {
                (void)store.add(mail.make());
            }
        }
        (void)refresh_stale_totals(store.database);
        CHECK(differences(store.database) == "");
        // One of each identity counts, the first; all of several are in conflict.
        CHECK(
            rows(store.database,
                 "SELECT count(*) FROM (SELECT org_name, report_id, domain, begin_at, end_at, "
                 "count(*) AS n, sum(counted) AS c, min(conflict) AS least, max(conflict) AS most "
                 "FROM aggregate_reports WHERE report_id IS NOT NULL GROUP BY 1, 2, 3, 4, 5) "
                 "WHERE c <> 1 OR least <> most OR most <> (n > 1)") == "0\n");
        CHECK(
            rows(store.database,
                 "SELECT count(*) FROM aggregate_reports a JOIN aggregate_reports b ON "
                 "a.org_name IS b.org_name AND a.report_id = b.report_id AND a.domain IS b.domain "
                 "AND a.begin_at = b.begin_at AND a.end_at = b.end_at WHERE a.counted = 1 AND "
                 "(b.message_id, b.position) < (a.message_id, a.position)") == "0\n");
        CHECK(rows(store.database, "PRAGMA foreign_key_check") == "");
        CHECK(rows(store.database, "PRAGMA integrity_check") == "ok\n");
    }
}

TEST_CASE("verify sees a total that is not as the records say and rebuild mends it") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    (void)store.add(message("a", {report("Reporter", "1", {record("192.0.2.1", 3, "dkim")})}));
    CHECK(differences(store.database) == "");
    store.database.execute("UPDATE source_totals SET messages = 4; DELETE FROM day_totals");
    CHECK(differences(store.database) ==
          "day_totals: 1 row missing, first: example.org 2026-11-21 3\n"
          "source_totals: 1 row not as the records say, first: example.org 192.0.2.1 192.0.2.0/24\n"
          "source_totals: 1 row missing, first: example.org 192.0.2.1 192.0.2.0/24\n");
    {
        Transaction transaction(store.database);
        RebuiltTotals(store.database, "").replace_live();
        transaction.commit();
    }
    CHECK(differences(store.database) == "");
}

TEST_CASE("reading a message again") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    const auto first = report("Reporter", "1", {record("192.0.2.1", 3, "dkim")});
    const auto second = report("Reporter", "2", {record("192.0.2.2", 4, "nothing")});
    const auto mail = message("a", {first, second});
    (void)store.add(mail);
    (void)store.add(message("b", {second}));  // 2: duplicate of 1
    constexpr std::string_view kReports =
        "SELECT id, message_id, report_id, conflict, counted FROM aggregate_reports ORDER BY id";

    SUBCASE("the same result changes nothing") {
        const auto replaced = store.replace(1, mail);
        CHECK_FALSE(replaced.changed());
        CHECK(replaced.reports_kept == 2);
        CHECK(rows(store.database, kReports) == "1|1|1|0|1\n2|1|2|0|1\n");
        CHECK(rows(store.database, "SELECT id FROM aggregate_records") == "1\n2\n");
    }
    SUBCASE("changed content gets a new row and the unchanged one keeps its own") {
        const auto changed = report("Reporter", "2", {record("192.0.2.2", 5, "nothing")});
        const auto replaced = store.replace(1, message("a", {first, changed}));
        CHECK(replaced.changed());
        CHECK(replaced.reports_kept == 1);
        CHECK(replaced.reports_new == 1);
        CHECK(replaced.reports_removed == 1);
        CHECK(replaced.orphaned_duplicates == std::vector<std::int64_t>{2});
        CHECK(rows(store.database, "SELECT sum(messages) FROM day_totals") == "8\n");
        (void)store.replace(2, message("b", {second}));  // now differs from what 1 holds
        CHECK(rows(store.database, "SELECT id, outcome, duplicate_of FROM messages") ==
              "1|report|\n2|report|\n");
        CHECK(rows(store.database,
                   "SELECT message_id, report_id, conflict, counted FROM aggregate_reports "
                   "ORDER BY message_id, position") == "1|1|0|1\n1|2|1|1\n2|2|1|0\n");
        CHECK(rows(store.database, "SELECT sum(messages) FROM day_totals") == "8\n");
    }
    SUBCASE("an earlier message that turns out to hold the report counts instead") {
        auto unreadable = message("c", {});
        unreadable.outcome = Outcome::unreadable;
        unreadable.detail = "broken";
        (void)store.add(unreadable);  // 3
        const auto newer = report("Reporter", "9", {record("192.0.2.2", 5, "nothing")});
        (void)store.add(message("d", {newer}));  // 4
        const auto older = report("Reporter", "9", {record("192.0.2.2", 6, "nothing")});
        const auto replaced = store.replace(3, message("c", {older}));
        CHECK(replaced.before == Outcome::unreadable);
        CHECK(replaced.after == Outcome::report);
        CHECK(rows(store.database,
                   "SELECT message_id, conflict, counted FROM aggregate_reports "
                   "WHERE report_id = '9' ORDER BY message_id") == "3|1|1\n4|1|0\n");
        CHECK(rows(store.database, "SELECT detail FROM messages WHERE id = 3") == "\n");
        CHECK(rows(store.database, "SELECT sum(messages) FROM day_totals") == "13\n");
    }
    SUBCASE("other evidence on the same content") {
        auto refreshed = second;
        refreshed.records[0].evidence.token = "arc-pass";
        const auto replaced = store.replace(1, message("a", {first, refreshed}));
        CHECK(replaced.reports_refreshed == 1);
        CHECK(replaced.reports_kept == 2);
        CHECK(rows(store.database, kReports) == "1|1|1|0|1\n2|1|2|0|1\n");
        CHECK(rows(store.database, "SELECT source_ip, evidence, messages FROM source_evidence") ==
              "192.0.2.1|dkim|3\n192.0.2.2|arc-pass|4\n");
    }
    SUBCASE("no report any more takes its sums back") {
        auto gone = message("a", {});
        gone.outcome = Outcome::unreadable;
        const auto replaced = store.replace(1, gone);
        CHECK(replaced.reports_removed == 2);
        CHECK(rows(store.database, "SELECT count(*) FROM day_totals") == "0\n");
        CHECK(rows(store.database, "SELECT count(*) FROM source_totals") == "0\n");
        CHECK(rows(store.database, "SELECT count(*) FROM aggregate_dkim") == "0\n");
    }
    (void)refresh_stale_totals(store.database);
    CHECK(differences(store.database) == "");
}

TEST_CASE("others write while what a domain lost is made again") {
    const TempDir dir;
    const auto file = dir.file("t.db");
    Store store(file);
    const auto add = [&](const std::string& name, const char* ip, int day) {
        (void)store.add(
            message(name, {report("Reporter " + name, name, {record(ip, 3, "nothing")}, day)}));
    };
    add("early", "192.0.2.1", 0);
    add("lost", "192.0.2.1", 5);
    auto gone = message("lost", {});
    gone.outcome = Outcome::unreadable;
    (void)store.replace(2, gone);
    CHECK(rows(store.database, "SELECT source_ip, reporters FROM source_totals") ==
          "192.0.2.1|2\n");

    Database other(file, Database::Mode::read_write);
    {
        ReadTransaction moment(other);
        RebuiltTotals rebuilt(other, "example.org");
        moment.commit();
        add("meanwhile", "192.0.2.1", 9);
        add("new source", "192.0.2.2", 9);
        Transaction transaction(other);
        rebuilt.add_newer();
        rebuilt.replace_presence();
        rebuilt.not_stale();
        transaction.commit();
    }
    CHECK(rows(store.database, "SELECT source_ip, reporters FROM source_totals ORDER BY 1") ==
          "192.0.2.1|2\n192.0.2.2|1\n");
    CHECK(verify(store.database, {}).problems.empty());
}

TEST_CASE("a column that was damaged is as the original says when its message is read again") {
    constexpr std::array<const char*, 17> kDamage{"org_email = 'x'",   "extra_contact_info = 'x'",
                                                  "adkim = 's'",       "aspf = 's'",
                                                  "p = 'reject'",      "sp = 'reject'",
                                                  "np = 'reject'",     "pct = 50",
                                                  "fo = '1'",          "testing = 'y'",
                                                  "version = 'x'",     "discovery_method = 'x'",
                                                  "namespace = 'x'",   "generator = 'x'",
                                                  "errors = 'x'",      "record_count = 99",
                                                  "message_count = 99"};
    const TempDir dir;
    Store store(dir.file("t.db"));
    const auto mail = message("a", {report("Reporter", "1", {record("192.0.2.1", 3, "dkim")})});
    (void)store.add(mail);
    const std::string good = rows(store.database, "SELECT * FROM aggregate_reports");
    for (const char* damage : kDamage) {
        CAPTURE(std::string(damage));
        store.database.execute("UPDATE aggregate_reports SET " + std::string(damage));
        REQUIRE(rows(store.database, "SELECT * FROM aggregate_reports") != good);
        CHECK(store.replace(1, mail).changed());
        CHECK(rows(store.database, "SELECT * FROM aggregate_reports") == good);
        CHECK_FALSE(store.replace(1, mail).changed());
    }
}

TEST_CASE("sums saturate instead of overflowing") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    for (int round = 0; round < 3; ++round) {
        std::vector<schema::AggregateRecord> many(
            700, record("192.0.2.1", 1'000'000'000'000, "nothing"));
        (void)store.add(message(std::to_string(round),
                                {report("Reporter", std::to_string(round), std::move(many))}));
    }
    CHECK(rows(store.database, "SELECT messages FROM day_totals") == "1000000000000000\n");
    CHECK(rows(store.database, "SELECT messages, failed FROM sources") ==
          "1000000000000000|1000000000000000\n");
    CHECK(rows(store.database, "SELECT messages FROM reporters") == "1000000000000000\n");
}

TEST_CASE("no view overflows whatever reporters claim") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    (void)store.add(message("a", {report("Reporter", "1", {record("192.0.2.1", 3, "nothing")})}));
    // What it takes: 10,000 of anything at its bound.
    store.database.execute(
        "CREATE TEMP TABLE n AS WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c "
        "WHERE i < 10000) SELECT i FROM c;"
        "INSERT INTO aggregate_reports (message_id, position, org_name, report_id, begin_at, "
        "end_at,"
        " domain, record_count, message_count, content_sha256) SELECT 1, i + 1, 'Reporter', i, "
        "1795219200 + i % 3, 1795305599, 'example.org', 1, 1000000000000000000, zeroblob(32) FROM "
        "n;"
        "INSERT INTO source_totals SELECT 'example.org', 's' || i, NULL, NULL, 1, "
        "1000000000000000, "
        "1000000000000000, 0, 0, 0, 0, 1, 1, 2 FROM n;"
        "INSERT INTO source_evidence SELECT 'example.org', 's1', 'signs-as:' || i || '.example', "
        "1, "
        "1000000000000000 FROM n;"
        "INSERT INTO source_evidence SELECT 'example.org', 's' || i, 'own-signature-broken', 1, "
        "1000000000000000 FROM n;"
        "INSERT INTO tls_reports (id, message_id, position, content_sha256) VALUES (1, 1, 2, "
        "zeroblob(32));"
        "INSERT INTO tls_policies VALUES (1, 1, 'sts', 'example.org', NULL, NULL, 1, 0);"
        "INSERT INTO tls_failures (tls_policy_id, position, failed_session_count) SELECT 1, i, "
        "1000000000000 FROM n; UPDATE tls_failures SET failed_session_count = 1000000000000000;");
    for (const char* view :
         {"sources", "failing_sources", "likely_forwarded", "daily", "reporters", "policies_seen",
          "problems", "deviations", "failure_samples", "tls_failures_by_domain", "receipts"}) {
        CAPTURE(view);
        CHECK_NOTHROW((void)rows(store.database, "SELECT * FROM " + std::string(view)));
    }
    CHECK(rows(store.database, "SELECT reports, messages, typical_gap_seconds FROM reporters") ==
          "10001|1000000000000000|1\n");
}
