#include <doctest/doctest.h>

#include <array>

#include "schema/content_hash.hpp"
#include "storage/merge.hpp"
#include "support.hpp"

using namespace dmarcbox;
using namespace dmarcbox::storage;
using namespace dmarcbox::storage::test;

namespace {

constexpr std::string_view kMessages = "SELECT id, outcome, duplicate_of FROM messages ORDER BY id";
constexpr std::string_view kReports =
    "SELECT message_id, position, conflict, counted FROM aggregate_reports "
    "ORDER BY message_id, position";
constexpr std::string_view kTotal = "SELECT sum(messages) FROM day_totals";

std::vector<schema::AggregateRecord> records(std::int64_t count) {
    return {record("192.0.2.25", count, "dkim+spf")};
}

schema::TlsReport tls(std::string id, std::vector<std::string> domains, std::int64_t failed) {
    schema::TlsReport report;
    report.org_name = "Reporter";
    report.report_id = std::move(id);
    report.begin_at = kBegin;
    report.end_at = kBegin + kDay - 1;
    for (auto& domain : domains) {
        schema::TlsPolicy policy;
        policy.policy_type = "sts";
        policy.policy_domain = std::move(domain);
        policy.failure_count = failed;
        policy.failures.push_back(
            {"certificate-expired", "192.0.2.1", "mx.example.org", {}, {}, failed, {}, {}});
        report.policies.push_back(std::move(policy));
    }
    report.content_sha256 = schema::content_hash(report);
    return report;
}

schema::FailureReport failure(std::string_view content) {
    schema::FailureReport report;
    report.feedback_type = "auth-failure";
    report.reported_domain = "example.org";
    report.source_ip = "203.0.113.201";
    report.arrived_at = kBegin;
    report.fields.push_back({"Feedback-Type", "auth-failure", " auth-failure"});
    report.headers.push_back({"Subject", "hello", " hello"});
    report.content_sha256 = digest_of(content);
    return report;
}

}  // namespace

TEST_CASE("aggregate identity decides re-send or conflict or another report") {
    struct Row {
        const char* name;
        void (*change)(schema::AggregateReport&);
        const char* messages;
        const char* reports;
        const char* total;
    };
    using Report = schema::AggregateReport;
    const auto keep = [](Report&) {};
    const std::array rows_{
        Row{"the same report again is a duplicate", keep, "1|report|\n2|duplicate|1\n", "1|1|0|1\n",
            "5\n"},
        Row{"contact and generator are no content",
            [](Report& r) {
                r.org_email = "other@reporter.example";
                r.generator = "new release";
            },
            "1|report|\n2|duplicate|1\n", "1|1|0|1\n", "5\n"},
        Row{"other content is a conflict and only the first counts",
            [](Report& r) { r.records[0].count = 6; }, "1|report|\n2|report|\n",
            "1|1|1|1\n2|1|1|0\n", "5\n"},
        Row{"another policy is other content", [](Report& r) { r.p = "reject"; },
            "1|report|\n2|report|\n", "1|1|1|1\n2|1|1|0\n", "5\n"},
        Row{"another reporter with the same report id", [](Report& r) { r.org_name = "Other"; },
            "1|report|\n2|report|\n", "1|1|0|1\n2|1|0|1\n", "10\n"},
        Row{"another end", [](Report& r) { *r.end_at += 1; }, "1|report|\n2|report|\n",
            "1|1|0|1\n2|1|0|1\n", "10\n"},
        Row{"another begin", [](Report& r) { *r.begin_at += 60; }, "1|report|\n2|report|\n",
            "1|1|0|1\n2|1|0|1\n", "10\n"},
        Row{"another domain", [](Report& r) { r.domain = "example.net"; }, "1|report|\n2|report|\n",
            "1|1|0|1\n2|1|0|1\n", "10\n"},
        Row{"another report id", [](Report& r) { r.report_id = "2"; }, "1|report|\n2|report|\n",
            "1|1|0|1\n2|1|0|1\n", "10\n"},
    };
    for (const auto& row : rows_) {
        SUBCASE(row.name) {
            const TempDir dir;
            Store store(dir.file("t.db"));
            auto first = report("Reporter", "1", records(5));
            auto second = first;
            row.change(second);
            hash(second);
            (void)store.add(message("first", {first}));
            (void)store.add(message("second", {second}));
            CHECK(rows(store.database, kMessages) == row.messages);
            CHECK(rows(store.database, kReports) == row.reports);
            CHECK(rows(store.database, kTotal) == row.total);
        }
    }
}

TEST_CASE("absent parts of an identity compare equal") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    auto first = report("", "1", records(5));
    first.end_at.reset();
    hash(first);
    auto second = first;
    second.records[0].count = 7;
    hash(second);
    (void)store.add(message("first", {first}));
    (void)store.add(message("again", {first}));
    (void)store.add(message("second", {second}));
    CHECK(rows(store.database, kMessages) == "1|report|\n2|duplicate|1\n3|report|\n");
    CHECK(rows(store.database, kReports) == "1|1|1|1\n3|1|1|0\n");
}

TEST_CASE("without report id the content alone is the identity") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    auto first = report("Reporter", "", records(5));
    auto second = report("Reporter", "", records(6));
    (void)store.add(message("first", {first}));
    (void)store.add(message("again", {first}));
    (void)store.add(message("second", {second}));
    CHECK(rows(store.database, kMessages) == "1|report|\n2|duplicate|1\n3|report|\n");
    CHECK(rows(store.database, kReports) == "1|1|0|1\n3|1|0|1\n");
    CHECK(rows(store.database, kTotal) == "11\n");
}

TEST_CASE("a third of the same identity joins the conflict and a re-send of any is a duplicate") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    (void)store.add(message("a", {report("Reporter", "1", records(5))}));
    (void)store.add(message("b", {report("Reporter", "1", records(6))}));
    (void)store.add(message("c", {report("Reporter", "1", records(7))}));
    const auto again = store.add(message("b again", {report("Reporter", "1", records(6))}));
    CHECK(again.outcome == Outcome::duplicate);
    CHECK(rows(store.database, kMessages) == "1|report|\n2|report|\n3|report|\n4|duplicate|2\n");
    CHECK(rows(store.database, kReports) == "1|1|1|1\n2|1|1|0\n3|1|1|0\n");
    CHECK(rows(store.database, kTotal) == "5\n");
    CHECK(
        rows(store.database, "SELECT message_id, code, detail FROM problems ORDER BY message_id") ==
        "1|conflict|aggregate report 1 of Reporter for example.org, counted\n"
        "2|conflict|aggregate report 1 of Reporter for example.org, not counted\n"
        "3|conflict|aggregate report 1 of Reporter for example.org, not counted\n");
}

TEST_CASE("TLS identity has the set of policy domains in any order") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    (void)store.add(message("a", {tls("1", {"example.org", "example.net"}, 3)}));
    (void)store.add(message("b", {tls("1", {"example.org", "example.net"}, 3)}));
    (void)store.add(message("c", {tls("1", {"example.net", "example.org"}, 4)}));
    (void)store.add(message("d", {tls("1", {"example.org"}, 3)}));
    CHECK(rows(store.database, kMessages) == "1|report|\n2|duplicate|1\n3|report|\n4|report|\n");
    CHECK(rows(store.database,
               "SELECT message_id, conflict, counted, policy_domains FROM tls_reports") ==
          "1|1|1|example.net example.org\n3|1|0|example.net example.org\n4|0|1|example.org\n");
    CHECK(rows(store.database,
               "SELECT policy_domain, result_type, sessions, reporters "
               "FROM tls_failures_by_domain") ==
          "example.org|certificate-expired|6|1\nexample.net|certificate-expired|3|1\n");
}

TEST_CASE("failure reports are known by Message-ID and content") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    auto first = message("a", {failure("x")});
    auto again = message("a again", {failure("x")});
    again.receipt.message_id = first.receipt.message_id;
    auto without = message("c", {failure("x")});
    without.receipt.message_id.clear();
    auto without_again = message("d", {failure("x")});
    without_again.receipt.message_id.clear();
    (void)store.add(first);
    (void)store.add(again);
    (void)store.add(message("b", {failure("x")}));
    (void)store.add(without);
    (void)store.add(without_again);
    CHECK(rows(store.database, kMessages) ==
          "1|report|\n2|duplicate|1\n3|report|\n4|report|\n5|duplicate|4\n");
}

TEST_CASE("outcome of a message with several parts") {
    const schema::FindingCode broken{"xml_broken", "xml", true};
    const auto known = report("Reporter", "1", records(5));
    const auto fresh = report("Reporter", "2", records(5));
    struct Row {
        const char* name;
        std::vector<schema::Report> reports;
        bool fault;
        const char* expected;
    };
    const std::array rows_{
        Row{"one known and one new is a report", {known, fresh}, false, "2|report|\n"},
        Row{"all known is a duplicate", {known}, false, "2|duplicate|1\n"},
        Row{"known beside a broken part is unreadable",
            {known},
            true,
            "2|unreadable|xml_broken: ends early\n"},
        Row{"new beside a broken part is a report", {fresh}, true, "2|report|\n"},
        Row{"the same twice in one message is stored once", {fresh, fresh}, false, "2|report|\n"},
    };
    for (const auto& row : rows_) {
        SUBCASE(row.name) {
            const TempDir dir;
            Store store(dir.file("t.db"));
            (void)store.add(message("first", {known}));
            auto second = message("second", row.reports);
            if (row.fault) {
                second.findings.push_back({broken, "2", "ends early"});
            }
            (void)store.add(std::move(second));
            CHECK(rows(store.database,
                       "SELECT id, outcome, ifnull(duplicate_of, detail) FROM messages WHERE id = "
                       "2") == row.expected);
            CHECK(rows(store.database,
                       "SELECT count(*) FROM problems WHERE message_id = 2 AND code = "
                       "'xml_broken'") == (row.fault ? "1\n" : "0\n"));
        }
    }
}

TEST_CASE("identical bytes are kept once and from a file make no row") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    (void)store.add(message("same", {report("Reporter", "1", records(5))}));
    (void)store.add(message("same", {report("Reporter", "1", records(5))}));
    auto file = message("same", {report("Reporter", "1", records(5))});
    file.receipt.source = "import";
    file.skip_known_bytes = true;
    const auto verdict = store.add(file);
    CHECK(verdict.status == Verdict::Status::already_known);
    CHECK(verdict.message_id == 1);
    CHECK(rows(store.database, kMessages) == "1|report|\n2|duplicate|1\n");
    CHECK(rows(store.database, "SELECT message_id FROM originals") == "1\n");
}

TEST_CASE("an impossible range is kept and noted and counts on one day") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    auto odd = report("Reporter", "1", records(5));
    odd.end_at = *odd.begin_at - 1;
    hash(odd);
    (void)store.add(message("odd", {odd}));
    CHECK(rows(store.database, "SELECT stage, code, fault, detail FROM findings") ==
          "store|odd_range|0|1795219200 to 1795219199\n");
    CHECK(rows(store.database, "SELECT day, messages FROM daily") == "2026-11-21|5\n");
    CHECK(rows(store.database, "SELECT org_name, code, reports FROM deviations") ==
          "Reporter|odd_range|1\n");
}

TEST_CASE("a TLS range is judged by the receipt where it is known and not yet judged") {
    struct Row {
        const char* name;
        std::optional<std::int64_t> end_at;
        bool noted;  ///< by the parser
        std::string_view findings;
    };
    const auto rows_of_table = std::to_array<Row>({
        {"as it should be", kBegin + kDay - 1, false, ""},
        {"after the receipt", kBegin + 5 * 365 * kDay, false, "store\n"},
        {"without end", std::nullopt, false, ""},
        {"noted by the parser", kBegin - 1, true, "tls\n"},
    });
    for (const auto& row : rows_of_table) {
        SUBCASE(row.name) {
            const TempDir dir;
            Store store(dir.file("t.db"));
            auto report = tls("1", {"example.org"}, 1);
            report.end_at = row.end_at;
            if (row.noted) {
                report.findings.push_back({{"odd_range", "tls", false}, {}, "as sent"});
            }
            (void)store.add(message("odd", {report}));
            CHECK(rows(store.database, "SELECT stage FROM findings WHERE code = 'odd_range'") ==
                  row.findings);
        }
    }
}

TEST_CASE("rows that break a rule of the tables leave the message raw and its group untouched") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    auto poisoned = report("Reporter", "2", records(5));
    poisoned.testing = "maybe";  // CHECK (testing IN ('y', 'n'))
    auto first = message("first", {report("Reporter", "1", records(5))});
    auto second = message("second", {poisoned});
    auto third = message("third", {report("Reporter", "3", records(5))});
    Transaction transaction(store.database);
    store.store.begun();
    CHECK(store.store.add(first).outcome == Outcome::report);
    CHECK(store.store.add(second).outcome == Outcome::unreadable);
    CHECK(store.store.add(third).outcome == Outcome::report);
    store.store.flush();
    transaction.commit();
    CHECK(rows(store.database, kMessages) == "1|report|\n2|unreadable|\n3|report|\n");
    CHECK(rows(store.database, "SELECT message_id FROM originals") == "1\n2\n3\n");
    CHECK(rows(store.database, "SELECT message_id, stage, code FROM problems") ==
          "2|store|store_failed\n");
    CHECK(rows(store.database, kTotal) == "10\n");
}

TEST_CASE("a reduced original read again changes neither findings about its mail nor the report") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    auto told = failure("a");
    told.findings.push_back({{"odd_media_type", "mime", false}, "3", "text/plain"});
    told.findings.push_back({{"missing_field", "failure", false}, "2", "Auth-Failure"});
    auto mail = message("a", {told});
    mail.original.reduced = true;
    (void)store.add(mail);

    auto read = failure("a");
    read.findings.push_back({{"raw_8bit", "charset", false}, "2", "our own words"});
    read.findings.push_back({{"odd_version", "failure", false}, "1", "2"});
    auto again = message("a", {read});
    again.findings.push_back({{"no_end_boundary", "mime", false}, "", ""});
    (void)store.replace(1, again);
    CHECK(rows(store.database, "SELECT stage, code, part, detail FROM findings") ==
          "failure|odd_version|1|2\nmime|odd_media_type|3|text/plain\n");

    Submission nothing = message("a", {});
    nothing.outcome = Outcome::unreadable;
    const auto replaced = store.replace(1, nothing);
    CHECK(replaced.after == Outcome::report);
    CHECK_FALSE(replaced.changed());
    CHECK(rows(store.database,
               "SELECT outcome, (SELECT count(*) FROM failure_reports) FROM messages") ==
          "report|1\n");
}

TEST_CASE("override reasons are compared when a message is read again and come along in a merge") {
    const TempDir dir;
    const auto reported = [](std::string comment) {
        auto made = record("192.0.2.1", 2, "dkim");
        made.reasons = {{"mailing_list", "a list"}, {"other", std::move(comment)}};
        return message("m", {report("Reporter", "1", {made})});
    };
    constexpr const char* kReasons =
        "SELECT position, type, comment FROM aggregate_reasons ORDER BY position";
    Store store(dir.file("t.db"));
    const auto id = store.add(reported("")).message_id;
    CHECK(rows(store.database, kReasons) == "1|mailing_list|a list\n2|other|\n");
    CHECK_FALSE(store.replace(id, reported("")).changed());

    const auto again = store.replace(id, reported("arc=pass"));
    CHECK(again.reports_refreshed == 1);
    CHECK(again.reports_kept == 1);
    CHECK(rows(store.database, kReasons) == "1|mailing_list|a list\n2|other|arc=pass\n");
    CHECK(rows(store.database, "SELECT sum(messages) FROM day_totals") == "2\n");

    Store other(dir.file("other.db"));
    MergeSource source(dir.file("t.db"));
    while (auto next = source.next()) {
        (void)other.add(std::move(next->submission));
    }
    CHECK(rows(other.database, kReasons) == rows(store.database, kReasons));
}

TEST_CASE("a mail read again that is no failure report any more loses its rows") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    const auto id = store.add(message("m", {failure("one"), failure("two")})).message_id;
    const auto again = store.replace(id, message("m", {failure("two")}));
    CHECK(again.reports_removed == 1);
    CHECK(again.reports_kept == 1);
    CHECK(rows(store.database, "SELECT count(*) FROM failure_reports") == "1\n");
    CHECK(store.replace(id, message("m", {})).after == Outcome::other);
    CHECK(rows(store.database, "SELECT count(*) FROM failure_reports") == "0\n");
}
