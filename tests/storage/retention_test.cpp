#include "storage/retention.hpp"

#include <doctest/doctest.h>

#include <array>
#include <filesystem>
#include <string>

#include "maintenance.hpp"
#include "schema/content_hash.hpp"
#include "storage/originals.hpp"
#include "storage/verify.hpp"
#include "support.hpp"

using namespace dmarcbox;
using namespace dmarcbox::storage;
using namespace dmarcbox::storage::test;

TEST_CASE("retention removes what is due and nothing else") {
    struct Row {
        const char* name;
        void (*set)(RetentionRules&);
        int days_later;
        const char* expected;  // originals, reports, records, tls, failures, refusal days
    };
    const std::array rows_{
        Row{"nothing is due", [](RetentionRules&) {}, 0, "0 0 0 0 0 0 "},
        Row{"0 keeps for ever", [](RetentionRules& r) { r = keep_all(); }, 5000, "0 0 0 0 0 0 "},
        Row{"other goes after its days",
            [](RetentionRules& r) {
                r = keep_all();
                r.other_days = 30;
            },
            31, "1 0 0 0 0 0 "},
        Row{"not a day earlier",
            [](RetentionRules& r) {
                r = keep_all();
                r.other_days = 30;
            },
            30, "0 0 0 0 0 0 "},
        Row{"unreadable",
            [](RetentionRules& r) {
                r = keep_all();
                r.unreadable_days = 30;
            },
            31, "1 0 0 0 0 0 "},
        Row{"originals of reports and re-sends",
            [](RetentionRules& r) {
                r = keep_all();
                r.originals_days = 30;
            },
            31, "4 0 0 0 0 0 "},
        Row{"originals of failure reports",
            [](RetentionRules& r) {
                r = keep_all();
                r.failure_originals_days = 30;
            },
            31, "1 0 0 0 0 0 "},
        Row{"failure reports",
            [](RetentionRules& r) {
                r = keep_all();
                r.failure_reports_days = 30;
            },
            31, "0 0 0 0 1 0 "},
        Row{"reports",
            [](RetentionRules& r) {
                r = keep_all();
                r.reports_days = 30;
            },
            31, "0 2 3 1 0 0 "},
        Row{"junk above the bound: other first",
            [](RetentionRules& r) {
                r = keep_all();
                r.max_other_bytes = 40;
            },
            0, "1 0 0 0 0 0 "},
        Row{"junk above the bound: then unreadable",
            [](RetentionRules& r) {
                r = keep_all();
                r.max_other_bytes = 1;
            },
            0, "2 0 0 0 0 0 "},
        Row{"everything",
            [](RetentionRules& r) {
                r.reports_days = r.originals_days = r.unreadable_days = r.failure_reports_days = 1;
                r.failure_originals_days = r.other_days = 1;
            },
            100, "8 3 4 1 1 0 "},
    };
    for (const auto& row : rows_) {
        SUBCASE(row.name) {
            const TempDir dir;
            Store store(dir.file("t.db"));
            add_one_of_each(store);
            const std::string daily = rows(store.database, "SELECT * FROM daily");
            const std::string sources = rows(store.database, "SELECT * FROM sources");
            const std::string failing = rows(store.database, "SELECT * FROM failing_sources");
            const std::string tls_failures =
                rows(store.database, "SELECT * FROM tls_failures_by_domain");
            RetentionRules rules;
            row.set(rules);
            const std::int64_t now = kReceived + row.days_later * kDay;
            CHECK(figures(plan_prune(store.database, rules, now)) == row.expected);
            CHECK(figures(prune_all(store.database, rules, now)) == row.expected);
            CHECK(figures(plan_prune(store.database, rules, now)) == "0 0 0 0 0 0 ");
            // Totals never shrink and stay what records and pruned sums say.
            CHECK(rows(store.database, "SELECT * FROM daily") == daily);
            CHECK(rows(store.database, "SELECT * FROM sources") == sources);
            CHECK(rows(store.database, "SELECT * FROM failing_sources") == failing);
            CHECK(rows(store.database, "SELECT * FROM tls_failures_by_domain") == tls_failures);
            CHECK(rows(store.database, "SELECT count(*) FROM messages") == "8\n");
            CHECK(rows(store.database, "SELECT count(*) FROM aggregate_reports") == "3\n");
            CHECK(problems(store.database) == "");
        }
    }
}

TEST_CASE("bytes that came several times go with the last message that has them") {
    struct Row {
        const char* name;
        void (*set)(RetentionRules&);
        int days_later;
        const char* action;
        const char* expected;  // originals that go, message_id of what is left, pruned messages
    };
    const auto other_days = [](RetentionRules& r) { r.other_days = 30; };
    const std::array rows_{
        Row{"none is due", other_days, 30, "", "0 1 of 3, 0 pruned"},
        Row{"one is due: the youngest keeps them", other_days, 31, "", "0 3 of 3, 1 pruned"},
        Row{"two are due", other_days, 41, "", "0 3 of 3, 2 pruned"},
        Row{"all are due", other_days, 51, "", "1  of 3, 3 pruned"},
        Row{"above the bound", [](RetentionRules& r) { r.max_other_bytes = 1; }, 0, "",
            "1  of 3, 3 pruned"},
        Row{"above the bound: a report keeps its own",
            [](RetentionRules& r) { r.max_other_bytes = 1; }, 0,
            "UPDATE messages SET outcome = 'report' WHERE id = 2", "0 2 of 3, 1 pruned"},
        Row{"a report is due: its unreadable copy does not keep them",
            [](RetentionRules& r) { r.originals_days = 30; }, 31,
            "UPDATE messages SET outcome = iif(id = 1, 'report', 'unreadable')",
            "1  of 3, 3 pruned"},
        Row{"the row is deleted", [](RetentionRules&) {}, 0, "DELETE FROM messages WHERE id = 1",
            "0 3 of 2, 0 pruned"},
        Row{"all rows are deleted", [](RetentionRules&) {}, 0, "DELETE FROM messages",
            "0  of 0, 0 pruned"},
        Row{"the rows of what is due are deleted", other_days, 41,
            "DELETE FROM messages WHERE id < 3", "0 3 of 1, 0 pruned"},
    };
    for (const auto& row : rows_) {
        SUBCASE(row.name) {
            const TempDir dir;
            Store store(dir.file("t.db"));
            for (const int day : {0, 10, 20}) {
                (void)store.add(compressed("junk", {}, day));
            }
            REQUIRE(rows(store.database, "SELECT message_id FROM originals") == "1\n");
            store.database.execute(row.action);
            RetentionRules rules = keep_all();
            row.set(rules);
            const std::int64_t now = kReceived + row.days_later * kDay;
            const auto planned = plan_prune(store.database, rules, now);
            const auto pruned = prune_all(store.database, rules, now);
            CHECK(planned.originals == pruned.originals);
            CHECK(planned.original_bytes == pruned.original_bytes);
            CHECK(std::to_string(pruned.originals) + " " +
                      rows(store.database,
                           "SELECT ifnull((SELECT message_id FROM originals), '') || ' of ' || "
                           "count(*) || ', ' || count(pruned_at) || ' pruned' FROM messages") ==
                  std::string(row.expected) + "\n");
            CHECK(problems(store.database) == "");
        }
    }
}

TEST_CASE("prune: junk that was understood since it was found keeps its original") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    for (int i = 0; i < 250; ++i) {
        (void)store.add(message("spam " + std::to_string(i), {}));
    }
    RetentionRules rules = keep_all();
    rules.max_other_bytes = 1;
    Pruner pruner(store.database, rules, kReceived);
    PruneResult result;
    REQUIRE(pruner.step(result));
    CHECK(store.database.integer("SELECT count(*) FROM originals") == 150);
    store.database.execute("UPDATE messages SET outcome = 'report' WHERE id = 200");
    while (pruner.step(result)) {
    }
    CHECK(rows(store.database, "SELECT message_id FROM originals") == "200\n");
    CHECK(store.database.integer("SELECT count(*) FROM messages WHERE pruned_at IS NULL") == 1);
    CHECK(result.originals == 249);
}

TEST_CASE("a pruned report is still known and keeps no personal data of samples") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    add_one_of_each(store);
    RetentionRules rules;
    rules.reports_days = rules.failure_reports_days = 1;
    (void)prune_all(store.database, rules, kReceived + 100 * kDay);
    const auto again = store.add(
        compressed("later", {report("Other", "2", {record("192.0.2.1", 5, "dkim")}, 40)}, 100));
    CHECK(again.outcome == Outcome::duplicate);
    CHECK(rows(store.database, "SELECT count(*) FROM failure_headers") == "0\n");
    CHECK(rows(store.database,
               "SELECT source_ip, original_rcpt_to, sample_from, sample_subject, pruned_at > 0 "
               "FROM failure_reports") == "203.0.113.201||||1\n");
    CHECK(problems(store.database) == "");
    CHECK(rebuild(store.database).totals == 0);
    CHECK(rows(store.database, "SELECT sum(messages) FROM day_totals") == "18\n");
    // What was pruned and counts goes on counting when its message is read again.
    (void)store.replace(
        1, compressed("a", {report("Reporter", "1", {record("192.0.2.1", 12, "dkim")})}));
    (void)rebuild(store.database);
    CHECK(rows(store.database, "SELECT sum(messages) FROM day_totals") == "18\n");
    CHECK(problems(store.database) == "");
}

TEST_CASE("after failure_reports_days no address stands anywhere but in an original that is kept") {
    struct Row {
        const char* name;
        const char* delivery_result;
        const char* left;  // of the report: delivery_result, reporting_mta
    };
    const std::array rows_{
        Row{"token of the RFC", "reject", "reject|mx.reporter.example\n"},
        Row{"odd value", "odd for alice@victim.example", "|mx.reporter.example\n"},
    };
    constexpr std::string_view kText =
        "SELECT m.subject FROM messages m WHERE m.subject LIKE '%alice%' UNION ALL "
        "SELECT detail FROM findings WHERE detail LIKE '%alice%' UNION ALL "
        "SELECT coalesce(auth_failure, '') || ' ' || coalesce(delivery_result, '') || ' ' || "
        "coalesce(identity_alignment, '') || ' ' || coalesce(user_agent, '') AS words "
        "FROM failure_reports WHERE words LIKE '%alice%'";
    for (const auto& row : rows_) {
        CAPTURE(std::string(row.name));
        const TempDir dir;
        Store store(dir.file("t.db"));
        auto report = failure_report();
        report.delivery_result = row.delivery_result;
        report.auth_failure = "dmarc for alice@victim.example";
        report.identity_alignment = "none of alice@victim.example";
        report.user_agent = "alice@victim.example";
        report.reporting_mta = "mx.reporter.example";
        report.findings.push_back({{"odd_auth_failure", "failure", false}, {}, "alice@victim"});
        auto mail = compressed("FW: for alice@victim.example", {report});
        mail.findings.push_back({{"odd_header", "mime", false}, {}, "alice@victim.example"});
        auto again = compressed("FW: again for alice@victim.example", {report});
        again.receipt.message_id = mail.receipt.message_id;
        (void)store.add(mail);
        (void)store.add(again);
        auto other = compressed("of alice", {});
        (void)store.add(other);
        REQUIRE(rows(store.database, kText) != "");
        RetentionRules rules = keep_all();
        rules.failure_reports_days = 30;
        const std::int64_t now = kReceived + 31 * kDay;
        CHECK(figures(prune_all(store.database, rules, now)) == "0 0 0 0 1 0 ");
        CHECK(rows(store.database, kText) == "Report domain: of alice\n");
        CHECK(rows(store.database, "SELECT delivery_result, reporting_mta FROM failure_reports") ==
              row.left);
        CHECK(sample_forgotten(store.database, 1));
        CHECK(sample_forgotten(store.database, 2));
        CHECK_FALSE(sample_forgotten(store.database, 3));
        CHECK(problems(store.database) == "");
        // A re-send that comes later tells nothing either.
        auto late = compressed("FW: late for alice@victim.example", {report});
        late.receipt.message_id = mail.receipt.message_id;
        CHECK(store.add(late).outcome == Outcome::duplicate);
        // The original is kept longer here, and reading it again brings nothing back.
        CHECK_FALSE(store.replace(1, mail).changed());
        CHECK_FALSE(store.replace(2, again).changed());
        CHECK(rows(store.database, kText) == "Report domain: of alice\n");
    }
}

TEST_CASE("a pruned TLS report goes on counting beside an earlier one that is read late") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    auto unreadable = message("early", {});
    unreadable.outcome = Outcome::unreadable;
    (void)store.add(unreadable);
    (void)store.add(message("late", {tls_report()}));
    const auto view = [&] { return rows(store.database, "SELECT * FROM tls_failures_by_domain"); };
    const std::string before = view();
    RetentionRules rules = keep_all();
    rules.reports_days = 1;
    (void)prune_all(store.database, rules, kReceived + 100 * kDay);
    auto other = tls_report();
    other.policies.back().success_count = 7;
    other.content_sha256 = schema::content_hash(other);
    (void)store.replace(1, message("early", {other}));
    CHECK(rows(store.database,
               "SELECT message_id, conflict, counted FROM tls_reports ORDER BY message_id") ==
          "1|1|0\n2|1|1\n");
    CHECK(view() == before);
    CHECK(problems(store.database) == "");
}

TEST_CASE("a TLS report of a forged range moves no date of the failures, pruned or not") {
    struct Row {
        const char* name;
        std::int64_t begin;
        std::int64_t end;
    };
    const std::array rows_{
        Row{"year 2001 to 2099", 978307200, 4070908800},
        Row{"year 2001", 978307200, 978307200 + kDay},
        Row{"backwards", kBegin + kDay, kBegin - 9 * kDay},
        Row{"ends a year later", kBegin, kBegin + 365 * kDay},
    };
    for (const auto& row : rows_) {
        CAPTURE(std::string(row.name));
        const TempDir dir;
        Store store(dir.file("t.db"));
        (void)store.add(message("good", {tls_report()}));
        auto forged = tls_report();
        forged.report_id = "forged";
        forged.begin_at = row.begin;
        forged.end_at = row.end;
        forged.content_sha256 = schema::content_hash(forged);
        (void)store.add(message("forged", {forged}));
        const std::string range =
            std::to_string(kBegin) + "|" + std::to_string(kBegin + kDay - 1) + "\n";
        const auto view = [&] {
            return rows(store.database,
                        "SELECT result_type, sessions, first_seen_at, last_seen_at "
                        "FROM tls_failures_by_domain");
        };
        const std::string expected = "certificate-expired|6|" + range + "(no details)|4|" + range;
        CHECK(view() == expected);
        RetentionRules rules = keep_all();
        rules.reports_days = 1;
        CHECK(prune_all(store.database, rules, kReceived + 100 * kDay).tls_reports == 2);
        CHECK(view() == expected);
    }
}

TEST_CASE("freed space goes back to the file system") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    for (int i = 0; i < 400; ++i) {
        auto junk = message("junk " + std::to_string(i), {});
        junk.original.content.assign(100'000, 'x');
        (void)store.add(junk);
    }
    (void)store.database.checkpoint(Database::Checkpoint::truncate);
    const auto before = std::filesystem::file_size(dir.file("t.db"));
    (void)prune_all(store.database, RetentionRules{}, kReceived + 31 * kDay);
    (void)store.database.checkpoint(Database::Checkpoint::truncate);
    CHECK(std::filesystem::file_size(dir.file("t.db")) < before / 2);
}
