#include "storage/merge.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <utility>

#include "maintenance.hpp"
#include "storage/originals.hpp"
#include "storage/retention.hpp"
#include "support.hpp"

using namespace dmarcbox::storage;
using namespace dmarcbox::storage::test;

TEST_CASE("another database is merged with identity kept") {
    const TempDir dir;
    Store theirs(dir.file("theirs.db"));
    add_one_of_each(theirs);
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
        (void)prune_all(theirs.database, rules, kReceived + row.days_later * kDay);
        Store ours(dir.file("ours.db"));
        MergeSource source(dir.file("theirs.db"));
        while (auto message = source.next()) {
            (void)ours.add(std::move(message->submission));
        }
        CHECK(load_original(ours.database, 1).has_value());
        CHECK(problems(ours.database) == "");
    }
}
