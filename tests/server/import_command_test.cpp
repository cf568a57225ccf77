#include <doctest/doctest.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>
#include <string>

#include "storage/database.hpp"
#include "tests/server/command_folder.hpp"

using namespace dmarcbox;
using test::CommandFolder;
using test::CommandResult;
using test::is_one_line;
using test::kReportMail;

TEST_CASE("cli: a message from import to show and back to bytes") {
    const CommandFolder folder;
    folder.write("report.eml", kReportMail);
    folder.write("note.txt", "no mail at all\n");
    const CommandResult import = folder.run("import --db reports.db report.eml");
    CHECK(import.err.empty());
    CHECK(import.code == 0);
    CHECK(import.out.find("1 message in ") == 0);
    CHECK(import.out.find("1 report (1 record), 0 re-sent, 0 other, 0 unreadable\n") !=
          std::string::npos);

    SUBCASE("again it is known") {
        const CommandResult again = folder.run("import --db reports.db report.eml");
        CHECK(again.code == 0);
        CHECK(again.out.find("already known, not stored again: 1\n") != std::string::npos);
    }
    SUBCASE("a folder leaves out what is neither mail nor report and a name does not") {
        const CommandResult walk = folder.run("import --db other.db .");
        CHECK(walk.out.find("skipped in folders") != std::string::npos);
        CHECK(folder.run("import --db reports.db note.txt").out.find("1 other") !=
              std::string::npos);
    }
    SUBCASE("standard input") {
        const CommandResult piped = folder.run("import --db other.db - < report.eml");
        CHECK(piped.code == 0);
        CHECK(piped.out.find("1 report (1 record)") != std::string::npos);
    }
    SUBCASE("a database from standard input") {
        const CommandResult piped = folder.run("import --db other.db - < reports.db");
        CHECK(piped.code == 1);
        CHECK(piped.err ==
              "dmarcbox: standard input: is a database; name it by its path: `dmarcbox import "
              "other.db`\n");
    }
    SUBCASE("unreadable is told and exits 1") {
        folder.write("broken.gz", "\x1f\x8b\x08 broken");
        const CommandResult broken = folder.run("import --db reports.db broken.gz");
        CHECK(broken.code == 1);
        CHECK(is_one_line(broken.err));
        CHECK(broken.out.find("1 unreadable") != std::string::npos);
        CHECK(broken.out.find("SELECT * FROM problems") != std::string::npos);
    }
    SUBCASE("a path that is not there is told and exits 1") {
        const CommandResult missing = folder.run("import --db reports.db nothing.eml");
        CHECK(missing.code == 1);
        CHECK(missing.err == "dmarcbox: nothing.eml: No such file or directory\n");
    }
    SUBCASE("show neutralises what the reporter wrote") {
        const CommandResult show = folder.run("show 1 --db reports.db");
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
        const CommandResult show = folder.run("show 1 --db full.db");
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
        const CommandResult raw = folder.run("show 1 --raw --db reports.db");
        CHECK(raw.code == 0);
        CHECK(raw.out == kReportMail);
    }
    SUBCASE("show of what is no number") {
        for (const char* number : {"abc", "-1", "1.5", "99999999999999999999"}) {
            const CommandResult wrong =
                folder.run("show " + std::string(number) + " --db reports.db");
            CHECK(wrong.code == 2);
            CHECK(wrong.err == "dmarcbox: show: ID: \"" + std::string(number) +
                                   "\" is no number of a message; see `dmarcbox show --help`\n");
        }
    }
    SUBCASE("show of nothing") {
        const CommandResult none = folder.run("show 99 --db reports.db");
        CHECK(none.code == 1);
        CHECK(none.err == "dmarcbox: there is no message 99\n");
        CHECK(folder.run("show 99 --raw --db reports.db").code == 1);
    }
    SUBCASE("reprocess changes nothing that was understood") {
        const CommandResult again = folder.run("reprocess --all --db reports.db");
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
        const CommandResult again = folder.run("reprocess --all --db reports.db");
        CHECK(again.code == 0);
        CHECK(again.out ==
              "message 1: report, 1 kept, header changed, findings changed\n"
              "1 message read again, 1 changed\n");
        CHECK(folder.run("verify --db reports.db").code == 0);
        CHECK(folder.run("show 1 --db reports.db").out.find("Subject: old") == std::string::npos);
        CHECK(folder.run("reprocess --all --db reports.db").out ==
              "1 message read again, 0 changed\n");
    }
    SUBCASE("reprocess reads copies of the same bytes too") {
        for (const char* command : {"reprocess", "reprocess --all"}) {
            CAPTURE(std::string(command));
            {
                storage::Database database(folder / "reports.db",
                                           storage::Database::Mode::read_write);
                database.execute(
                    "INSERT INTO messages (received_at, source, size, sha256, outcome, detail) "
                    "SELECT received_at, source, size, sha256, 'unreadable', 'old' FROM messages "
                    "WHERE id = 1");
            }
            const CommandResult again = folder.run(std::string(command) + " --db reports.db");
            CHECK(again.code == 0);
            CHECK(again.out.find(": unreadable -> duplicate") != std::string::npos);
            CHECK(again.out.find(", 1 changed\n") != std::string::npos);
            CHECK(folder.run("reprocess --db reports.db").out ==
                  "0 messages read again, 0 changed\n");
        }
    }
    SUBCASE("verify is content and sees what was changed behind its back") {
        const CommandResult good = folder.run("verify --db reports.db");
        CHECK(good.code == 0);
        CHECK(good.out == "1 originals and 1 reports checked, no problem\n");
    }
    SUBCASE("backup is a database") {
        const CommandResult backup = folder.run("backup copy.db --db reports.db");
        CHECK(backup.code == 0);
        CHECK(backup.out.find("1 messages, 1 records") != std::string::npos);
        CHECK(folder.run("show 1 --db copy.db").out == folder.run("show 1 --db reports.db").out);
        const CommandResult merged = folder.run("import copy.db --db other.db");
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
        const CommandResult again = folder.run("import reports.db --db again.db");
        CHECK(again.code == 0);
        CHECK(again.out.find(": 1 report (1 record)") != std::string::npos);
        CHECK(sum("again.db") == all);
        CHECK(folder.run("import report.eml --db again.db").code == 0);
        CHECK(sum("again.db") == all);
        // The file is not doubled where its records were pruned either.
        CHECK(folder.run("import report.eml --db reports.db").code == 0);
        CHECK(sum("reports.db") == all);

        CHECK(prune("reports_days = 1\noriginals_days = 1\n") == 0);
        const CommandResult gone = folder.run("import reports.db --db gone.db");
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
    const CommandFolder folder;
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
    const CommandResult second = folder.run("import --db reports.db many.mbox");
    CHECK(second.code == 0);
    CHECK(second.out.find("8,000 messages in") == 0);
    const auto known = second.out.find("already known, not stored again: ");
    REQUIRE(known != std::string::npos);
    const CommandResult third = folder.run("import --db reports.db many.mbox");
    CHECK(third.out.find("already known, not stored again: 8,000\n") != std::string::npos);
}

TEST_CASE("cli: an import that waits for standard input can be interrupted") {
    const CommandFolder folder;
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

TEST_CASE("cli: prune removes what is older than its days") {
    const CommandFolder folder;
    folder.write("report.eml", kReportMail);
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
