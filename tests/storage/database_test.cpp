#include <doctest/doctest.h>
#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "storage/migrate.hpp"
#include "storage/verify.hpp"
#include "support.hpp"

using namespace dmarcbox;
using namespace dmarcbox::storage;
using namespace dmarcbox::storage::test;

namespace {

std::string bytes_of(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void write(const std::filesystem::path& file, std::string_view bytes) {
    std::ofstream(file, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::string open_error(const std::filesystem::path& file, Database::Mode mode) {
    try {
        const Database database(file, mode);
        return "opened";
    } catch (const DatabaseError& error) {
        return error.what();
    }
}

/// A file of ours with one report, closed.
void make(const std::filesystem::path& file) {
    Writer writer(file, {});
    (void)writer.submit(message("a", {report("Reporter", "1", {record("192.0.2.1", 3, "dkim")})}),
                        {});
    writer.stop();
}

}  // namespace

TEST_CASE("a new file is ours and opens again") {
    const TempDir dir;
    const auto file = dir.file("new.db");
    {
        Database database(file, Database::Mode::read_write);
        CHECK(database.integer("PRAGMA application_id") == kApplicationId);
        CHECK(database.integer("PRAGMA user_version") == newest_schema());
        CHECK(database.integer("PRAGMA foreign_keys") == 1);
        CHECK(rows(database, "PRAGMA journal_mode") == "wal\n");
        CHECK(database.integer("PRAGMA synchronous") == 2);
    }
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    CHECK((status.st_mode & 07137U) == 0);  // 0640 less umask
    CHECK(open_error(file, Database::Mode::read_only) == "opened");
    CHECK(open_error(file, Database::Mode::read_write) == "opened");
}

TEST_CASE("files that are not ours are refused and not touched") {
    struct Row {
        const char* name;
        void (*make_file)(const std::filesystem::path&);
        const char* reason;
    };
    const std::array rows_{
        Row{"text", [](const std::filesystem::path& f) { write(f, std::string(5000, 'x')); },
            "is not an SQLite database"},
        Row{"shorter than a header",
            [](const std::filesystem::path& f) { write(f, "SQLite format 3"); },
            "is not an SQLite database"},
        Row{"a database of another program",
            [](const std::filesystem::path& f) {
                Database::create_empty(f, 0600).execute(
                    "CREATE TABLE t (a); INSERT INTO t VALUES (1)");
            },
            "is a database of another program"},
        Row{"another program's in WAL mode",
            [](const std::filesystem::path& f) {
                Database::create_empty(f, 0600).execute(
                    "PRAGMA journal_mode = WAL; PRAGMA application_id = 7; CREATE TABLE t (a)");
            },
            "is a database of another program"},
        Row{"cut off",
            [](const std::filesystem::path& f) {
                make(f);
                std::filesystem::resize_file(f, std::filesystem::file_size(f) - 8192);
            },
            "is cut off"},
        Row{"overwritten in the middle",
            [](const std::filesystem::path& f) {
                make(f);
                std::string bytes = bytes_of(f);
                for (std::size_t i = 8192; i < bytes.size(); i += 3) {
                    bytes[i] = '\x5a';
                }
                write(f, bytes);
            },
            "corrupt"},
        Row{"a newer schema",
            [](const std::filesystem::path& f) {
                make(f);
                Database::open_unchecked(f).execute("PRAGMA user_version = 999");
            },
            "schema 999 is newer than this program"},
    };
    for (const auto& row : rows_) {
        SUBCASE(row.name) {
            const TempDir dir;
            const auto file = dir.file("f.db");
            row.make_file(file);
            const std::string before = bytes_of(file);
            const std::string error = open_error(file, Database::Mode::read_write);
            INFO(error);
            CHECK(error.find(row.reason) != std::string::npos);
            CHECK(error.find(file.string()) == 0);
            CHECK(error.find('\n') == std::string::npos);
            CHECK(bytes_of(file) == before);
            CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 1);
        }
    }
}

TEST_CASE("reading what is not there or not of our schema") {
    const TempDir dir;
    CHECK(open_error(dir.file("none.db"), Database::Mode::read_only).find("no such database") !=
          std::string::npos);
    CHECK(open_error(dir.path(), Database::Mode::read_only).find("is a directory") !=
          std::string::npos);
    CHECK(open_error(dir.file("no/such/folder.db"), Database::Mode::read_write)
              .find("cannot be opened for writing: No such file or directory") !=
          std::string::npos);
    make(dir.file("old.db"));
    Database::open_unchecked(dir.file("old.db")).execute("PRAGMA user_version = 0");
    CHECK(open_error(dir.file("old.db"), Database::Mode::read_only).find("has schema 0") !=
          std::string::npos);
}

TEST_CASE("a read-only connection cannot write and reads beside a writer") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    Database reader(dir.file("t.db"), Database::Mode::read_only);
    CHECK_THROWS_AS(reader.execute("DELETE FROM messages"), DatabaseError);
    (void)store.add(message("a", {}));
    CHECK(reader.integer("SELECT count(*) FROM messages") == 1);
}

TEST_CASE("migration: backup first, all or nothing, views made again") {
    const TempDir dir;
    const auto file = dir.file("t.db");
    make(file);
    const int now = newest_schema();
    const int next = now + 2;
    const auto known = schema::migrations();
    std::vector<schema::Migration> steps(known.begin(), known.end());
    steps.push_back({now + 1,
                     "ALTER TABLE messages ADD COLUMN colour TEXT;"
                     "UPDATE messages SET colour = 'blue'"});
    steps.push_back({next, "CREATE TABLE extra (id INTEGER PRIMARY KEY) STRICT"});
    const std::string views = std::string(schema::views_sql()) +
                              "DROP VIEW IF EXISTS colours;"
                              "CREATE VIEW colours AS SELECT colour FROM messages;";

    SUBCASE("forward by two") {
        Database database(file, Database::Mode::read_write);
        migrate(database, steps, views);
        CHECK(database.integer("PRAGMA user_version") == next);
        CHECK(rows(database, "SELECT * FROM colours") == "blue\n");
        CHECK(rows(database, "SELECT domain, messages FROM sources") == "example.org|3\n");
        CHECK(database.integer("PRAGMA foreign_keys") == 1);
        const auto backup = dir.file("t.db.before-schema-" + std::to_string(next));
        REQUIRE(std::filesystem::exists(backup));
        Database old(backup, Database::Mode::read_only);
        CHECK(old.integer("PRAGMA user_version") == now);
        CHECK(old.integer("SELECT count(*) FROM aggregate_records") == 1);
        migrate(database, steps, views);  // again: nothing to do
        CHECK(database.integer("PRAGMA user_version") == next);
    }
    SUBCASE("a step that fails changes nothing") {
        auto broken = steps;
        broken.back().sql = "CREATE TABLE extra (id INTEGER PRIMARY KEY) STRICT; SELECT no_such()";
        Database database(file, Database::Mode::read_write);
        CHECK_THROWS_AS(migrate(database, broken, views), DatabaseError);
        CHECK(database.integer("PRAGMA user_version") == now);
        CHECK(rows(database,
                   "SELECT count(*) FROM pragma_table_info('messages') "
                   "WHERE name = 'colour'") == "0\n");
    }
    SUBCASE("an older program refuses the newer file") {
        {
            Database database(file, Database::Mode::read_write);
            migrate(database, steps, views);
        }
        const std::string error = open_error(file, Database::Mode::read_write);
        CHECK(error.find("schema " + std::to_string(next) +
                         " is newer than this program, which knows up to schema " +
                         std::to_string(now)) != std::string::npos);
    }
}

TEST_CASE("a file of every released schema opens with its rows and the views of this program") {
    const std::filesystem::path released =
        std::filesystem::path(DMARCBOX_SOURCE_DIR) / "tests" / "storage" / "released";
    const TempDir fresh_dir;
    Database fresh(fresh_dir.file("fresh.db"), Database::Mode::read_write);
    constexpr std::string_view kSchema =
        "SELECT type, name, sql FROM sqlite_schema WHERE type IN ('view', 'trigger', 'index') "
        "ORDER BY 1, 2";
    constexpr std::string_view kColumns =
        "SELECT m.name, c.name, c.type, c.\"notnull\", c.pk FROM sqlite_schema m "
        "JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' "
        "ORDER BY m.name, c.name";
    for (int version = 1;; ++version) {
        const auto dump = released / ("schema-" + std::to_string(version) + ".sql");
        if (!std::filesystem::exists(dump)) {
            // The newest schema may not be released yet.
            CHECK(version >= newest_schema());
            break;
        }
        CAPTURE(version);
        const TempDir dir;
        const auto file = dir.file("t.db");
        Database::create_empty(file, 0640).execute(bytes_of(dump));
        Database database(file, Database::Mode::read_write);
        CHECK(database.integer("PRAGMA user_version") == newest_schema());
        CHECK(rows(database, kSchema) == rows(fresh, kSchema));
        CHECK(rows(database, kColumns) == rows(fresh, kColumns));
        CHECK(std::filesystem::exists(
                  dir.file("t.db.before-schema-" + std::to_string(newest_schema()))) ==
              (version < newest_schema()));
        CHECK(rows(database, "SELECT source_ip, messages, failed FROM sources ORDER BY 1") ==
              "192.0.2.25|9|0\n198.51.100.8|5|5\n203.0.113.201|3|3\n");
        CHECK(rows(database, "SELECT org_name, messages FROM reporters") ==
              "reporter.example|12\nother.example|5\n");
        CHECK(verify(database, {}).problems.empty());
    }
}

TEST_CASE("views of another release of the same schema are made again and those of others stay") {
    const TempDir dir;
    const auto file = dir.file("t.db");
    make(file);
    {
        auto other = Database::open_unchecked(file);
        other.execute(
            "DROP VIEW daily; CREATE VIEW daily AS SELECT 1 AS old; DROP TRIGGER labels_updated;"
            "CREATE VIEW mine AS SELECT domain FROM sources");
    }
    for (int round = 0; round < 2; ++round) {
        Database database(file, Database::Mode::read_write);
        CHECK(rows(database, "SELECT messages FROM daily") == "3\n");
        CHECK(rows(database, "SELECT * FROM mine") == "example.org\n");
        CHECK(rows(database, "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'") == "3\n");
    }
    CHECK(dir.files() == 1);
}

TEST_CASE("a crash while the file was made leaves a file that opens") {
    const TempDir dir;
    const auto file = dir.file("t.db");
    write(file, "");
    CHECK(open_error(file, Database::Mode::read_write) == "opened");
}

TEST_CASE("names that SQLite would read as something else are files") {
    const TempDir dir;
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(dir.path());
    for (const char* name : {":memory:", "file:x?mode=memory", "a%20b?c#d.db"}) {
        CAPTURE(name);
        CHECK(open_error(name, Database::Mode::read_write) == "opened");
        CHECK(std::filesystem::file_size(name) > 0);
    }
    std::filesystem::current_path(before);
}

TEST_CASE("the last connection that may write leaves one file, one of several leaves the log") {
    const TempDir dir;
    const auto file = dir.file("t.db");
    {
        Database first(file, Database::Mode::read_write);
        { Database second(file, Database::Mode::read_write); }
        first.execute("INSERT INTO settings (name, value) VALUES ('a', 'b')");
        CHECK(rows(first, "PRAGMA journal_mode") == "wal\n");
    }
    CHECK(dir.files() == 1);
    Database reader(file, Database::Mode::read_only);
    CHECK(rows(reader, "PRAGMA journal_mode") == "delete\n");
}
