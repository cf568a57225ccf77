#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "tests/server/command_folder.hpp"

using namespace dmarcbox;
using test::CommandFolder;
using test::CommandResult;
using test::is_one_line;
using test::kReportMail;

TEST_CASE("cli: wrong usage exits 2 with one line that tells what to do") {
    struct Row {
        const char* name;
        const char* arguments;
        const char* line;
    };
    const auto rows = std::to_array<Row>({
        {"mistyped command", "improt x",
         "dmarcbox: no command \"improt\"; did you mean \"import\"? `dmarcbox --help` lists "
         "all.\n"},
        {"command after a flag with a value", "--db x.db improt",
         "dmarcbox: no command \"improt\"; did you mean \"import\"? `dmarcbox --help` lists "
         "all.\n"},
        {"mistyped flag", "import --jbos 3 x",
         "dmarcbox: import: no flag \"--jbos\"; did you mean \"--jobs\"?\n"},
        {"mistyped flag of every command", "verify --bd x",
         "dmarcbox: verify: no flag \"--bd\"; did you mean \"--db\"?\n"},
        {"beginning of a command", "summ",
         "dmarcbox: no command \"summ\"; did you mean \"summary\"? `dmarcbox --help` lists all.\n"},
        {"shortest beginning of a command", "su",
         "dmarcbox: no command \"su\"; did you mean \"summary\"? `dmarcbox --help` lists all.\n"},
        {"beginning of two commands", "re",
         "dmarcbox: no command \"re\"; `dmarcbox --help` lists all.\n"},
        {"beginning of a flag", "prune --dry",
         "dmarcbox: prune: no flag \"--dry\"; did you mean \"--dry-run\"?\n"},
        {"flag without a command", "-x", "dmarcbox: no flag \"-x\"; `dmarcbox --help` lists all\n"},
        {"table without csv", "summary --table days",
         "dmarcbox: summary: --table requires --csv; see `dmarcbox summary --help`\n"},
        {"help with a value", "serve --help=x", "dmarcbox: serve: --help takes no value\n"},
        {"help with a value without a command", "--help=x", "dmarcbox: --help takes no value\n"},
        {"a flag behind --", "readiness -- example.org --db s.db",
         "dmarcbox: readiness: unexpected argument \"--db\"; see `dmarcbox readiness --help`\n"},
        {"days and since", "summary --since 2026-11-01 --days 3",
         "dmarcbox: summary: --days excludes --since; see `dmarcbox summary --help`\n"},
        {"summary of no domain", "summary --domain 'exa mple'",
         "dmarcbox: \"exa mple\" is no domain name; write it as in example.org\n"},
        {"readiness of a URL", "readiness http://example.org/",
         "dmarcbox: \"http://example.org/\" is no domain name; write it as in example.org\n"},
        {"readiness of nothing", "readiness ''",
         "dmarcbox: \"\" is no domain name; write it as in example.org\n"},
        {"dns of an address", "dns 192.0.2.1",
         "dmarcbox: \"192.0.2.1\" is no domain name; write it as in example.org\n"},
        {"no name server", "dns example.org --check --name-server foo",
         "dmarcbox: --name-server \"foo\" is not ADDRESS or ADDRESS@PORT\n"},
        {"name server without check", "dns example.org --name-server 127.0.0.1",
         "dmarcbox: dns: --name-server requires --check; see `dmarcbox dns --help`\n"},
        {"port without check", "dns example.org --smtp-port 2525",
         "dmarcbox: dns: --smtp-port requires --check; see `dmarcbox dns --help`\n"},
        {"missing argument", "import",
         "dmarcbox: import: PATH is required; see `dmarcbox import --help`\n"},
        {"one argument too many", "verify again",
         "dmarcbox: verify: unexpected argument \"again\"; see `dmarcbox verify --help`\n"},
        {"an escape in an argument", "\"$(printf 'a\\033[2J')\"",
         "dmarcbox: no command \"a\\u{1b}[2J\"; `dmarcbox --help` lists all.\n"},
        {"a bad setting", "serve --listen nowhere",
         "dmarcbox: --listen: smtp.listen = \"nowhere\" is not ADDRESS:PORT\n"},
    });
    const CommandFolder folder;
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            const CommandResult result = folder.run(row.arguments);
            CHECK(result.code == 2);
            CHECK(result.err == row.line);
            CHECK(result.out.empty());
        }
    }
}

TEST_CASE("cli: help and version are found anywhere in a line") {
    const CommandFolder folder;
    for (const char* arguments : {"--help", "-h", "help"}) {
        CAPTURE(arguments);
        const CommandResult result = folder.run(arguments);
        CHECK(result.code == 0);
        CHECK(result.err.empty());
        CHECK(result.out.find("\nCOMMANDS\n") != std::string::npos);
    }
    for (const char* arguments :
         {"import --help", "help import", "import x -h", "import --jbos -h"}) {
        CAPTURE(arguments);
        const CommandResult result = folder.run(arguments);
        CHECK(result.code == 0);
        CHECK(result.out.find("\nUSAGE\n  dmarcbox import PATH... [FLAGS]\n") != std::string::npos);
        CHECK(result.out.find("\nEXAMPLES\n  dmarcbox import ") != std::string::npos);
        CHECK(result.out.find("\nEXAMPLES\n") < result.out.find("\nFLAGS\n"));
    }
    const CommandResult version = folder.run("--version");
    CHECK(version.code == 0);
    CHECK(version.out.starts_with("dmarcbox "));
    CHECK(version.out.find("SQLite") != std::string::npos);
    CHECK(version.out.find("commit ") != std::string::npos);
    const CommandResult nothing = folder.run("");
    CHECK(nothing.code == 2);
    CHECK(nothing.out.empty());
    CHECK(nothing.err.find("\nCOMMANDS\n") != std::string::npos);
}

TEST_CASE("cli: every command has examples that name it") {
    const CommandFolder folder;
    const std::string help = folder.run("--help").out;
    std::istringstream lines(help.substr(help.find("\nCOMMANDS\n") + 10));
    std::string line;
    int commands = 0;
    while (std::getline(lines, line) && line.starts_with("  ")) {
        const std::string name = line.substr(2, line.find(' ', 2) - 2);
        if (name.empty()) {
            continue;  // the line goes on
        }
        CAPTURE(name);
        const CommandResult result = folder.run(name + " --help");
        CHECK(result.code == 0);
        CHECK(result.out.find("\nEXAMPLES\n  dmarcbox " + name) != std::string::npos);
        std::istringstream flags(result.out.substr(result.out.find("\nFLAGS")));
        for (std::string flag; std::getline(flags, flag);) {
            CHECK_MESSAGE(flag.size() <= 80, flag);
        }
        ++commands;
    }
    CHECK(commands >= 9);
}

TEST_CASE("cli: config prints what is in force and tells what is wrong") {
    const CommandFolder folder;
    folder.write("good.toml", "[smtp]\naccept = [\"rua@reports.example\"]\n");
    folder.write("bad.toml", "[smtp]\nacept = []\n");
    const CommandResult good = folder.run("config --config good.toml --db x.db");
    CHECK(good.code == 0);
    CHECK(good.err.empty());
    CHECK(good.out.find("accept = [\"rua@reports.example\"]") != std::string::npos);
    CHECK(good.out.find("# good.toml:2\n") != std::string::npos);
    CHECK(good.out.find("path = \"x.db\"") != std::string::npos);
    folder.write("printed.toml", good.out);
    const CommandResult again = folder.run("config --config printed.toml");
    CHECK(again.code == 0);
    CHECK(again.out.find("# printed.toml:") != std::string::npos);
    const CommandResult bad = folder.run("config --config bad.toml");
    CHECK(bad.code == 1);
    CHECK(bad.out.empty());
    CHECK(bad.err ==
          "dmarcbox: bad.toml:2: unknown key \"smtp.acept\"; nearest is \"smtp.accept\"\n");
    const CommandResult serve = folder.run("serve --config bad.toml");
    CHECK(serve.code == 2);
    CHECK(is_one_line(serve.err));
}

TEST_CASE("cli: summary's next command works as it is printed") {
    const CommandFolder folder;
    folder.write("mail.eml", kReportMail);
    for (const char* flag : {" --db t.db", " --db 'a b.db'", ""}) {
        CAPTURE(flag);
        REQUIRE(folder.run(std::string("import mail.eml") + flag).code == 0);
        const std::string said = folder.run(std::string("summary") + flag).out;
        const std::string_view before = "\nNext: dmarcbox ";
        const auto at = said.find(before);
        REQUIRE_MESSAGE(at != std::string::npos, said);
        const std::string next = said.substr(at + before.size());
        CHECK(next == std::string("readiness example.org") + flag + "\n");
        CHECK(folder.run(next.substr(0, next.size() - 1)).out.starts_with("example.org: "));
    }
}

TEST_CASE("cli: a narrow terminal") {
    const CommandFolder folder;
    folder.write("mail.eml", kReportMail);
    REQUIRE(folder.run("import --db t.db mail.eml").code == 0);
    const std::string command = "cd '" + (folder / ".") +
                                "' && timeout 20 script -qec \"stty cols 40; env -u COLUMNS "
                                "'" DMARCBOX_BINARY
                                "' summary --db t.db\" typescript >screen.txt </dev/null";
    CHECK(std::system(command.c_str()) == 0);
    const std::string screen = folder.read("screen.txt");
    CHECK(screen.find("Next: dmarcbox readiness example.org") != std::string::npos);
    CHECK(screen.size() < 4000);
}

TEST_CASE("cli: a database that cannot be used exits 1 with its name and the reason") {
    const CommandFolder folder;
    folder.write("text.db", "this is no database, only a text that is long enough\n");
    for (const char* command : {"verify", "show 1", "reprocess", "prune", "backup x", "import x"}) {
        CAPTURE(command);
        if (std::string_view(command) != "import x") {
            const CommandResult missing = folder.run(std::string(command) + " --db nothing.db");
            CHECK(missing.code == 1);
            CHECK(missing.err ==
                  "dmarcbox: nothing.db: no such file; --db FILE names the database\n");
            CHECK_FALSE(std::filesystem::exists(folder / "nothing.db"));
        }
        const CommandResult text = folder.run(std::string(command) + " --db text.db");
        CHECK(text.code == 1);
        CHECK(is_one_line(text.err));
        CHECK(text.err.find("text.db") != std::string::npos);
    }
}

TEST_CASE("cli: a database of another user is told with its owner") {
    if (::geteuid() != 0) {
        return;  // needs a second user
    }
    const CommandFolder folder;
    folder.write("mail.eml", kReportMail);
    REQUIRE(folder.run("import --db t.db mail.eml").code == 0);
    const auto as_nobody = [&](const char* command) {
        folder.write("as.sh", "setpriv --reuid=65534 --regid=65534 --clear-groups '" DMARCBOX_BINARY
                              "' " +
                                  std::string(command) + " 2>error\n");
        const std::string line = "cd '" + (folder / ".") + "' && sh as.sh >/dev/null";
        return WEXITSTATUS(std::system(line.c_str()));
    };
    if (as_nobody("--version") != 0) {
        return;  // the build folder is closed to others
    }
    std::filesystem::permissions(folder / "t.db", std::filesystem::perms(0600));
    const char* expected =
        "dmarcbox: t.db: cannot be opened: Permission denied; run this as user root, who owns "
        "it\n";
    SUBCASE("the file") {
        std::filesystem::permissions(folder / ".", std::filesystem::perms(0755));
    }
    SUBCASE("its folder") {}
    for (const auto* command : {"summary --db t.db", "verify --db t.db"}) {
        CHECK(as_nobody(command) == 1);
        // What counts coverage complains behind it, since it may not write either.
        const std::string error = folder.read("error");
        CHECK(error.substr(0, error.find("profiling:")) == expected);
    }
}

TEST_CASE("cli: check tells its findings also where it cannot note that it did") {
    struct Row {
        const char* name;
        const char* shell;  ///< in front of the program
        const char* reason;
    };
    const std::array rows{
        Row{"a full disk", "trap '' XFSZ; ulimit -f 0; exec", "t.db: "},
        Row{"a file that others write", "exec setpriv --reuid=65534 --regid=65534 --clear-groups",
            "t.db: is read-only; run this as user root, who owns it\n"},
    };
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            const bool as_other = std::string_view(row.shell).find("setpriv") != std::string::npos;
            if (as_other && ::geteuid() != 0) {
                return;  // needs a second user
            }
            const CommandFolder folder;
            folder.write("mail.eml", kReportMail);
            REQUIRE(folder.run("import --db t.db mail.eml").code == 0);
            std::filesystem::permissions(folder / ".", std::filesystem::perms(0755));
            std::filesystem::permissions(folder / "t.db", std::filesystem::perms(0644));
            const auto run = [&](const std::string& arguments) {
                folder.write("limited.sh",
                             row.shell + std::string(" '" DMARCBOX_BINARY "' ") + arguments + "\n");
                // Through pipes, since the limit holds for the files of the results too.
                const std::string line = "cd '" + (folder / ".") +
                                         "' && { { sh limited.sh; echo $? >&3; } 2>&4 | cat >out; "
                                         "} 3>code 4>&1 | cat >err";
                REQUIRE(std::system(line.c_str()) == 0);
                return folder.read("code");
            };
            if (run("--version") != "0\n") {
                return;  // the build folder is closed to others
            }
            for (int i = 0; i < 2; ++i) {
                CHECK(run("check --db t.db") == "1\n");
                CHECK(folder.read("out").find("CRIT  no report from anyone for ") == 0);
                const std::string said = folder.read("err");
                CHECK(
                    said.starts_with("dmarcbox: the next `check` tells all of this again, since it "
                                     "cannot be noted: " +
                                     std::string(row.reason)));
            }
            const std::string told = folder.read("out");
            CHECK(run("check --all --db t.db") == "1\n");
            CHECK(folder.read("out") == told);
            CHECK(folder.read("err").substr(0, 8) != "dmarcbox");
        }
    }
}

TEST_CASE("cli: output that cannot be written is an error") {
    const CommandFolder folder;
    for (const char* arguments : {"config", "--help", "--version"}) {
        CAPTURE(arguments);
        const CommandResult result = folder.run(std::string(arguments) + " > /dev/full");
        CHECK(result.code == 1);
        CHECK(result.err == "dmarcbox: standard output: cannot be written\n");
    }
}
