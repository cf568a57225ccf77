#include "storage/serve_lock.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "support.hpp"

using namespace dmarcbox::storage;
using namespace dmarcbox::storage::test;

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
