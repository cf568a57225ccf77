#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include "tests/server/command_folder.hpp"

using namespace dmarcbox;
using test::CommandFolder;
using test::CommandResult;
using test::is_one_line;
using test::kReportMail;

TEST_CASE("cli: a backup that is interrupted leaves the old one and no half copy") {
    const CommandFolder folder;
    folder.write("mail.eml", kReportMail);
    REQUIRE(folder.run("import --db t.db mail.eml").code == 0);
    REQUIRE(folder.run("backup --db t.db copy.db").code == 0);
    const std::string old = folder.read("copy.db");
    folder.write("copy.db.part", "");
    const std::string part = folder / "copy.db.part";
    // Held here, so that the copy waits for its first page: the bytes that SQLite locks.
    const int held = ::open(part.c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(held >= 0);
    struct flock range {};
    range.l_type = F_WRLCK;
    range.l_start = 0x40000000;
    range.l_len = 512;
    REQUIRE(::fcntl(held, F_SETLK, &range) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::execl(DMARCBOX_BINARY, "dmarcbox", "backup", "--db", (folder / "t.db").c_str(),
                (folder / "copy.db").c_str(), nullptr);
        ::_exit(127);
    }
    const auto begun = [&] {
        std::error_code gone;
        const std::string process = "/proc/" + std::to_string(child);
        if (std::filesystem::read_symlink(process + "/exe", gone).filename() != "dmarcbox") {
            return false;  // still a copy of this process with its files
        }
        for (const auto& entry :
             std::filesystem::directory_iterator("/proc/" + std::to_string(child) + "/fd", gone)) {
            if (std::filesystem::read_symlink(entry.path(), gone) == part) {
                return true;
            }
        }
        return false;
    };
    for (int i = 0; i < 500 && !begun(); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    CHECK(begun());
    ::kill(child, SIGINT);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    ::close(held);
    CHECK(WIFSIGNALED(status));
    CHECK(folder.read("copy.db") == old);
    CHECK_FALSE(std::filesystem::exists(part));
}

TEST_CASE("cli: a backup and a page replace no database that is served") {
    const CommandFolder folder;
    folder.write("mail.eml", kReportMail);
    REQUIRE(folder.run("import --db t.db mail.eml").code == 0);
    folder.write("serve.sh",
                 "'" DMARCBOX_BINARY
                 "' serve --db live.db --listen 127.0.0.1:0 --accept @example.org 2>log &\n"
                 "for i in $(seq 100); do grep -qs listening log && break; sleep 0.05; done\n"
                 "ln -s live.db link.db\n"
                 "for name in live.db link.db; do\n"
                 "    '" DMARCBOX_BINARY
                 "' backup --db t.db $name; echo $?\n"
                 "    '" DMARCBOX_BINARY
                 "' summary --db t.db --html $name; echo $?\n"
                 "done >codes 2>errors\n"
                 "kill $!; wait\n");
    const std::string before = "cd '" + (folder / ".") + "' && sh serve.sh";
    CHECK(std::system(before.c_str()) == 0);
    CHECK(folder.read("codes").find("\n0\n") == std::string::npos);
    const std::string errors = folder.read("errors");
    CHECK(errors.find("dmarcbox: live.db: is a database in use") != std::string::npos);
    CHECK(errors.find("dmarcbox: link.db: is a database in use") != std::string::npos);
    CHECK(errors.find("dmarcbox: link.db: is a database; name another FILE") != std::string::npos);
    CHECK(folder.run("verify --db live.db").code == 0);
}

TEST_CASE("cli: a page replaces a page and nothing else") {
    const CommandFolder folder;
    folder.write("mail.eml", kReportMail);
    REQUIRE(folder.run("import --db t.db mail.eml").code == 0);
    const auto page = [&](const std::string& name) {
        return folder.run("summary --db t.db --html " + name);
    };
    SUBCASE("a new one, an older one, also by a link") {
        CHECK(page("page.html").code == 0);
        CHECK(folder.read("page.html").starts_with("<!doctype html>"));
        folder.write("page.html", "old");
        std::filesystem::permissions(folder / "page.html", std::filesystem::perms(0604));
        std::filesystem::create_symlink(folder / "page.html", folder / "link.html");
        CHECK(page("link.html").code == 0);
        CHECK(std::filesystem::is_symlink(folder / "link.html"));
        CHECK(folder.read("page.html").starts_with("<!doctype html>"));
        CHECK(std::filesystem::status(folder / "page.html").permissions() ==
              std::filesystem::perms(0604));
    }
    SUBCASE("standard output and a pipe") {
        CHECK(page("-").out.starts_with("<!doctype html>"));
        CHECK(page("/dev/stdout").out.starts_with("<!doctype html>"));
        folder.write("pipe.sh", "mkfifo pipe; cat pipe >page & '" DMARCBOX_BINARY
                                "' summary --db t.db --html pipe; wait; '" DMARCBOX_BINARY
                                "' summary --db t.db --html /dev/stdout | cat >>page\n");
        const std::string command = "cd '" + (folder / ".") + "' && sh pipe.sh";
        CHECK(std::system(command.c_str()) == 0);
        const std::string both = folder.read("page");
        CHECK(both.starts_with("<!doctype html>"));
        CHECK(both.find("</html>\n<!doctype html>") != std::string::npos);
    }
    SUBCASE("a database and what belongs to it") {
        const std::string before = folder.read("t.db");
        std::filesystem::copy_file(folder / "t.db", folder / "other.db");
        std::filesystem::create_symlink("t.db", folder / "link.html");
        for (const std::string name :
             {"t.db", "link.html", "other.db", "t.db-wal", "other.db.lock"}) {
            CAPTURE(name);
            const CommandResult refused = page(name);
            CHECK(refused.code == 1);
            CHECK(is_one_line(refused.err));
            CHECK(refused.err.ends_with("; name another FILE for the page\n"));
        }
        CHECK(folder.read("t.db") == before);
        CHECK(folder.read("other.db") == before);
    }
    SUBCASE("a folder and a device") {
        std::filesystem::create_directory(folder / "folder");
        for (const std::string name : {"folder", "/dev/null"}) {
            CAPTURE(name);
            const CommandResult refused = page(name);
            CHECK(refused.code == 1);
            CHECK(refused.err ==
                  "dmarcbox: " + name +
                      ": is no regular file; name another FILE, or - for standard output\n");
        }
    }
    SUBCASE("a run that fails leaves the old one") {
        folder.write("page.html", "old");
        folder.write("full.sh", "trap '' XFSZ; ulimit -f 4\n'" DMARCBOX_BINARY
                                "' summary --db t.db --html page.html 2>error\n");
        const std::string command = "cd '" + (folder / ".") + "' && sh full.sh";
        CHECK(WEXITSTATUS(std::system(command.c_str())) == 1);
        CHECK(is_one_line(folder.read("error")));
        CHECK(folder.read("page.html") == "old");
        for (const auto& entry : std::filesystem::directory_iterator(folder / ".")) {
            CHECK(entry.path().extension() != ".part");
        }
    }
}
