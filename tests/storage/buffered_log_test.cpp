#include <doctest/doctest.h>

#include <filesystem>
#include <random>
#include <string>

#include "support.hpp"

using namespace dmarcbox;
using namespace dmarcbox::storage;
using namespace dmarcbox::storage::test;

namespace {

constexpr int kRows = 200;

/// A database with a table of big rows and a page cache far smaller than a transaction, so that
/// pages go to the log before their commit and come back from it.
Database make(const std::filesystem::path& file) {
    Database database(file, Database::Mode::read_write);
    database.execute(
        "CREATE TABLE big (id INTEGER PRIMARY KEY, content BLOB); PRAGMA cache_size = 8");
    return database;
}

void fill(Database& database, int from, int to) {
    auto insert = database.prepare("INSERT INTO big VALUES (?1, randomblob(5000))");
    for (int id = from; id < to; ++id) {
        insert.bind(1, std::int64_t{id}).run();
    }
}

/// What a process finds that opens the files as they are on disk now, as after a crash.
std::string after_a_crash(const std::filesystem::path& file, const std::string& sql) {
    const TempDir dir;
    for (const char* suffix : {"", "-wal"}) {
        if (std::filesystem::exists(file.string() + suffix)) {
            std::filesystem::copy_file(file.string() + suffix, dir.file("copy").string() + suffix);
        }
    }
    Database database(dir.file("copy"), Database::Mode::read_write);
    return rows(database, sql);
}

constexpr const char* kLook =
    "SELECT count(*), (SELECT integrity_check FROM pragma_integrity_check) FROM big";

}  // namespace

TEST_CASE(
    "a transaction larger than the buffer and the page cache is in the files when it is "
    "committed") {
    const TempDir dir;
    const auto file = dir.file("t.db");
    auto database = make(file);
    Transaction transaction(database);
    fill(database, 0, kRows);
    CHECK(after_a_crash(file, kLook) == "0|ok\n");
    CHECK(database.integer("SELECT sum(length(content)) FROM big") == kRows * 5000);
    transaction.commit();
    CHECK(after_a_crash(file, kLook) == "200|ok\n");
}

TEST_CASE("pages that went to the log before their commit are read back and changed again") {
    const TempDir dir;
    const auto file = dir.file("t.db");
    auto database = make(file);
    for (int round = 0; round < 3; ++round) {
        Transaction transaction(database);
        database.execute("DELETE FROM big");
        fill(database, 0, kRows);
        database.execute("SAVEPOINT one");
        fill(database, kRows, 2 * kRows);
        database.execute("UPDATE big SET content = randomblob(4000) WHERE id % 3 = 0");
        database.execute("ROLLBACK TO one; RELEASE one");
        database.execute("UPDATE big SET content = randomblob(3000) WHERE id % 2 = 0");
        CHECK(database.integer("SELECT sum(length(content)) FROM big") == kRows * 4000);
        transaction.commit();
        CHECK(after_a_crash(file, kLook) == "200|ok\n");
        CHECK(after_a_crash(file, "SELECT sum(length(content)) FROM big") == "800000\n");
    }
}

TEST_CASE("a transaction that was rolled back leaves nothing for the next") {
    const TempDir dir;
    const auto file = dir.file("t.db");
    auto database = make(file);
    for (int id = 0; id < 40; id += 2) {
        {
            const Transaction given_up(database);
            fill(database, id, id + 30);
        }
        Transaction transaction(database);
        fill(database, id, id + 2);
        transaction.commit();
        REQUIRE(after_a_crash(file, kLook) == std::to_string(id + 2) + "|ok\n");
    }
}

TEST_CASE("another connection sees each commit whole") {
    const TempDir dir;
    const auto file = dir.file("t.db");
    auto writer = make(file);
    Database reader(file, Database::Mode::read_only);
    for (int id = 0; id < 60; id += 20) {
        Transaction transaction(writer);
        fill(writer, id, id + 20);
        CHECK(reader.integer("SELECT count(*) FROM big") == id);
        transaction.commit();
        CHECK(reader.integer("SELECT count(*) FROM big") == id + 20);
        CHECK(reader.integer("SELECT sum(length(content)) FROM big") == (id + 20) * 5000);
        CHECK(writer.checkpoint(Database::Checkpoint::truncate));
    }
}
