#include "storage/row_batch.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "support.hpp"

using namespace dmarcbox;
using namespace dmarcbox::storage;
using namespace dmarcbox::storage::test;

namespace {

constexpr const char* kTable =
    "CREATE TABLE t (name TEXT UNIQUE, count INTEGER NOT NULL, bytes BLOB) STRICT";
constexpr const char* kAll = "SELECT name, count, hex(bytes) FROM t ORDER BY rowid";

struct Fixture {
    Fixture() : database(dir.file("t.db"), Database::Mode::read_write) { database.execute(kTable); }
    TempDir dir;
    Database database;
};

}  // namespace

TEST_CASE("row batch: rows are written in their order with every kind of value") {
    Fixture f;
    RowBatch batch(f.database, {"t (name, count, bytes)"});
    const std::array<std::uint8_t, 3> bytes{0, 1, 255};
    const std::string text = "zwei";
    batch.add("one").add(1).add_blob_copy(bytes);
    batch.add(text).add(std::optional<std::int64_t>{-2}).add_null();
    batch.add_copy(std::string(40, 'x')).add(std::int64_t{1} << 62U).add_blob_copy({});
    batch.add(std::string_view()).add(4).add_null();  // empty text is NULL
    CHECK(batch.rows() == 4);
    batch.write();
    CHECK(rows(f.database, kAll) ==
          "one|1|0001FF\nzwei|-2|\n" + std::string(40, 'x') + "|4611686018427387904|\n|4|\n");
    CHECK(f.database.integer("SELECT count(*) FROM t WHERE name IS NULL") == 1);
    CHECK(f.database.integer(
              "SELECT typeof(bytes) = 'blob' FROM t WHERE count = 4611686018427387904") == 1);
    CHECK(batch.rows() == 0);
    batch.write();  // nothing waits
    CHECK(f.database.integer("SELECT count(*) FROM t") == 4);
}

TEST_CASE("row batch: what happens to a row that is there") {
    struct Row {
        const char* name;
        RowBatch::Insert insert;
        const char* expected;
    };
    const std::array table{
        Row{"it is left out", {.target = "t (name, count)", .ignore = true}, "a|1|\nb|2|\n"},
        Row{"it is added to",
            {.target = "t (name, count)",
             .conflict = "ON CONFLICT (name) DO UPDATE SET count = count + excluded.count"},
            "a|31|\nb|2|\n"},
    };
    for (const auto& row : table) {
        SUBCASE(row.name) {
            Fixture f;
            RowBatch batch(f.database, row.insert);
            batch.add("a").add(1).add("a").add(10).add("b").add(2).add("a").add(20);
            batch.write();
            CHECK(rows(f.database, kAll) == row.expected);
        }
    }
}

TEST_CASE(
    "row batch: a row that breaks a rule fails the batch, which serves again after a rollback") {
    Fixture f;
    RowBatch batch(f.database, {"t (name, count)"});
    Transaction transaction(f.database);
    f.database.execute("SAVEPOINT one");
    batch.add("a").add(1).add("a").add(2);
    CHECK_THROWS_AS(batch.write(), DatabaseError);
    CHECK(batch.rows() == 0);
    f.database.execute("ROLLBACK TO one; RELEASE one");
    batch.add("b").add(1);
    batch.write();
    transaction.commit();
    CHECK(rows(f.database, kAll) == "b|1|\n");
}

TEST_CASE("row batch: two of one table serve side by side, and a changed schema is met") {
    Fixture f;
    RowBatch first(f.database, {"t (name, count)"});
    {
        RowBatch second(f.database, {"t (name, count)"});
        first.add("a").add(1);
        second.add("b").add(2);
        second.write();
    }
    first.write();
    Database other(f.database.path(), Database::Mode::read_write);
    other.execute("CREATE INDEX later ON t (count)");
    first.add("c").add(3);
    first.write();
    CHECK(rows(f.database, "SELECT name FROM t ORDER BY count") == "a\nb\nc\n");
}
