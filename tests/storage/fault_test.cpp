#include <doctest/doctest.h>

#include <array>
#include <filesystem>
#include <future>
#include <set>

#include "fault_vfs.hpp"
#include "storage/backup.hpp"
#include "storage/verify.hpp"
#include "support.hpp"

using namespace dmarcbox;
using namespace dmarcbox::storage;
using namespace dmarcbox::storage::test;

namespace {

constexpr int kMessages = 3;
constexpr int kSqliteFull = 13;
constexpr int kSqliteWriteError = 778;  // SQLITE_IOERR_WRITE

Submission numbered(int number) {
    auto made = message("mail " + std::to_string(number),
                        {report("Reporter", std::to_string(number),
                                {record("192.0.2." + std::to_string(number), 2, "dkim"),
                                 record("203.0.113.7", 1, "signs-as:esp.example")})});
    made.original.content.assign(20'000, static_cast<char>('a' + number));
    made.original.size = 20'000;
    made.original.sha256 = digest_of(made.original.content);
    made.receipt.size = made.original.size;
    made.receipt.sha256 = made.original.sha256;
    return made;
}

/// Delivers messages one after another; the numbers of those that were answered committed.
std::set<int> deliver(Writer& writer, const std::set<int>& numbers) {
    std::set<int> committed;
    for (const int number : numbers) {
        std::promise<Verdict> promise;
        auto answer = promise.get_future();
        if (!writer.submit(numbered(number),
                           [&promise](const Verdict& v) { promise.set_value(v); })) {
            continue;
        }
        if (answer.get().status == Verdict::Status::committed) {
            committed.insert(number);
        }
    }
    return committed;
}

std::string counts(const std::filesystem::path& file) {
    Database database(file, Database::Mode::read_only);
    std::string text = rows(database,
                            "SELECT count(*), count(DISTINCT report_id), sum(counted), "
                            "(SELECT count(*) FROM aggregate_records), "
                            "(SELECT sum(messages) FROM day_totals), "
                            "(SELECT count(*) FROM originals) FROM aggregate_reports");
    for (const auto& line : verify(database, {}).problems) {
        text += line + '\n';
    }
    return text;
}

}  // namespace

TEST_CASE("whatever I/O call fails what was answered committed is there exactly once") {
    using Call = FaultVfs::Call;
    using Mode = FaultVfs::Mode;
    struct Row {
        const char* name;
        FaultVfs::Fault fault;
        long step;   ///< calls from one to the next: each write fails in the first two rows
        long least;  ///< calls there must be at least: a fault that never comes tests nothing
    };
    const std::array rows_{
        Row{"one call fails", {Call::any, Mode::once, kSqliteWriteError}, 1, 50},
        Row{"the disk is full from then on", {Call::any, Mode::from_then, kSqliteFull}, 1, 50},
        Row{"a write is torn", {Call::write, Mode::once, kSqliteWriteError}, 4, 20},
        Row{"the process dies in a write", {Call::write, Mode::dies, kSqliteWriteError}, 4, 20},
        Row{"a sync fails", {Call::sync, Mode::once, kSqliteWriteError}, 1, 4},
        Row{"the process dies before a sync", {Call::sync, Mode::dies, kSqliteWriteError}, 1, 4},
        Row{"the power fails in a write", {Call::write, Mode::power, kSqliteWriteError}, 4, 20},
        Row{"the power fails before a sync", {Call::sync, Mode::power, kSqliteWriteError}, 1, 4},
        Row{"a truncate fails", {Call::truncate, Mode::once, kSqliteWriteError}, 1, 1},
        Row{"the process dies before a truncate",
            {Call::truncate, Mode::dies, kSqliteWriteError},
            1,
            1},
    };
    const TempDir dir;
    FaultVfs vfs;
    const auto empty = dir.file("empty.db");
    {
        Writer writer(empty, {});
        writer.stop();
    }
    const auto file = dir.file("t.db");
    std::set<int> all;
    for (int number = 1; number <= kMessages; ++number) {
        all.insert(number);
    }
    for (const auto& row : rows_) {
        SUBCASE(row.name) {
            bool fired = true;
            long nth = 1;
            int acknowledged = 0;
            for (; fired; nth += row.step) {
                CAPTURE(nth);
                for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
                    std::filesystem::remove(file.string() + suffix);
                }
                std::filesystem::copy_file(empty, file);
                std::set<int> committed;
                vfs.arm(nth, row.fault);
                try {
                    Writer writer(file, {});
                    committed = deliver(writer, all);
                    writer.stop();
                } catch (const DatabaseError&) {
                    committed.clear();  // it did not start
                }
                fired = vfs.fired();
                vfs.disarm();
                acknowledged += static_cast<int>(committed.size());
                {
                    Database reader(file, Database::Mode::read_only);
                    for (const int number : committed) {
                        REQUIRE(reader.integer("SELECT count(*) FROM aggregate_reports WHERE "
                                               "report_id = '" +
                                               std::to_string(number) + "'") == 1);
                    }
                }
                // The senders of the others try again.
                std::set<int> rest = all;
                for (const int number : committed) {
                    rest.erase(number);
                }
                {
                    Writer writer(file, {});
                    REQUIRE(deliver(writer, rest) == rest);
                    writer.stop();
                }
                REQUIRE(counts(file) == "3|3|3|6|9|3\n");
                REQUIRE(nth < 2000);
            }
            CHECK(nth > row.least);
            CHECK(acknowledged > 0);
        }
    }
}

TEST_CASE("a new database whose making fails is made at the next start") {
    const TempDir dir;
    FaultVfs vfs;
    const auto file = dir.file("t.db");
    bool fired = true;
    for (long nth = 1; fired; nth += nth < 40 ? 1 : 7) {
        CAPTURE(nth);
        for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
            std::filesystem::remove(file.string() + suffix);
        }
        vfs.arm(nth, {FaultVfs::Call::any, FaultVfs::Mode::from_then, kSqliteFull});
        try {
            const Database database(file, Database::Mode::read_write);
        } catch (const DatabaseError&) {
            CHECK(vfs.fired());
        }
        fired = vfs.fired();
        vfs.disarm();
        Database database(file, Database::Mode::read_write);
        REQUIRE(rows(database, "PRAGMA integrity_check") == "ok\n");
        REQUIRE(database.integer("SELECT count(*) FROM messages") == 0);
        REQUIRE(nth < 2000);
    }
}

TEST_CASE("a copy that fails says why") {
    struct Row {
        const char* name;
        int error;
        const char* reason;
    };
    const std::array rows_{
        Row{"the disk is full", kSqliteFull, "database or disk is full"},
        Row{"the disk is bad", kSqliteWriteError, "disk I/O error"},
    };
    for (const auto& row : rows_) {
        SUBCASE(row.name) {
            const TempDir dir;
            FaultVfs vfs;
            {
                Writer writer(dir.file("t.db"), {});
                REQUIRE(deliver(writer, {1}) == std::set<int>{1});
            }
            Database database(dir.file("t.db"), Database::Mode::read_only);
            std::string said;
            vfs.arm(1, {FaultVfs::Call::write, FaultVfs::Mode::from_then, row.error});
            try {
                (void)back_up(database, dir.file("copy.db"));
            } catch (const DatabaseError& error) {
                said = error.what();
                CHECK((error.code() & 0xff) == (row.error & 0xff));
            }
            CHECK(vfs.fired());
            vfs.disarm();
            CHECK(said == "copy of " + dir.file("t.db").string() + " to " +
                              dir.file("copy.db.part").string() + ": " + row.reason);
        }
    }
}
