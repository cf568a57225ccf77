#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>

#include "server/commands/completion.hpp"
#include "storage/database.hpp"

using namespace dmarcbox;

namespace {

struct Result {
    int code = -1;
    std::string out;
    std::string err;
};

class Folder {
  public:
    Folder() {
        std::string name = std::filesystem::temp_directory_path() / "dmarcbox-cli-XXXXXX";
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { std::filesystem::remove_all(path_); }

    [[nodiscard]] std::string operator/(const std::string& name) const {
        return (path_ / name).string();
    }
    void write(const std::string& name, std::string_view text) const {
        std::ofstream(path_ / name, std::ios::binary) << text;
    }
    [[nodiscard]] std::string read(const std::string& name) const {
        std::ifstream in(path_ / name, std::ios::binary);
        std::ostringstream text;
        text << in.rdbuf();
        return text.str();
    }

    /// Runs `dmarcbox ARGUMENTS` in a shell, in this folder, and waits.
    [[nodiscard]] Result run(const std::string& arguments) const {
        // Redirections of the arguments come later and win.
        const std::string command = "cd '" + path_.string() +
                                    "' && <'/dev/null' >stdout.txt 2>stderr.txt "
                                    "env -u DMARCBOX_CONFIG '" DMARCBOX_BINARY "' " +
                                    arguments;
        const int status = std::system(command.c_str());
        Result result;
        result.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        result.out = read("stdout.txt");
        result.err = read("stderr.txt");
        return result;
    }

  private:
    std::filesystem::path path_;
};

const std::string kReport =
    "From: noreply@reporter.example\nSubject: \x1b[31m\xe2\x80\xaeneder\nDate: Tue, 14 Nov 2023 "
    "22:13:20 +0000\n"
    "Message-ID: <m1@reporter.example>\nContent-Type: text/xml\n\n"
    "<feedback><report_metadata><org_name>Reporter &#27;[2J Inc</org_name>"
    "<report_id>r1</report_id><date_range><begin>1700006400</begin><end>1700092799</end>"
    "</date_range></report_metadata><policy_published><domain>example.org</domain><p>none</p>"
    "</policy_published><record><row><source_ip>192.0.2.1</source_ip><count>3</count>"
    "<policy_evaluated><disposition>none</disposition><dkim>pass</dkim><spf>fail</spf>"
    "</policy_evaluated></row><identifiers><header_from>example.org</header_from></identifiers>"
    "<auth_results><dkim><domain>example.org</domain><result>pass</result></dkim></auth_results>"
    "</record></feedback>\n";

bool is_one_line(const std::string& text) {
    return text.starts_with("dmarcbox: ") && text.find('\n') == text.size() - 1;
}

}  // namespace

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
    const Folder folder;
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            const Result result = folder.run(row.arguments);
            CHECK(result.code == 2);
            CHECK(result.err == row.line);
            CHECK(result.out.empty());
        }
    }
}

TEST_CASE("cli: help and version are found anywhere in a line") {
    const Folder folder;
    for (const char* arguments : {"--help", "-h", "help"}) {
        CAPTURE(arguments);
        const Result result = folder.run(arguments);
        CHECK(result.code == 0);
        CHECK(result.err.empty());
        CHECK(result.out.find("\nCOMMANDS\n") != std::string::npos);
    }
    for (const char* arguments :
         {"import --help", "help import", "import x -h", "import --jbos -h"}) {
        CAPTURE(arguments);
        const Result result = folder.run(arguments);
        CHECK(result.code == 0);
        CHECK(result.out.find("\nUSAGE\n  dmarcbox import PATH... [FLAGS]\n") != std::string::npos);
        CHECK(result.out.find("\nEXAMPLES\n  dmarcbox import ") != std::string::npos);
        CHECK(result.out.find("\nEXAMPLES\n") < result.out.find("\nFLAGS\n"));
    }
    const Result version = folder.run("--version");
    CHECK(version.code == 0);
    CHECK(version.out.starts_with("dmarcbox "));
    CHECK(version.out.find("SQLite") != std::string::npos);
    CHECK(version.out.find("commit ") != std::string::npos);
    const Result nothing = folder.run("");
    CHECK(nothing.code == 2);
    CHECK(nothing.out.empty());
    CHECK(nothing.err.find("\nCOMMANDS\n") != std::string::npos);
}

TEST_CASE("cli: every command has examples that name it") {
    const Folder folder;
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
        const Result result = folder.run(name + " --help");
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
    const Folder folder;
    folder.write("good.toml", "[smtp]\naccept = [\"rua@reports.example\"]\n");
    folder.write("bad.toml", "[smtp]\nacept = []\n");
    const Result good = folder.run("config --config good.toml --db x.db");
    CHECK(good.code == 0);
    CHECK(good.err.empty());
    CHECK(good.out.find("accept = [\"rua@reports.example\"]") != std::string::npos);
    CHECK(good.out.find("# good.toml:2\n") != std::string::npos);
    CHECK(good.out.find("path = \"x.db\"") != std::string::npos);
    folder.write("printed.toml", good.out);
    const Result again = folder.run("config --config printed.toml");
    CHECK(again.code == 0);
    CHECK(again.out.find("# printed.toml:") != std::string::npos);
    const Result bad = folder.run("config --config bad.toml");
    CHECK(bad.code == 1);
    CHECK(bad.out.empty());
    CHECK(bad.err ==
          "dmarcbox: bad.toml:2: unknown key \"smtp.acept\"; nearest is \"smtp.accept\"\n");
    const Result serve = folder.run("serve --config bad.toml");
    CHECK(serve.code == 2);
    CHECK(is_one_line(serve.err));
}

TEST_CASE("cli: a message from import to show and back to bytes") {
    const Folder folder;
    folder.write("report.eml", kReport);
    folder.write("note.txt", "no mail at all\n");
    const Result import = folder.run("import --db reports.db report.eml");
    CHECK(import.err.empty());
    CHECK(import.code == 0);
    CHECK(import.out.find("1 message in ") == 0);
    CHECK(import.out.find("1 report (1 record), 0 re-sent, 0 other, 0 unreadable\n") !=
          std::string::npos);

    SUBCASE("again it is known") {
        const Result again = folder.run("import --db reports.db report.eml");
        CHECK(again.code == 0);
        CHECK(again.out.find("already known, not stored again: 1\n") != std::string::npos);
    }
    SUBCASE("a folder leaves out what is neither mail nor report and a name does not") {
        const Result walk = folder.run("import --db other.db .");
        CHECK(walk.out.find("skipped in folders") != std::string::npos);
        CHECK(folder.run("import --db reports.db note.txt").out.find("1 other") !=
              std::string::npos);
    }
    SUBCASE("standard input") {
        const Result piped = folder.run("import --db other.db - < report.eml");
        CHECK(piped.code == 0);
        CHECK(piped.out.find("1 report (1 record)") != std::string::npos);
    }
    SUBCASE("a database from standard input") {
        const Result piped = folder.run("import --db other.db - < reports.db");
        CHECK(piped.code == 1);
        CHECK(piped.err ==
              "dmarcbox: standard input: is a database; name it by its path: `dmarcbox import "
              "other.db`\n");
    }
    SUBCASE("unreadable is told and exits 1") {
        folder.write("broken.gz", "\x1f\x8b\x08 broken");
        const Result broken = folder.run("import --db reports.db broken.gz");
        CHECK(broken.code == 1);
        CHECK(is_one_line(broken.err));
        CHECK(broken.out.find("1 unreadable") != std::string::npos);
        CHECK(broken.out.find("SELECT * FROM problems") != std::string::npos);
    }
    SUBCASE("a path that is not there is told and exits 1") {
        const Result missing = folder.run("import --db reports.db nothing.eml");
        CHECK(missing.code == 1);
        CHECK(missing.err == "dmarcbox: nothing.eml: No such file or directory\n");
    }
    SUBCASE("show neutralises what the reporter wrote") {
        const Result show = folder.run("show 1 --db reports.db");
        CHECK(show.code == 0);
        CHECK(show.out.find('\x1b') == std::string::npos);
        CHECK(show.out.find("\\u{202e}neder") != std::string::npos);
        CHECK(show.out.find("192.0.2.1") != std::string::npos);
        CHECK(show.out.find("/ r1 / example.org") != std::string::npos);
    }
    SUBCASE("show says what a record's result rests on") {
        folder.write(
            "full.xml",
            "<feedback><report_metadata><org_name>R</org_name><email>a@r.example</email>"
            "<extra_contact_info>https://r.example/</extra_contact_info><report_id>f</report_id>"
            "<date_range><begin>1767225600</begin><end>1767311999</end></date_range>"
            "<generator>maker 1</generator></report_metadata><policy_published>"
            "<domain>example.org</domain><p>none</p><discovery_method>treewalk</discovery_method>"
            "</policy_published><record><row><source_ip>192.0.2.1</source_ip><count>1</count>"
            "<policy_evaluated><disposition>none</disposition><dkim>fail</dkim><spf>fail</spf>"
            "<reason><type>forwarded</type><comment>a list</comment></reason></policy_evaluated>"
            "</row><identifiers><header_from>example.org</header_from>"
            "<envelope_from>b.example</envelope_from><envelope_to>c.example</envelope_to>"
            "</identifiers><auth_results><dkim><domain>d.example</domain><selector>s1</selector>"
            "<result>permerror</result><human_result>bad key</human_result></dkim><spf>"
            "<domain>b.example</domain><scope>mfrom</scope><result>softfail</result></spf>"
            "</auth_results></record></feedback>");
        CHECK(folder.run("import --db full.db full.xml").code == 0);
        const Result show = folder.run("show 1 --db full.db");
        for (const char* line :
             {"  contact https://r.example/\n", "  generator maker 1\n",
              " discovery_method=treewalk", "    dkim permerror d=d.example s=s1: bad key\n",
              "    spf softfail mfrom=b.example\n", "    reason forwarded: a list\n",
              "    envelope b.example to c.example\n"}) {
            CAPTURE(std::string(line));
            CHECK(show.out.find(line) != std::string::npos);
        }
    }
    SUBCASE("show --raw gives the bytes") {
        const Result raw = folder.run("show 1 --raw --db reports.db");
        CHECK(raw.code == 0);
        CHECK(raw.out == kReport);
    }
    SUBCASE("show of what is no number") {
        for (const char* number : {"abc", "-1", "1.5", "99999999999999999999"}) {
            const Result wrong = folder.run("show " + std::string(number) + " --db reports.db");
            CHECK(wrong.code == 2);
            CHECK(wrong.err == "dmarcbox: show: ID: \"" + std::string(number) +
                                   "\" is no number of a message; see `dmarcbox show --help`\n");
        }
    }
    SUBCASE("show of nothing") {
        const Result none = folder.run("show 99 --db reports.db");
        CHECK(none.code == 1);
        CHECK(none.err == "dmarcbox: there is no message 99\n");
        CHECK(folder.run("show 99 --raw --db reports.db").code == 1);
    }
    SUBCASE("reprocess changes nothing that was understood") {
        const Result again = folder.run("reprocess --all --db reports.db");
        CHECK(again.code == 0);
        CHECK(again.out == "1 message read again, 0 changed\n");
    }
    SUBCASE("reprocess replaces what older code made of a message") {
        {
            storage::Database database(folder / "reports.db", storage::Database::Mode::read_write);
            database.execute(
                "UPDATE messages SET subject = 'old';"
                "INSERT INTO findings(message_id, position, stage, code, fault)"
                " VALUES (1, 9, 'xml', 'not_well_formed', 1);"
                "UPDATE source_totals SET reporters = 9;"
                "INSERT INTO stale_totals(domain) VALUES ('example.org')");
        }
        CHECK(folder.run("verify --db reports.db").code == 1);
        const Result again = folder.run("reprocess --all --db reports.db");
        CHECK(again.code == 0);
        CHECK(again.out ==
              "message 1: report, 1 kept, header changed, findings changed\n"
              "1 message read again, 1 changed\n");
        CHECK(folder.run("verify --db reports.db").code == 0);
        CHECK(folder.run("show 1 --db reports.db").out.find("Subject: old") == std::string::npos);
        CHECK(folder.run("reprocess --all --db reports.db").out ==
              "1 message read again, 0 changed\n");
    }
    SUBCASE("verify is content and sees what was changed behind its back") {
        const Result good = folder.run("verify --db reports.db");
        CHECK(good.code == 0);
        CHECK(good.out == "1 originals and 1 reports checked, no problem\n");
    }
    SUBCASE("backup is a database") {
        const Result backup = folder.run("backup copy.db --db reports.db");
        CHECK(backup.code == 0);
        CHECK(backup.out.find("1 messages, 1 records") != std::string::npos);
        CHECK(folder.run("show 1 --db copy.db").out == folder.run("show 1 --db reports.db").out);
        const Result merged = folder.run("import copy.db --db other.db");
        CHECK(merged.code == 0);
        CHECK(merged.out.find("1 report (1 record)") != std::string::npos);
    }
    SUBCASE("a database with pruned reports is merged from its originals, or not at all") {
        const auto sum = [&folder](const std::string& name) {
            storage::Database database(folder / name, storage::Database::Mode::read_only);
            return database.integer("SELECT ifnull(sum(messages), 0) FROM daily");
        };
        const auto prune = [&folder](const std::string& retention) {
            folder.write("prune.toml", "[retention]\n" + retention);
            return folder.run("prune --db reports.db --config prune.toml").code;
        };
        {
            storage::Database database(folder / "reports.db", storage::Database::Mode::read_write);
            database.execute("UPDATE messages SET received_at = received_at - 1000 * 86400");
        }
        CHECK(prune("reports_days = 1\noriginals_days = 0\n") == 0);
        const std::int64_t all = sum("reports.db");
        REQUIRE(all > 0);
        const Result again = folder.run("import reports.db --db again.db");
        CHECK(again.code == 0);
        CHECK(again.out.find(": 1 report (1 record)") != std::string::npos);
        CHECK(sum("again.db") == all);
        CHECK(folder.run("import report.eml --db again.db").code == 0);
        CHECK(sum("again.db") == all);
        // The file is not doubled where its records were pruned either.
        CHECK(folder.run("import report.eml --db reports.db").code == 0);
        CHECK(sum("reports.db") == all);

        CHECK(prune("reports_days = 1\noriginals_days = 1\n") == 0);
        const Result gone = folder.run("import reports.db --db gone.db");
        CHECK(gone.code == 1);
        CHECK(gone.out.find("left out, since retention had removed their rows and originals there: "
                            "1 report; import the files they came from\n") != std::string::npos);
        CHECK(folder.run("import report.eml --db gone.db").code == 0);
        CHECK(sum("gone.db") == all);
        CHECK(folder.run("verify --db gone.db").code == 0);
    }
    SUBCASE("prune has nothing to do") {
        CHECK(folder.run("prune --dry-run --db reports.db").out == "nothing is due\n");
        CHECK(folder.run("prune --db reports.db").out == "nothing is due\n");
    }
}

TEST_CASE("cli: an import that was interrupted goes on where it was") {
    const Folder folder;
    constexpr int kMails = 8000;
    std::string mbox;
    for (int i = 0; i < kMails; ++i) {
        mbox += "From a@b.example Tue Nov 14 22:13:20 2023\nSubject: " + std::to_string(i) +
                "\n\nhello\n\n";
    }
    folder.write("many.mbox", mbox);
    // The kill comes when the first hundreds of rows are there, long before the last.
    folder.write("interrupt.sh",
                 "'" DMARCBOX_BINARY
                 "' import --db reports.db many.mbox >out.txt 2>err.txt &\n"
                 "pid=$!\n"
                 "while [ \"$(stat -c %s reports.db-wal 2>/dev/null || echo 0)\" -lt 300000 ] &&\n"
                 "    kill -0 $pid 2>/dev/null; do sleep 0.01; done\n"
                 "kill -INT $pid; wait $pid\n");
    const int status =
        std::system(("cd '" + (folder / ".") + "' && sh interrupt.sh 2>/dev/null").c_str());
    CHECK(WEXITSTATUS(status) == 130);
    CHECK(folder.read("err.txt").find("start it again to go on") != std::string::npos);
    const Result second = folder.run("import --db reports.db many.mbox");
    CHECK(second.code == 0);
    CHECK(second.out.find("8,000 messages in") == 0);
    const auto known = second.out.find("already known, not stored again: ");
    REQUIRE(known != std::string::npos);
    const Result third = folder.run("import --db reports.db many.mbox");
    CHECK(third.out.find("already known, not stored again: 8,000\n") != std::string::npos);
}

TEST_CASE("cli: an import that waits for standard input can be interrupted") {
    const Folder folder;
    // A shell starts background jobs with SIGINT ignored: it counts once the import listens to it.
    folder.write("interrupt.sh",
                 "mkfifo pipe; sleep 60 >pipe &\n"
                 "writer=$!\n"
                 "'" DMARCBOX_BINARY
                 "' import --db reports.db - <pipe >out.txt 2>err.txt &\n"
                 "pid=$!\n"
                 "for i in $(seq 300); do kill -INT $pid 2>/dev/null || break; sleep 0.05; done\n"
                 "kill $writer; kill -KILL $pid; wait $pid\n");
    const int status =
        std::system(("cd '" + (folder / ".") + "' && sh interrupt.sh 2>/dev/null").c_str());
    CHECK(WEXITSTATUS(status) == 130);
    CHECK(folder.read("err.txt") ==
          "dmarcbox: interrupted; start it again to go on, what is stored is skipped\n");
}

TEST_CASE("cli: a backup that is interrupted leaves the old one and no half copy") {
    const Folder folder;
    folder.write("mail.eml", kReport);
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
    const Folder folder;
    folder.write("mail.eml", kReport);
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
    const Folder folder;
    folder.write("mail.eml", kReport);
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
            const Result refused = page(name);
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
            const Result refused = page(name);
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

TEST_CASE("cli: a narrow terminal") {
    const Folder folder;
    folder.write("mail.eml", kReport);
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

TEST_CASE("cli: prune removes what is older than its days") {
    const Folder folder;
    folder.write("report.eml", kReport);
    folder.write("short.toml", "[retention]\nreports_days = 30\n");
    CHECK(folder.run("import --db reports.db report.eml").code == 0);
    const std::string flags = " --db reports.db --config short.toml";
    const std::string words = "aggregate reports lose their records (totals stay)";
    CHECK(folder.run("prune --dry-run" + flags).out.find("would remove            1  " + words) !=
          std::string::npos);
    CHECK(folder.run("prune" + flags).out.find("removed            1  " + words) !=
          std::string::npos);
    CHECK(folder.run("prune" + flags).out == "nothing is due\n");
    CHECK(folder.run("verify" + flags).code == 0);
}

TEST_CASE("cli: a database that cannot be used exits 1 with its name and the reason") {
    const Folder folder;
    folder.write("text.db", "this is no database, only a text that is long enough\n");
    for (const char* command : {"verify", "show 1", "reprocess", "prune", "backup x", "import x"}) {
        CAPTURE(command);
        if (std::string_view(command) != "import x") {
            const Result missing = folder.run(std::string(command) + " --db nothing.db");
            CHECK(missing.code == 1);
            CHECK(missing.err ==
                  "dmarcbox: nothing.db: no such file; --db FILE names the database\n");
            CHECK_FALSE(std::filesystem::exists(folder / "nothing.db"));
        }
        const Result text = folder.run(std::string(command) + " --db text.db");
        CHECK(text.code == 1);
        CHECK(is_one_line(text.err));
        CHECK(text.err.find("text.db") != std::string::npos);
    }
}

TEST_CASE("cli: a database of another user is told with its owner") {
    if (::geteuid() != 0) {
        return;  // needs a second user
    }
    const Folder folder;
    folder.write("mail.eml", kReport);
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

TEST_CASE("cli: output that cannot be written is an error") {
    const Folder folder;
    for (const char* arguments : {"config", "--help", "--version"}) {
        CAPTURE(arguments);
        const Result result = folder.run(std::string(arguments) + " > /dev/full");
        CHECK(result.code == 1);
        CHECK(result.err == "dmarcbox: standard output: cannot be written\n");
    }
}

TEST_CASE("completion: scripts name commands and flags and are valid shell") {
    const Folder folder;
    for (const char* shell : {"bash", "zsh", "fish"}) {
        CAPTURE(shell);
        const Result result = folder.run(std::string("completion ") + shell);
        CHECK(result.code == 0);
        CHECK(result.out.find("import") != std::string::npos);
        CHECK(result.out.find("jobs") != std::string::npos);
    }
    CHECK(folder.run("completion tcsh").code == 2);
    struct Row {
        const char* line;  ///< as bash cuts it
        const char* offered;
    };
    const auto rows = std::to_array<Row>({
        {"--db x.db imp", "import"},
        {"--db = x.db imp", "import"},
        {"import --jo", "--jobs"},
        {"readiness --policy ''", "quarantine reject"},
        {"summary --csv --table s", "sources samples"},
        {"--color =", "auto always never"},
        {"completion ''", "bash zsh fish"},
        {"help ver", "verify"},
        {"--db wor", "words.sh"},
        {"import wor", "words.sh"},
        {"summary --days ''", ""},
        {"readiness wor", ""},
    });
    std::string script = "source <('" DMARCBOX_BINARY "' completion bash)\n";
    std::string expected;
    for (const auto& row : rows) {
        script += std::string("COMP_WORDS=(dmarcbox ") + row.line +
                  "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _dmarcbox; echo \"${COMPREPLY[*]}\"\n";
        expected += std::string(row.offered) + "\n";
    }
    folder.write("words.sh", script);
    const int status =
        std::system(("cd '" + (folder / ".") + "' && bash words.sh > out.txt 2>&1").c_str());
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(folder.read("out.txt") == expected);
}

TEST_CASE("completion: quotes in descriptions do not end the script") {
    const std::string script = completion_script("fish", {{"x", "it's", {}, {}}}, {});
    CHECK(script.find("-d 'it'\\''s'") != std::string::npos);
}
