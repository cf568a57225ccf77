#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stop_token>
#include <thread>
#include <tuple>

#include "schema/content_hash.hpp"
#include "schema/evidence.hpp"
#include "storage/backup.hpp"
#include "storage/merge.hpp"
#include "storage/originals.hpp"
#include "storage/refusals.hpp"
#include "storage/retention.hpp"
#include "storage/serve_lock.hpp"
#include "storage/settings.hpp"
#include "storage/verify.hpp"
#include "support.hpp"

using namespace dmarcbox;
using namespace dmarcbox::storage;
using namespace dmarcbox::storage::test;

namespace {

schema::FailureReport failure() {
    schema::FailureReport made;
    made.feedback_type = "auth-failure";
    made.reported_domain = "example.org";
    made.source_ip = "203.0.113.201";
    made.arrived_at = kBegin;
    made.original_rcpt_to = "someone@reporter.example";
    made.sample_from = "ceo@example.org";
    made.sample_subject = "invoice";
    made.fields.push_back({"Source-IP", "203.0.113.201", " 203.0.113.201"});
    made.headers.push_back({"Received", "from a by b", " from a\r\n by b"});
    made.content_sha256 = digest_of("failure");
    return made;
}

schema::TlsReport tls() {
    schema::TlsReport made;
    made.org_name = "Reporter";
    made.report_id = "t1";
    made.begin_at = kBegin;
    made.end_at = kBegin + kDay - 1;
    made.policies.push_back({"sts", "example.org", {}, {}, 100, 5, {}});
    made.policies.back().failures.push_back(
        {"certificate-expired", "192.0.2.1", "mx.example.org", {}, {}, 3, {}, {}});
    made.content_sha256 = schema::content_hash(made);
    return made;
}

Submission compressed(std::string_view name, std::vector<schema::Report> reports, int day = 0) {
    auto made = message(name, std::move(reports), day);
    const std::string bytes = std::string(name) + std::string(1000, '.');
    made.receipt.sha256 = digest_of(bytes);
    made.original.sha256 = made.receipt.sha256;
    made.original.size = static_cast<std::int64_t>(bytes.size());
    made.original.content = compress_original(bytes);
    return made;
}

void fill(Store& store) {
    (void)store.add(compressed(
        "a", {report("Reporter", "1",
                     {record("192.0.2.1", 10, "dkim"), record("203.0.113.7", 3, "nothing")})}));
    (void)store.add(compressed("a again", {report("Reporter", "1",
                                                  {record("192.0.2.1", 10, "dkim"),
                                                   record("203.0.113.7", 3, "nothing")})}));
    (void)store.add(
        compressed("conflict", {report("Reporter", "1", {record("192.0.2.1", 11, "dkim")})}));
    (void)store.add(compressed("failure", {failure()}));
    (void)store.add(compressed("tls", {tls()}));
    auto broken = compressed("broken", {});
    broken.outcome = Outcome::unreadable;
    broken.detail = "xml_broken";
    broken.findings.push_back({{"xml_broken", "xml", true}, "2", "ends early"});
    (void)store.add(broken);
    (void)store.add(compressed("spam", {}));
    (void)store.add(
        compressed("b", {report("Other", "2", {record("192.0.2.1", 5, "dkim")}, 40)}, 40));
}

PruneResult prune(Database& database, const RetentionRules& rules, std::int64_t now) {
    PruneResult result;
    Pruner pruner(database, rules, now);
    for (int i = 0; i < 1000 && pruner.step(result); ++i) {
    }
    return result;
}

std::string text(const PruneResult& r) {
    std::string line;
    for (const auto value : {r.originals, r.aggregate_reports, r.aggregate_records, r.tls_reports,
                             r.failure_reports, r.refusal_days}) {
        line += std::to_string(value) + " ";
    }
    return line;
}

std::string problems(Database& database) {
    std::string lines;
    for (const auto& line : verify(database, {}).problems) {
        lines += line + '\n';
    }
    return lines;
}

RetentionRules keep_all() {
    RetentionRules rules;
    rules.originals_days = rules.unreadable_days = rules.failure_originals_days = 0;
    rules.failure_reports_days = rules.other_days = rules.reports_days = 0;
    rules.max_other_bytes = 0;
    return rules;
}

}  // namespace

TEST_CASE("an original comes back as received") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    (void)store.add(compressed("long", {}));
    (void)store.add(compressed("long", {}));  // same bytes: kept with message 1
    (void)store.add(message("short", {}));    // stored plain
    CHECK(load_original(store.database, 1)->bytes == "long" + std::string(1000, '.'));
    CHECK(load_original(store.database, 2)->bytes == "long" + std::string(1000, '.'));
    CHECK(load_original(store.database, 3)->bytes == "short");
    CHECK(load_original(store.database, 9).error().code == OriginalError::Code::no_message);
    store.database.execute("DELETE FROM originals WHERE message_id = 3");
    CHECK(load_original(store.database, 3).error().code == OriginalError::Code::not_kept);
    store.database.execute("UPDATE originals SET content = x'00', size = 5");
    CHECK(load_original(store.database, 1).error().code == OriginalError::Code::corrupt);
    store.database.execute("UPDATE originals SET content = x'0011223344', size = 5");
    CHECK(load_original(store.database, 1).error().code == OriginalError::Code::corrupt);
    store.database.execute("UPDATE originals SET size = 1000000000000");
    CHECK(load_original(store.database, 1).error().code == OriginalError::Code::corrupt);
}

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
            fill(store);
            const std::string daily = rows(store.database, "SELECT * FROM daily");
            const std::string sources = rows(store.database, "SELECT * FROM sources");
            const std::string failing = rows(store.database, "SELECT * FROM failing_sources");
            const std::string tls_failures =
                rows(store.database, "SELECT * FROM tls_failures_by_domain");
            RetentionRules rules;
            row.set(rules);
            const std::int64_t now = kReceived + row.days_later * kDay;
            CHECK(text(plan_prune(store.database, rules, now)) == row.expected);
            CHECK(text(prune(store.database, rules, now)) == row.expected);
            CHECK(text(plan_prune(store.database, rules, now)) == "0 0 0 0 0 0 ");
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
            const auto pruned = prune(store.database, rules, now);
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
    fill(store);
    RetentionRules rules;
    rules.reports_days = rules.failure_reports_days = 1;
    (void)prune(store.database, rules, kReceived + 100 * kDay);
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
        auto report = failure();
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
        CHECK(text(prune(store.database, rules, now)) == "0 0 0 0 1 0 ");
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
    (void)store.add(message("late", {tls()}));
    const auto view = [&] { return rows(store.database, "SELECT * FROM tls_failures_by_domain"); };
    const std::string before = view();
    RetentionRules rules = keep_all();
    rules.reports_days = 1;
    (void)prune(store.database, rules, kReceived + 100 * kDay);
    auto other = tls();
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
        (void)store.add(message("good", {tls()}));
        auto forged = tls();
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
        CHECK(prune(store.database, rules, kReceived + 100 * kDay).tls_reports == 2);
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
    (void)prune(store.database, RetentionRules{}, kReceived + 31 * kDay);
    (void)store.database.checkpoint(Database::Checkpoint::truncate);
    CHECK(std::filesystem::file_size(dir.file("t.db")) < before / 2);
}

TEST_CASE("a backup is verified and complete and replaces the old one at once") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    fill(store);
    const auto file = dir.file("backup.db");
    Database source(dir.file("t.db"), Database::Mode::read_only);
    CHECK(back_up(source, file).messages == 8);
    (void)store.add(message("later", {}));
    const auto result = back_up(source, file);
    CHECK(result.messages == 9);
    CHECK(result.records == 4);
    CHECK(result.bytes == std::filesystem::file_size(file));
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    CHECK((status.st_mode & 07137U) == 0);
    Database copy(file, Database::Mode::read_only);
    CHECK(rows(copy, "PRAGMA journal_mode") == "delete\n");
    CHECK(rows(copy, "SELECT * FROM sources") == rows(store.database, "SELECT * FROM sources"));
    CHECK(problems(copy) == "");
    CHECK_FALSE(std::filesystem::exists(dir.file("backup.db.part")));
    CHECK_THROWS_AS(back_up(source, dir.file("no/such/folder.db")), DatabaseError);
}

TEST_CASE("a backup of a corrupt database leaves the old one") {
    const TempDir dir;
    {
        Writer writer(dir.file("t.db"), {});
        (void)writer.submit(
            message("a", {report("Reporter", "1", {record("192.0.2.1", 10, "dkim")})}), {});
        writer.stop();
    }
    {
        std::fstream out(dir.file("t.db"), std::ios::in | std::ios::out | std::ios::binary);
        out.seekp(static_cast<std::streamoff>(std::filesystem::file_size(dir.file("t.db"))) -
                  8192 * 3);
        out << std::string(8192, '\x5a');
    }
    const auto file = dir.file("backup.db");
    { const Store older(file); }
    const auto bytes = std::filesystem::file_size(file);
    Database source(dir.file("t.db"), Database::Mode::read_only);
    CHECK_THROWS_AS(back_up(source, file), DatabaseError);
    CHECK(std::filesystem::file_size(file) == bytes);
    CHECK_FALSE(std::filesystem::exists(dir.file("backup.db.part")));
    CHECK(problems(source).find("integrity: ") != std::string::npos);
}

TEST_CASE("verify names what is wrong") {
    struct Row {
        const char* name;
        const char* damage;
        const char* expected;
    };
    const std::array rows_{
        Row{"nothing", "SELECT 1", ""},
        Row{"an original that changed",
            "UPDATE originals SET sha256 = zeroblob(32) WHERE message_id = 1",
            "original of message 1: does not have its SHA-256\n"},
        Row{"an original that does not uncompress",
            "UPDATE originals SET content = x'0102' WHERE message_id = 1",
            "original of message 1: does not uncompress to 1001 bytes\n"},
        Row{"a child without parent",
            "PRAGMA foreign_keys = OFF; DELETE FROM messages WHERE id = 5",
            "foreign key: a row of tls_reports has no row in messages\n"
            "foreign key: a row of originals has no row in messages\n"},
        Row{"a total", "UPDATE day_totals SET passed = 9 WHERE day = '2026-11-21'",
            "day_totals: 1 row not as the records say, first: example.org 2026-11-21 13\n"
            "day_totals: 1 row missing, first: example.org 2026-11-21 13\n"},
        Row{"flags of a conflict", "UPDATE aggregate_reports SET conflict = 0 WHERE id = 1",
            "aggregate_reports 1: counted is 1 and conflict 0, by its identity they are 1 and 1; "
            "`dmarcbox verify --rebuild` sets them\n"},
        Row{"an original that is gone", "DELETE FROM originals WHERE message_id = 1",
            "original of message 1: is missing, and retention did not remove it\n"},
        Row{"another mail's original", "UPDATE messages SET sha256 = zeroblob(32) WHERE id = 1",
            "original of message 1: is not what was received: messages.sha256 is another\n"},
        Row{"a sum of a report", "UPDATE aggregate_reports SET message_count = 999 WHERE id = 1",
            "aggregate_reports 1: says 999 messages in 2 records, has 13 in 2; `dmarcbox reprocess "
            "--all` reads its message again\n"},
        Row{"rows of a report",
            "UPDATE aggregate_records SET envelope_to = 'x.example' WHERE id = 1",
            "aggregate_reports 1: its rows are not those of content_sha256; `dmarcbox reprocess "
            "--all` reads its message again\n"},
        Row{"rows of a TLS report", "UPDATE tls_policies SET success_count = 99",
            "tls_reports 1: its rows are not those of content_sha256; `dmarcbox reprocess --all` "
            "reads its message again\n"},
    };
    for (const auto& row : rows_) {
        SUBCASE(row.name) {
            const TempDir dir;
            Store store(dir.file("t.db"));
            fill(store);
            store.database.execute(row.damage);
            CHECK(problems(store.database) == row.expected);
        }
    }
}

TEST_CASE("verify finds what rebuild mends") {
    struct Row {
        const char* name;
        const char* damage;
        const char* found;
    };
    const std::array rows_{
        Row{"the other report of a conflict counts",
            "UPDATE aggregate_reports SET counted = 1 - counted WHERE conflict = 1",
            "by its identity they are"},
        Row{"a lone report does not count", "UPDATE aggregate_reports SET counted = 0 WHERE id = 1",
            "aggregate_reports 1: counted is 0"},
        Row{"passing keys", "DELETE FROM passing_keys", "missing in passing_keys"},
        Row{"cosigners", "DELETE FROM cosigners", "cosigners: 1 row missing"},
        Row{"totals", "DELETE FROM source_totals", "source_totals: "},
    };
    for (const auto& row : rows_) {
        CAPTURE(std::string(row.name));
        const TempDir dir;
        Store store(dir.file("t.db"));
        auto signer = record("192.0.2.7", 4, "dkim");
        signer.dkim = "pass";
        signer.dkim_results = {{"example.org", "s1", "pass", {}}, {"esp.example", "e", "pass", {}}};
        auto signed_report = report("Signer", "9", {signer});
        schema::classify_records(signed_report);
        hash(signed_report);
        (void)store.add(message("signed", {signed_report}));
        (void)store.add(message("1", {report("Reporter", "1", {record("192.0.2.1", 10, "dkim")})}));
        (void)store.add(message("2", {report("Reporter", "1", {record("192.0.2.1", 12, "dkim")})}));
        const auto good = rows(store.database, "SELECT * FROM sources");
        REQUIRE(rows(store.database, "SELECT count(*) FROM cosigners") == "1\n");
        CHECK(problems(store.database) == "");
        store.database.execute(row.damage);
        CHECK(problems(store.database).find(row.found) != std::string::npos);
        (void)rebuild(store.database);
        CHECK(problems(store.database) == "");
        CHECK(rows(store.database, "SELECT * FROM sources") == good);
    }
}

TEST_CASE("others write while totals are made again") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    for (int i = 0; i < 20; ++i) {
        const std::string domain = "d" + std::to_string(i) + ".example";
        (void)store.add(message(
            domain,
            {report("Reporter", domain, {record("192.0.2.1", 1, "dkim", domain)}, 0, domain)}));
    }
    std::atomic<int> written = 0;
    std::jthread other([&](const std::stop_token& stop) {
        Store second(dir.file("t.db"));
        for (int i = 0; !stop.stop_requested() || i < 3; ++i) {
            const std::string id = "new " + std::to_string(i);
            (void)second.add(message(id, {report("Other", id, {record("192.0.2.2", 1, "dkim")})}));
            ++written;
            // Without a gap between its transactions whoever waits for the lock may wait for ever.
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
    });
    while (written == 0) {
        std::this_thread::yield();
    }
    for (int round = 0; round < 5; ++round) {
        store.database.execute("DELETE FROM source_totals WHERE domain LIKE 'd%.example'");
        CHECK(rebuild(store.database).totals > 0);
    }
    other.request_stop();
    other.join();
    CHECK(problems(store.database) == "");
    CHECK(rows(store.database, "SELECT sum(messages) FROM source_totals WHERE domain LIKE 'd%'") ==
          "20\n");
}

TEST_CASE("another database is merged with identity kept") {
    const TempDir dir;
    Store theirs(dir.file("theirs.db"));
    fill(theirs);
    theirs.database.execute(
        "DELETE FROM originals WHERE message_id IN (1, 5);"
        "UPDATE messages SET pruned_at = 4711 WHERE id IN (1, 5)");
    Store ours(dir.file("ours.db"));
    (void)ours.add(
        compressed("own", {report("Other", "2", {record("192.0.2.1", 5, "dkim")}, 40)}, 40));
    for (int round = 0; round < 2; ++round) {
        MergeSource source(dir.file("theirs.db"));
        CHECK(source.messages() == 8);
        while (auto message = source.next()) {
            CHECK_FALSE(message->bytes.has_value());
            (void)ours.add(std::move(message->submission));
        }
        CHECK(source.pruned_reports() == 0);
    }
    CHECK(rows(ours.database, "SELECT id, outcome, duplicate_of, detail FROM messages") ==
          "1|report||\n2|report||\n3|duplicate|2|\n4|report||\n5|report||\n6|report||\n"
          "7|unreadable||xml_broken\n8|other||\n9|duplicate|1|\n");
    CHECK(rows(ours.database, "SELECT id FROM messages WHERE pruned_at = 4711") == "2\n6\n");
    CHECK(rows(ours.database, "SELECT message_id FROM originals") == "1\n3\n4\n5\n7\n8\n9\n");
    CHECK(rows(ours.database, "SELECT * FROM failing_sources") ==
          rows(theirs.database, "SELECT * FROM failing_sources"));
    CHECK(rows(ours.database, "SELECT message_id, code FROM problems ORDER BY 1") ==
          "2|conflict\n4|conflict\n7|xml_broken\n");
    CHECK(rows(ours.database, "SELECT count(*) FROM failure_headers") == "1\n");
    CHECK(problems(ours.database) == "");
}

TEST_CASE("a merge brings the bytes that a younger message keeps") {
    struct Row {
        const char* name;
        const char* action;
        int days_later;
    };
    const std::array rows_{
        Row{"kept with the first", "", 0},
        Row{"the first is due", "", 31},
        Row{"the row of the first is deleted", "DELETE FROM messages WHERE id = 1", 0},
    };
    for (const auto& row : rows_) {
        CAPTURE(std::string(row.name));
        const TempDir dir;
        Store theirs(dir.file("theirs.db"));
        for (const int day : {0, 10, 20}) {
            (void)theirs.add(compressed("junk", {}, day));
        }
        theirs.database.execute(row.action);
        RetentionRules rules = keep_all();
        rules.other_days = 30;
        (void)prune(theirs.database, rules, kReceived + row.days_later * kDay);
        Store ours(dir.file("ours.db"));
        MergeSource source(dir.file("theirs.db"));
        while (auto message = source.next()) {
            (void)ours.add(std::move(message->submission));
        }
        CHECK(load_original(ours.database, 1).has_value());
        CHECK(problems(ours.database) == "");
    }
}

TEST_CASE("one database has one serve") {
    const TempDir dir;
    const auto database = dir.file("t.db");
    {
        const ServeLock lock(database);
        try {
            const ServeLock second(database);
            FAIL("taken twice");
        } catch (const DatabaseError& error) {
            CHECK(std::string(error.what()) == database.string() + ": is served by process " +
                                                   std::to_string(::getpid()) + " already");
        }
        CHECK(std::filesystem::exists(dir.file("t.db.lock")));
    }
    CHECK_FALSE(std::filesystem::exists(dir.file("t.db.lock")));
    std::ofstream(dir.file("t.db.lock")) << "4711\n";  // left by a crash
    const ServeLock again(database);
    CHECK_THROWS_AS(ServeLock(dir.file("no/such.db")), DatabaseError);
}

TEST_CASE("refusals are counted by day and reason and domain with a cap") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    const std::array some{Refusal{"unknown_recipient", "example.org", 2},
                          Refusal{"too_large", "", 1}};
    add_refusals(store.database, some, kBegin);
    add_refusals(store.database, some, kBegin + 5);
    add_refusals(store.database, some, kBegin + kDay);
    CHECK(rows(store.database,
               "SELECT day, reason, domain, count FROM refusals ORDER BY day, reason") ==
          "2026-11-21|too_large||2\n2026-11-21|unknown_recipient|example.org|4\n"
          "2026-11-22|too_large||1\n2026-11-22|unknown_recipient|example.org|2\n");
    std::vector<Refusal> attack;
    for (int i = 0; i < 1500; ++i) {
        attack.push_back({"unknown_domain", "d" + std::to_string(i) + ".example", 1});
    }
    add_refusals(store.database, attack, kBegin);
    add_refusals(store.database, attack, kBegin);
    CHECK(rows(store.database,
               "SELECT count(*), sum(count) FROM refusals WHERE day = "
               "'2026-11-21'") == "1001|3006\n");
    CHECK(text(prune(store.database, keep_all(), kBegin + 402 * kDay)) == "0 0 0 0 0 2 ");
}

TEST_CASE("settings and the key of this database") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    CHECK_FALSE(load_setting(store.database, "check").has_value());
    store_setting(store.database, "check", "1");
    store_setting(store.database, "check", "2");
    CHECK(load_setting(store.database, "check") == "2");
    const std::string key = redaction_key(store.database);
    CHECK(key.size() == 64);
    CHECK(redaction_key(store.database) == key);
}
