#include "storage/verify.hpp"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <stop_token>
#include <string>
#include <thread>

#include "maintenance.hpp"
#include "schema/evidence.hpp"
#include "support.hpp"

using namespace dmarcbox;
using namespace dmarcbox::storage;
using namespace dmarcbox::storage::test;

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
            add_one_of_each(store);
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
