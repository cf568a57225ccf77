#include <doctest/doctest.h>

#include <array>

#include "storage/stale_evidence.hpp"
#include "storage/verify.hpp"
#include "support.hpp"

using namespace dmarcbox;
using namespace dmarcbox::storage;
using namespace dmarcbox::storage::test;

namespace {

struct Seen {
    const char* token;
    std::int64_t count;
};

void add(Store& store,
         const std::string& id,
         const std::vector<schema::AggregateRecord>& records,
         int day = 0) {
    (void)store.add(message(id, {report("Reporter", id, records, day)}, day));
}

}  // namespace

// operator's rules: 98 % passing is aligned; half passing without forwarding is partly
// misconfigured; else the class with most failing messages.
TEST_CASE("class of a source by its evidence") {
    struct Row {
        const char* name;
        std::vector<Seen> seen;
        const char* expected;  // class, evidence, confidence, authenticates_as
    };
    const std::array rows_{
        Row{"all pass", {{"dkim+spf", 10}}, "aligned|dkim+spf|high|\n"},
        Row{"aligned shows its commonest token",
            {{"dkim", 10}, {"dkim+spf", 30}, {"spf", 5}},
            "aligned|dkim+spf|high|\n"},
        Row{"98 of 100 pass: the rest is stray",
            {{"dkim", 98}, {"nothing", 2}},
            "aligned|dkim|high|\n"},
        Row{"97 of 100 pass: partly",
            {{"dkim", 97}, {"nothing", 3}},
            "misconfigured|nothing|partly|\n"},
        Row{"half passes: partly",
            {{"dkim", 5}, {"signs-as:esp.example", 5}},
            "misconfigured|signs-as:esp.example|partly|esp.example\n"},
        Row{"below half: the class of most failing messages",
            {{"dkim", 4}, {"signs-as:esp.example", 2}, {"nothing", 4}},
            "unauthenticated|nothing|high|esp.example\n"},
        Row{"passing mail through a forwarder is aligned", {{"dkim", 300}}, "aligned|dkim|high|\n"},
        Row{"half passes with signs of forwarding",
            {{"dkim", 300}, {"reason-forwarded", 90}},
            "forwarder|reason-forwarded|high|\n"},
        Row{"mailing list", {{"reason-mailing_list", 3}}, "forwarder|reason-mailing_list|high|\n"},
        Row{"trusted forwarder",
            {{"reason-trusted_forwarder", 3}},
            "forwarder|reason-trusted_forwarder|high|\n"},
        Row{"arc", {{"arc-pass", 3}}, "forwarder|arc-pass|high|\n"},
        Row{"strict alignment", {{"strict", 3}}, "misconfigured|strict|high|\n"},
        Row{"reporter disagrees",
            {{"reporter-disagrees", 3}},
            "misconfigured|reporter-disagrees|low|\n"},
        Row{"bad key", {{"own-key-bad", 3}}, "misconfigured|own-key-bad|medium|\n"},
        Row{"foreign signature",
            {{"signs-as:esp.example", 3}},
            "misconfigured|signs-as:esp.example|medium|esp.example\n"},
        Row{"foreign SPF only",
            {{"sends-as:esp.example", 3}},
            "misconfigured|sends-as:esp.example|low|esp.example\n"},
        Row{"nothing passes", {{"nothing", 3}}, "unauthenticated|nothing|high|\n"},
        Row{"temporary errors alone", {{"temperror", 3}}, "unauthenticated|temperror|low|\n"},
        Row{"temporary errors beside passing mail are of its class",
            {{"dkim", 10}, {"temperror", 90}},
            "aligned|dkim|high|\n"},
        Row{"temporary errors beside failing mail are of its class",
            {{"signs-as:esp.example", 1}, {"temperror", 90}},
            "misconfigured|signs-as:esp.example|medium|esp.example\n"},
        Row{"records without messages", {{"dkim", 0}}, "aligned|dkim|high|\n"},
        Row{"failing records without messages",
            {{"nothing", 0}},
            "unauthenticated|nothing|high|\n"},
    };
    for (const auto& row : rows_) {
        SUBCASE(row.name) {
            const TempDir dir;
            Store store(dir.file("t.db"));
            std::vector<schema::AggregateRecord> records;
            for (const auto& seen : row.seen) {
                records.push_back(record("192.0.2.25", seen.count, seen.token));
            }
            add(store, "1", records);
            CHECK(rows(store.database,
                       "SELECT class, evidence, confidence, authenticates_as FROM sources") ==
                  row.expected);
            CHECK(rows(store.database, "SELECT ifnull(sum(failed), 0) FROM failing_sources") ==
                  rows(store.database, "SELECT ifnull(sum(messages - passed), 0) FROM day_totals"));
        }
    }
}

TEST_CASE("a foreign signer that also signs our passing mail is ours with high confidence") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    auto both = record("192.0.2.25", 10, "dkim");
    both.dkim_results.push_back({"mail.esp.example", "k1", "pass", {}});
    add(store, "1", {both, record("198.51.100.8", 3, "signs-as:esp.example")});
    CHECK(rows(store.database,
               "SELECT source_ip, class, confidence FROM sources WHERE class <> 'aligned'") ==
          "198.51.100.8|misconfigured|high\n");
}

TEST_CASE("our signature that arrives broken") {
    const auto broken = [](std::string selector, bool foreign) {
        auto made = record("203.0.113.40", 3, "nothing");
        made.dkim_results.push_back({"example.org", selector, "fail", {}});
        made.evidence.final = false;
        made.evidence.foreign_pass = foreign;
        made.evidence.own_failed_keys = {{"example.org", std::move(selector)}};
        return made;
    };
    struct Row {
        const char* name;
        const char* selector;
        bool foreign;
        int days_after_passing;  // -1000: never passed
        const char* expected;    // class, evidence, confidence
    };
    const std::array rows_{
        Row{"the key passed yesterday", "s1", false, 1, "forwarder|own-signature-broken|medium\n"},
        Row{"and something foreign passes: high", "s1", true, 1,
            "forwarder|own-signature-broken+foreign|high\n"},
        Row{"without selector the domain is enough", "", false, 1,
            "forwarder|own-signature-broken|medium\n"},
        Row{"another selector never passed", "s2", false, 1, "unauthenticated|nothing|high\n"},
        Row{"passed 90 days before", "s1", false, 90, "forwarder|own-signature-broken|medium\n"},
        Row{"passed 91 days before", "s1", false, 91, "unauthenticated|nothing|high\n"},
        Row{"passed 90 days after", "s1", false, -90, "forwarder|own-signature-broken|medium\n"},
        Row{"the key never passed", "s1", false, -1000, "unauthenticated|nothing|high\n"},
        Row{"passes in the same report", "s1", false, 0, "forwarder|own-signature-broken|medium\n"},
    };
    for (const auto& row : rows_) {
        SUBCASE(row.name) {
            const TempDir dir;
            Store store(dir.file("t.db"));
            std::vector<schema::AggregateRecord> now{broken(row.selector, row.foreign)};
            const auto ours = record("192.0.2.25", 1000, "dkim");
            if (row.days_after_passing == 0) {
                now.push_back(ours);
            } else if (row.days_after_passing != -1000) {
                add(store, "pass", {ours}, -row.days_after_passing);
            }
            add(store, "now", now);
            CHECK(rows(store.database,
                       "SELECT class, evidence, confidence FROM sources "
                       "WHERE source_ip = '203.0.113.40'") == row.expected);
        }
    }
}

TEST_CASE("our signature that arrived broken before its key was seen") {
    const auto go_on = [] { return true; };
    const auto broken = [](std::string selector, int ip) {
        auto made = record("203.0.113." + std::to_string(ip), 3, "own-key-bad");
        made.dkim_results.push_back({"example.org", selector, "fail", {}});
        made.spf_results.push_back({"list.example", "mfrom", "pass", {}});
        made.evidence.final = false;
        made.evidence.foreign_pass = true;
        made.evidence.own_failed_keys = {{"example.org", std::move(selector)}};
        return made;
    };
    const TempDir dir;
    const auto file = dir.file("t.db");
    Store store(file);
    const auto evidence = [&] {
        return rows(store.database,
                    "SELECT evidence, messages FROM source_evidence "
                    "WHERE source_ip GLOB '203.*' ORDER BY source_ip");
    };
    add(store, "first", {broken("S1", 40), broken("s2", 41)});
    CHECK(settle_stale_evidence(store.database, go_on) == 0);
    add(store, "pass", {record("192.0.2.25", 1000, "dkim")}, 1);
    CHECK(evidence() == "own-key-bad|3\nown-key-bad|3\n");
    SUBCASE("is settled from its rows, whatever the case of the selector") {
        CHECK(settle_stale_evidence(store.database, go_on) == 1);
        CHECK(evidence() == "own-signature-broken+foreign|3\nown-key-bad|3\n");
        CHECK(rows(store.database,
                   "SELECT evidence FROM aggregate_records WHERE source_ip GLOB '203.*' "
                   "ORDER BY id") == "own-signature-broken+foreign\nown-key-bad\n");
        CHECK(verify(store.database, {}).problems.empty());
        CHECK(store.database.integer("SELECT count(*) FROM stale_evidence") == 0);
        CHECK(settle_stale_evidence(store.database, go_on) == 0);
    }
    SUBCASE("is settled by verify --rebuild") {
        CHECK(rebuild(store.database).evidence == 1);
        CHECK(evidence() == "own-signature-broken+foreign|3\nown-key-bad|3\n");
    }
    SUBCASE("waits for the next run when the run is stopped") {
        CHECK(settle_stale_evidence(store.database, [] { return false; }) == 1);
        CHECK(store.database.integer("SELECT count(*) FROM stale_evidence") == 1);
        CHECK(settle_stale_evidence(store.database, go_on) == 0);
        CHECK(store.database.integer("SELECT count(*) FROM stale_evidence") == 0);
    }
    SUBCASE("of a report that does not count has no sums") {
        store.database.execute(
            "UPDATE aggregate_reports SET counted = 0 WHERE report_id = 'first'");
        CHECK(settle_stale_evidence(store.database, go_on) == 1);
        CHECK(evidence() == "own-key-bad|3\nown-key-bad|3\n");
    }
    SUBCASE("of a pruned report stays") {
        store.database.execute("UPDATE aggregate_reports SET pruned_at = 1");
        CHECK(settle_stale_evidence(store.database, go_on) == 0);
    }
}

// A provider whose footer breaks our signature looks like a forwarder.
TEST_CASE("a source of more than a twentieth of our volume is for a person to check") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    add(store, "1",
        {record("192.0.2.25", 100, "dkim"), record("203.0.113.40", 6, "own-signature-broken"),
         record("203.0.113.41", 5, "own-signature-broken")});
    CHECK(rows(store.database,
               "SELECT source_ip, class, confidence FROM sources WHERE class = 'forwarder'") ==
          "203.0.113.40|forwarder|check\n203.0.113.41|forwarder|medium\n");
}

TEST_CASE("the sums of failing sources and forwarded mail hide no volume") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    add(store, "1",
        {record("192.0.2.25", 98, "dkim"), record("192.0.2.25", 2, "reason-forwarded"),
         record("203.0.113.40", 7, "arc-pass"), record("203.0.113.40", 9, "nothing"),
         record("not an address", 4, "nothing"), record("", 1, "nothing")});
    CHECK(rows(store.database, "SELECT sum(failed) FROM failing_sources") == "23\n");
    CHECK(rows(store.database, "SELECT sum(failed) FROM daily") == "23\n");
    CHECK(rows(store.database,
               "SELECT source_ip, messages, evidence, confidence FROM likely_forwarded") ==
          "203.0.113.40|7|arc-pass|high\n192.0.2.25|2|reason-forwarded|high\n");
    CHECK(rows(store.database, "SELECT source_ip FROM sources WHERE source_net IS NULL") ==
          "(none)\nnot an address\n");
}

TEST_CASE("the operator's label wins over the evidence and never rewrites it") {
    struct Row {
        const char* name;
        const char* labels;
        const char* expected;
    };
    const std::array rows_{
        Row{"address", "('198.51.100.8', 'aligned')",
            "aligned|signs-as:mail.esp.example|label|198.51.100.8\n"},
        Row{"network", "('198.51.100.0/24', 'forwarder')",
            "forwarder|signs-as:mail.esp.example|label|198.51.100.0/24\n"},
        Row{"the narrowest network wins",
            "('198.51.100.0/24', 'forwarder'), ('198.51.100.8/31', "
            "'unauthenticated'), ('0.0.0.0/0', 'aligned')",
            "unauthenticated|signs-as:mail.esp.example|label|198.51.100.8/31\n"},
        Row{"domain it authenticates as", "('mail.esp.example', 'aligned')",
            "aligned|signs-as:mail.esp.example|label|mail.esp.example\n"},
        Row{"parent domain", "('ESP.example', 'aligned')",
            "aligned|signs-as:mail.esp.example|label|ESP.example\n"},
        Row{"network wins over domain", "('esp.example', 'aligned'), ('198.51.100.8', 'forwarder')",
            "forwarder|signs-as:mail.esp.example|label|198.51.100.8\n"},
        Row{"another network", "('198.51.101.0/24', 'aligned')",
            "misconfigured|signs-as:mail.esp.example|medium|\n"},
        Row{"a domain that only ends alike", "('sp.example', 'aligned')",
            "misconfigured|signs-as:mail.esp.example|medium|\n"},
    };
    for (const auto& row : rows_) {
        SUBCASE(row.name) {
            const TempDir dir;
            Store store(dir.file("t.db"));
            add(store, "1", {record("198.51.100.8", 3, "signs-as:mail.esp.example")});
            store.database.execute("INSERT INTO labels (subject, class) VALUES " +
                                   std::string(row.labels));
            CHECK(rows(store.database, "SELECT class, evidence, confidence, label FROM sources") ==
                  row.expected);
            CHECK(rows(store.database, "SELECT evidence FROM source_evidence") ==
                  "signs-as:mail.esp.example\n");
        }
    }
}

TEST_CASE("bounds of a labelled network") {
    struct Row {
        const char* subject;
        const char* expected;
    };
    const std::array rows_{
        Row{"192.0.2.77", "00000000000000000000FFFFC000024D|00000000000000000000FFFFC000024D\n"},
        Row{"198.51.100.0/22",
            "00000000000000000000FFFFC6336400|00000000000000000000FFFFC63367FF\n"},
        Row{"0.0.0.0/0", "00000000000000000000FFFF00000000|00000000000000000000FFFFFFFFFFFF\n"},
        Row{"2001:db8::1", "20010DB8000000000000000000000001|20010DB8000000000000000000000001\n"},
        Row{"2001:DB8:1:2:3:4:5:6/61",
            "20010DB8000100000000000000000000|20010DB800010007FFFFFFFFFFFFFFFF\n"},
        Row{"::1", "00000000000000000000000000000001|00000000000000000000000000000001\n"},
        Row{"fe80::", "FE800000000000000000000000000000|FE800000000000000000000000000000\n"},
        Row{"::/0", "00000000000000000000000000000000|FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF\n"},
        Row{"esp.example", "|\n"},
    };
    const TempDir dir;
    Store store(dir.file("t.db"));
    for (const auto& row : rows_) {
        CAPTURE(row.subject);
        store.database.execute("DELETE FROM labels");
        store.database.execute("INSERT INTO labels (subject, class) VALUES ('" +
                               std::string(row.subject) + "', 'aligned')");
        CHECK(rows(store.database, "SELECT first_key, last_key FROM labels") == row.expected);
    }
    store.database.execute("UPDATE labels SET subject = '192.0.2.0/24'");
    CHECK(rows(store.database, "SELECT first_key, last_key FROM labels") ==
          "00000000000000000000FFFFC0000200|00000000000000000000FFFFC00002FF\n");
}

TEST_CASE("a label of what is no address, network or domain is refused") {
    constexpr std::array<const char*, 9> kRefused{
        "192.0.2",          "192.0.2.300", "192.0.2.0/33",   "192.0.2.0/x",   "192.0.2.0/",
        "::ffff:192.0.2.6", "192.0.2.3 ",  "2001:db8::/129", "esp.example/24"};
    const TempDir dir;
    Store store(dir.file("t.db"));
    for (const char* subject : kRefused) {
        CAPTURE(subject);
        CHECK_THROWS_WITH_AS(store.database.execute("INSERT INTO labels (subject, class) VALUES "
                                                    "('" +
                                                    std::string(subject) + "', 'aligned')"),
                             doctest::Contains("labels.subject is no address, network or domain"),
                             storage::DatabaseError);
    }
    CHECK(rows(store.database, "SELECT count(*) FROM labels") == "0\n");
}

TEST_CASE("a range that cannot be is not taken for the reporter's last word") {
    struct Row {
        const char* name;
        std::int64_t begin;
        std::int64_t end;
    };
    const std::array rows_{
        Row{"year 2100", 4102444800, 4102531200},
        Row{"ends years later", kBegin, kBegin + 3000 * kDay},
        Row{"backwards", kBegin + 2 * kDay, kBegin},
        Row{"year 1970", 0, kDay},
    };
    for (const auto& row : rows_) {
        CAPTURE(row.name);
        const TempDir dir;
        Store store(dir.file("t.db"));
        add(store, "1", {record("192.0.2.1", 3, "dkim")});
        auto forged = report("Reporter", "forged", {record("192.0.2.1", 2, "dkim")});
        forged.begin_at = row.begin;
        forged.end_at = row.end;
        hash(forged);
        store.add(message("forged", {forged}));
        CHECK(rows(store.database,
                   "SELECT count(*), sum(reports), max(last_report_at), min(first_report_at) "
                   "FROM reporters") ==
              "1|2|" + std::to_string(kBegin + kDay - 1) + "|" + std::to_string(kBegin) + "\n");
        CHECK(rows(store.database, "SELECT max(last_seen_at), sum(reports) FROM policies_seen") ==
              std::to_string(kBegin + kDay - 1) + "|2\n");
    }
}

TEST_CASE("a failure report stands beside the source it is about") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    add(store, "1", {record("192.0.2.1", 3, "dkim"), record("192.0.2.2", 4, "nothing")});
    std::vector<schema::Report> samples;
    for (const char* ip : {"192.0.2.2", "192.0.2.3", "192.0.2.1"}) {
        schema::FailureReport sample;
        sample.feedback_type = "auth-failure";
        sample.reported_domain = "example.org";
        sample.source_ip = ip;
        sample.arrived_at = kBegin + static_cast<std::int64_t>(samples.size());
        sample.content_sha256 = digest_of(ip);
        samples.emplace_back(sample);
    }
    store.add(message("samples", samples));
    CHECK(
        rows(store.database, "SELECT source_ip, class, aggregate_messages FROM failure_samples") ==
        "192.0.2.1|aligned|3\n192.0.2.3||\n192.0.2.2|unauthenticated|4\n");
}

TEST_CASE("a failure report of a subdomain stands beside the source of the policy domain") {
    struct Row {
        const char* name;
        const char* reported;
        const char* expected;  // class, aggregate_messages
    };
    const std::array rows_{
        Row{"policy domain", "example.org", "unauthenticated|4\n"},
        Row{"subdomain", "www.example.org", "unauthenticated|4\n"},
        Row{"two labels below", "a.b.example.org", "unauthenticated|4\n"},
        Row{"policy of its own", "shop.example.org", "aligned|7\n"},
        Row{"below a policy of its own", "x.shop.example.org", "aligned|7\n"},
        Row{"below a policy that has not the source", "x.news.example.org", "unauthenticated|4\n"},
        Row{"only ends alike", "badexample.org", "|\n"},
        Row{"parent of the policy domain", "org", "|\n"},
        Row{"none", "", "|\n"},
    };
    for (const auto& row : rows_) {
        CAPTURE(std::string(row.name));
        const TempDir dir;
        Store store(dir.file("t.db"));
        add(store, "1", {record("192.0.2.2", 4, "nothing")});
        store.add(message("2", {report("Reporter", "2", {record("192.0.2.2", 7, "dkim")}, 0,
                                       "shop.example.org")}));
        store.add(message("3", {report("Reporter", "3", {record("192.0.2.9", 9, "dkim")}, 0,
                                       "news.example.org")}));
        schema::FailureReport sample;
        sample.feedback_type = "auth-failure";
        sample.reported_domain = row.reported;
        sample.source_ip = "192.0.2.2";
        sample.content_sha256 = digest_of("sample");
        store.add(message("sample", {sample}));
        CHECK(rows(store.database, "SELECT class, aggregate_messages FROM failure_samples") ==
              row.expected);
    }
}

TEST_CASE("the questions that are asked again and again find their rows by an index") {
    struct Row {
        const char* question;
        const char* index;
    };
    const std::array rows_{
        Row{"SELECT * FROM problems", "USING INDEX messages_not_understood (outcome=?"},
        Row{"SELECT * FROM failure_samples",
            "SCAN p\nSEARCH t USING PRIMARY KEY (domain=? AND source_ip=?)"},
    };
    const TempDir dir;
    Store store(dir.file("t.db"));
    for (const auto& row : rows_) {
        CAPTURE(std::string(row.question));
        std::string plan;
        auto explain = store.database.prepare("EXPLAIN QUERY PLAN " + std::string(row.question));
        while (explain.step()) {
            plan += std::string(explain.text(3)) + '\n';
        }
        CAPTURE(plan);
        CHECK(plan.find(row.index) != std::string::npos);
    }
}
