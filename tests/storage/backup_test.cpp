#include "storage/backup.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>
#include <memory>
#include <string>

#include "maintenance.hpp"
#include "support.hpp"

using namespace dmarcbox::storage;
using namespace dmarcbox::storage::test;

namespace {

/// `source.db` with a message, and names beside it that a copy might be given.
class Names {
  public:
    Names() : store_(std::make_unique<Store>(dir.file("source.db"))) {
        (void)store_->add(message("a", {}));
    }
    /// What back_up() says; empty if it copied. Nothing may be left of a copy that was refused.
    std::string copy_to(const std::string& name) {
        Database source(dir.file("source.db"), Database::Mode::read_only);
        try {
            (void)back_up(source, dir.file(name));
            return {};
        } catch (const DatabaseError& error) {
            CHECK_FALSE(std::filesystem::exists(dir.file(name + ".part")));
            std::string line = error.what();
            for (auto at = line.find(dir.path().string()); at != std::string::npos;
                 at = line.find(dir.path().string())) {
                line.erase(at, dir.path().string().size() + 1);
            }
            return line;
        }
    }
    void write(const std::string& name, const std::string& bytes) const {
        std::ofstream(dir.file(name), std::ios::binary) << bytes;
    }
    void link(const std::string& name, const std::string& to) const {
        std::filesystem::create_symlink(dir.file(to), dir.file(name));
    }

    TempDir dir;

  private:
    std::unique_ptr<Store> store_;
};

}  // namespace

TEST_CASE("a backup replaces an older copy and nothing else") {
    Names names;
    SUBCASE("no file yet") {
        CHECK(names.copy_to("copy.db") == "");
    }
    SUBCASE("an empty file") {
        names.write("copy.db", "");
        CHECK(names.copy_to("copy.db") == "");
    }
    SUBCASE("an older copy, also by a link") {
        CHECK(names.copy_to("copy.db") == "");
        CHECK(names.copy_to("copy.db") == "");
        names.link("link.db", "copy.db");
        CHECK(names.copy_to("link.db") == "");
    }
    SUBCASE("an older copy that was looked at") {
        CHECK(names.copy_to("copy.db") == "");
        { const Database looked(names.dir.file("copy.db"), Database::Mode::read_write); }
        CHECK(names.copy_to("copy.db") == "");
    }
    SUBCASE("the database itself") {
        names.link("link.db", "source.db");
        std::filesystem::create_hard_link(names.dir.file("source.db"), names.dir.file("hard.db"));
        for (const std::string name : {"source.db", "link.db", "hard.db"}) {
            CHECK(names.copy_to(name) == name + ": is the database itself; name another FILE");
        }
    }
    SUBCASE("what belongs to the database") {
        names.link("link", "source.db-wal");
        for (const std::string name :
             {"source.db-wal", "source.db-shm", "source.db-journal", "source.db.lock", "link"}) {
            CHECK(names.copy_to(name) ==
                  name + ": belongs to the database source.db; name another FILE");
        }
    }
    SUBCASE("a mail") {
        names.write("mail.eml", "Subject: hello\n\nhello\n");
        names.link("link", "mail.eml");
        for (const std::string name : {"mail.eml", "link"}) {
            CHECK(names.copy_to(name) ==
                  name +
                      ": is there and no copy of a dmarcbox database; name another FILE or remove "
                      "it first");
        }
        CHECK(std::filesystem::file_size(names.dir.file("mail.eml")) == 22);
    }
    SUBCASE("a database of another program") {
        {
            auto other = Database::create_empty(names.dir.file("other.db"), 0640);
            other.execute("CREATE TABLE t (a); PRAGMA application_id = 7");
        }
        CHECK(names.copy_to("other.db") ==
              "other.db: is a database of another program; name another FILE");
    }
    SUBCASE("a folder, a pipe") {
        std::filesystem::create_directory(names.dir.file("folder"));
        REQUIRE(::mkfifo(names.dir.file("pipe").c_str(), 0600) == 0);
        names.link("link", "pipe");
        for (const std::string name : {"folder", "pipe", "link"}) {
            CHECK(names.copy_to(name) ==
                  name + ": is no regular file; name a FILE that is none yet, or an older copy");
        }
        CHECK(std::filesystem::is_fifo(names.dir.file("pipe")));
    }
    SUBCASE("a database with a log") {
        Store used(names.dir.file("used.db"));
        (void)used.add(message("b", {}));
        names.link("link.db", "used.db");
        for (const std::string name : {"used.db", "link.db"}) {
            CHECK(names.copy_to(name) ==
                  name +
                      ": is a database in use: used.db-wal holds what the file does not; name "
                      "another FILE");
        }
    }
    SUBCASE("a name that somebody else's log waits for") {
        names.write("gone.db-journal", "journal");
        CHECK(names.copy_to("gone.db") ==
              "gone.db: is a database in use: gone.db-journal holds what the file does not; name "
              "another FILE");
    }
    SUBCASE("a database that another process has open, all of it in the file") {
        std::array<int, 2> ready{};
        REQUIRE(::pipe(ready.data()) == 0);
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            Store used(names.dir.file("used.db"));
            (void)used.add(message("b", {}));
            (void)used.database.checkpoint(Database::Checkpoint::truncate);
            (void)!::write(ready[1], "x", 1);
            ::pause();
            ::_exit(0);
        }
        ::close(ready[1]);
        char byte = 0;
        CHECK(::read(ready[0], &byte, 1) == 1);
        names.link("link.db", "used.db");
        for (const std::string name : {"used.db", "link.db"}) {
            CHECK(names.copy_to(name) == name + ": is a database in use by process " +
                                             std::to_string(child) + "; name another FILE");
        }
        ::close(ready[0]);
        ::kill(child, SIGKILL);
        CHECK(::waitpid(child, nullptr, 0) == child);
        CHECK(names.copy_to("used.db") == "");
    }
}

TEST_CASE("an unfinished copy that is no file is not written to") {
    Names names;
    names.write("precious", "precious");
    names.link("copy.db.part", "precious");
    Database source(names.dir.file("source.db"), Database::Mode::read_only);
    CHECK_THROWS_AS(back_up(source, names.dir.file("copy.db")), DatabaseError);
    CHECK(std::filesystem::file_size(names.dir.file("precious")) == 8);
}

TEST_CASE("a backup is verified and complete and replaces the old one at once") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    add_one_of_each(store);
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
