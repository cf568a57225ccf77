#include "server/commands/check.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

#include "server/commands/check_machine.hpp"
#include "server/commands/check_reports.hpp"
#include "tests/storage/support.hpp"

using namespace dmarcbox;
using namespace dmarcbox::storage::test;
using schema::AggregateRecord;

namespace {

/// A quiet database: 20 days of reports, the last of day 19, looked at a few hours after it came.
class Box {
  public:
    Box() : store(dir.file("t.db")) {
        config.storage.path = dir.file("t.db");
        config.storage.min_free_bytes = 0;
        config.check = Config::Check{};
    }
    void add(const std::string& org, std::vector<AggregateRecord> records, int day) {
        auto made = report(org, org + std::to_string(day), std::move(records), day);
        made.p = policy;
        hash(made);
        (void)store.add(message(org + std::to_string(day), {made}, day));
    }
    void usual(int first, int last) {
        for (int day = first; day <= last; ++day) {
            add("One", {record("192.0.2.25", 1000, "dkim+spf")}, day);
        }
    }
    /// Severity and text of each finding, one a line.
    std::string findings() {
        CheckResult result;
        check_reports(store.database, config.check, now, result);
        std::string text;
        for (const auto& finding : result.findings) {
            text += std::string(word_of(finding.severity)) + "  " + finding.text + '\n';
        }
        return text;
    }
    std::string run(bool nagios, int expected_code, bool all = false) {
        std::ostringstream out;
        std::ostringstream err;
        CHECK(run_check([this] { return config; }, {.nagios = nagios, .all = all}, out, err, now) ==
              expected_code);
        said = err.str();
        return out.str();
    }

    TempDir dir;
    Store store;
    Config config;
    std::string policy = "none";
    std::string said;  ///< on standard error by the last run
    std::int64_t now = kReceived + 19 * kDay + 3600;
};

}  // namespace

TEST_CASE("check: quiet when all is well") {
    Box box;
    box.usual(0, 19);
    CHECK(box.findings().empty());
    CHECK(box.run(false, 0).empty());
    const auto plugin = box.run(true, 0);
    CHECK(plugin.starts_with("DMARCBOX OK - nothing needs attention | wal_bytes="));
    CHECK(
        plugin.ends_with("B;1073741824; messages_24h=1;; unreadable_24h=0;0; "
                         "last_report_age=3600s;;172800\n"));
}

TEST_CASE("check: a new source that fails") {
    struct Row {
        const char* name;
        std::int64_t messages;
        const char* token;
        int first_day;
        const char* expected;
    };
    const std::array rows_{
        Row{"at the threshold", 100, "nothing", 19,
            "WARN  example.org: 198.51.100.77 is new and fails 100 messages since 2026-12-10: "
            "`dmarcbox show 21`\n"},
        Row{"below it", 99, "nothing", 19, ""},
        Row{"new and passing", 1000, "dkim+spf", 19, ""},
        Row{"first seen 6 days before", 100, "nothing", 13,
            "WARN  example.org: 198.51.100.77 is new and fails 100 messages since 2026-12-04: "
            "`dmarcbox show 21`\n"},
        Row{"first seen 7 days before", 100, "nothing", 12, ""},
    };
    for (const auto& row : rows_) {
        SUBCASE(row.name) {
            Box box;
            box.usual(0, 19);
            box.add("Two", {record("198.51.100.77", row.messages, row.token)}, row.first_day);
            CHECK(box.findings() == row.expected);
        }
    }
    SUBCASE("nothing is new in the first week") {
        Box box;
        box.usual(14, 19);
        box.add("Two", {record("198.51.100.77", 5000, "nothing")}, 19);
        CHECK(box.findings().empty());
    }
    SUBCASE("a wave of addresses is ten lines and a number") {
        Box box;
        box.usual(0, 19);
        std::vector<AggregateRecord> wave;
        for (int i = 0; i < 50; ++i) {
            wave.push_back(record("203.0.113." + std::to_string(i), 200, "nothing"));
        }
        box.add("Two", wave, 19);
        const auto text = box.findings();
        CHECK(std::count(text.begin(), text.end(), '\n') == 11);
        CHECK(text.ends_with("WARN  example.org: 40 more new sources fail\n"));
    }
}

TEST_CASE("check: failing share of your mail above the seven days before") {
    struct Row {
        const char* name;
        std::int64_t passing;
        std::int64_t failing;
        const char* expected;
    };
    const std::array rows_{
        Row{"nine points", 910, 90, ""},
        Row{"ten points", 900, 100,
            "WARN  example.org: 10.0 % of your mail failed on 2026-12-10, 0.0 % in the 7 days "
            "before\n"},
        Row{"25 points", 750, 250,
            "CRIT  example.org: 25.0 % of your mail failed on 2026-12-10, 0.0 % in the 7 days "
            "before\n"},
        Row{"little mail", 9, 90, ""},
    };
    for (const auto& row : rows_) {
        SUBCASE(row.name) {
            Box box;
            box.usual(0, 18);
            box.add("One",
                    {record("192.0.2.25", row.passing, "dkim+spf"),
                     record("192.0.2.25", row.failing, "signs-as:esp.example")},
                    19);
            CHECK(box.findings() == row.expected);
        }
    }
    SUBCASE("spoofed mail is not yours") {
        Box box;
        box.usual(0, 18);
        box.add("Two", {record("203.0.113.9", 1, "nothing")}, 0);
        box.add("One",
                {record("192.0.2.25", 1000, "dkim+spf"), record("203.0.113.9", 5000, "nothing")},
                19);
        CHECK(box.findings().empty());
    }
}

TEST_CASE("check: a reporter silent for longer than its habit") {
    struct Row {
        const char* name;
        int step;
        int last_day;
        const char* expected;
    };
    const std::array rows_{
        Row{"daily, three days", 1, 16, ""},
        Row{"daily, four days", 1, 15, "WARN  Two silent 4 days for example.org (usually daily)\n"},
        Row{"every third day, nine days", 3, 10, ""},
        Row{"every third day, ten days", 3, 9,
            "WARN  Two silent 10 days for example.org (usually every 3 days)\n"},
        Row{"four reports are no habit", 1, -100, ""},
    };
    for (const auto& row : rows_) {
        SUBCASE(row.name) {
            Box box;
            box.usual(0, 19);
            const int reports = row.last_day == -100 ? 4 : 6;
            const int last = row.last_day == -100 ? 10 : row.last_day;
            for (int i = 0; i < reports; ++i) {
                box.add("Two", {record("192.0.2.25", 1, "dkim+spf")}, last - i * row.step);
            }
            CHECK(box.findings() == row.expected);
        }
    }
    SUBCASE("after a month it is gone") {
        Box box;
        box.usual(-40, 19);
        for (int day = -30; day < -20; ++day) {
            box.add("Two", {record("192.0.2.25", 1, "dkim+spf")}, day);
        }
        CHECK(box.findings().empty());
    }
}

TEST_CASE("check: silence of all is one finding") {
    Box box;
    CHECK(box.findings().starts_with("WARN  no report has arrived yet"));
    box.usual(0, 19);
    box.now = kReceived + 19 * kDay + 2 * kDay;
    CHECK(box.findings().empty());
    ++box.now;
    CHECK(
        box.findings() ==
        "CRIT  no report from anyone for 2 days: is port 25 open? `dmarcbox dns DOMAIN --check`\n");
    CHECK(box.run(true, 2).starts_with("DMARCBOX CRITICAL - 1 critical: no report from anyone"));
}

TEST_CASE("check: an import of old reports does not hide that no mail comes") {
    Box box;
    const auto import_at = [&box](std::int64_t at, int day) {
        auto imported = message("old" + std::to_string(day),
                                {report("Archive", "old" + std::to_string(day),
                                        {record("192.0.2.25", 1000, "dkim+spf")}, day)});
        imported.receipt.source = "import";
        imported.receipt.received_at = at;
        (void)box.store.add(imported);
    };
    SUBCASE("mail stopped") {
        box.usual(0, 19);
        box.now += 4 * kDay;
        import_at(box.now, 3);
        CHECK(box.findings().starts_with("CRIT  no report from anyone for 4 days"));
        CHECK(box.run(true, 2).find("last_report_age=349200s;;172800") != std::string::npos);
    }
    SUBCASE("nothing but imports, of yesterday") {
        import_at(box.now, 19);
        CHECK(box.findings().empty());
    }
    SUBCASE("nothing but imports, of last year") {
        import_at(box.now + 400 * kDay, 19);
        box.now += 400 * kDay;
        CHECK(box.findings().starts_with("CRIT  no report from anyone for 400 days"));
    }
}

TEST_CASE("check: a policy weaker than before") {
    Box box;
    box.policy = "reject";
    box.usual(0, 17);
    box.policy = "none";
    box.add("One", {record("192.0.2.25", 1000, "dkim+spf")}, 18);
    SUBCASE("all reporters") {
        CHECK(box.findings() ==
              "WARN  example.org: reporters see p=none, reject until 2026-12-08\n");
    }
    SUBCASE("one reporter with an old record") {
        box.policy = "reject";
        box.add("Two", {record("192.0.2.25", 1, "dkim+spf")}, 18);
        CHECK(box.findings().empty());
    }
}

TEST_CASE("check: unreadable messages of 24 hours and conflicts") {
    Box box;
    box.usual(0, 19);
    SUBCASE("more than one in twenty is critical") {
        auto bad = message("bad", {}, 19);
        bad.outcome = storage::Outcome::unreadable;
        bad.detail = "gzip ends early";
        (void)box.store.add(bad);
        CHECK(box.findings() ==
              "CRIT  1 of 2 messages in 24 hours unreadable: `dmarcbox show 21`\n");
        for (int i = 0; i < 18; ++i) {
            (void)box.store.add(message("other" + std::to_string(i), {}, 19));
        }
        CHECK(box.findings() ==
              "WARN  1 of 20 messages in 24 hours unreadable: `dmarcbox show 21`\n");
        box.now += kDay;
        CHECK(box.findings().empty());
    }
    SUBCASE("conflict") {
        auto other = report("One", "One19", {record("192.0.2.25", 999, "dkim+spf")}, 19);
        (void)box.store.add(message("again", {other}, 19));
        CHECK(box.findings() ==
              "WARN  1 report in 7 days under the identity of another with other content, not "
              "counted: `dmarcbox show 21`\n");
    }
}

TEST_CASE("check: free disk space") {
    struct Row {
        std::uint64_t free;
        const char* expected;
    };
    constexpr std::uint64_t kMin = 100U << 20U;
    for (const auto& row :
         {Row{10 * kMin, ""},
          Row{10 * kMin - 1, "WARN  disk has 999 MiB free; below 100 MiB mail is refused"},
          Row{2 * kMin, "WARN  disk has 200 MiB free; below 100 MiB mail is refused"},
          Row{2 * kMin - 1, "CRIT  disk has 199 MiB free; below 100 MiB mail is refused"}}) {
        CheckResult result;
        check_free_space(row.free, kMin, result);
        std::string text;
        for (const auto& finding : result.findings) {
            text = std::string(word_of(finding.severity)) + "  " + finding.text;
        }
        CHECK(text == row.expected);
    }
}

TEST_CASE("check: the certificate") {
    // Self-signed for reports.example, 2026-11-24 to 2027-11-24, P-256; its key is gone.
    constexpr const char* kPem =
        "-----BEGIN CERTIFICATE-----\n"
        "MIIBijCCAS+gAwIBAgIUWRVMC2ufYMu9dI+NextwQZUEu2UwCgYIKoZIzj0EAwIw\n"
        "GjEYMBYGA1UEAwwPcmVwb3J0cy5leGFtcGxlMB4XDTI2MTEyNDAyMDg1NloXDTI3\n"
        "MTEyNDAyMDg1NlowGjEYMBYGA1UEAwwPcmVwb3J0cy5leGFtcGxlMFkwEwYHKoZI\n"
        "zj0CAQYIKoZIzj0DAQcDQgAErrSxoBWa5iilh47pyp8esaAhVIpgOygVxPNDBlPw\n"
        "a1cyI3lrSzK0Eji2w6pjH5rqac4lRkrtSBow5F2kHGStsaNTMFEwHQYDVR0OBBYE\n"
        "FIxjJ5SmDoRKaSzNvGOqqcHZTfSsMB8GA1UdIwQYMBaAFIxjJ5SmDoRKaSzNvGOq\n"
        "qcHZTfSsMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIhAIMaO3bW\n"
        "slxbba2rYPNwJ2Psy3w+4Q5D1TlM/qUPZTRBAiEAgCdxL3kNvlhbW2lj2pfbH4jb\n"
        "ba9ct5K1lbVkdB9ea0s=\n"
        "-----END CERTIFICATE-----\n";
    const TempDir dir;
    const auto file = dir.file("chain.pem");
    std::ofstream(file) << kPem;
    constexpr std::int64_t kEnd = 1827022136;
    struct Row {
        std::int64_t now;
        const char* expected;
    };
    for (const auto& row :
         {Row{kEnd - 14 * kDay, ""},
          Row{kEnd - 14 * kDay + 1, "WARN  certificate expires in 13 days: chain.pem"},
          Row{kEnd - 3 * kDay, "WARN  certificate expires in 3 days: chain.pem"},
          Row{kEnd - 3 * kDay + 1, "CRIT  certificate expires in 2 days: chain.pem"},
          Row{kEnd + 1, "CRIT  certificate expired on 2027-11-24: chain.pem"},
          Row{0, "CRIT  certificate is not valid before 2026-11-24: chain.pem"}}) {
        CheckResult result;
        check_certificate(file, Config::Check{}, row.now, result);
        std::string text;
        for (const auto& finding : result.findings) {
            text = std::string(word_of(finding.severity)) + "  " + finding.text;
        }
        CHECK(text == row.expected);
    }
    CheckResult result;
    std::ofstream(file) << "no certificate";
    check_certificate(file, Config::Check{}, kEnd, result);
    check_certificate(dir.file("none.pem"), Config::Check{}, kEnd, result);
    REQUIRE(result.findings.size() == 2);
    CHECK(result.findings[0].text ==
          "certificate cannot be read (holds no PEM certificate): chain.pem");
    CHECK(result.findings[1].text ==
          "certificate cannot be read (No such file or directory): none.pem");
}

TEST_CASE("check: a finding is told once a day or when it is worse") {
    Box box;
    box.usual(0, 18);
    box.add(
        "One",
        {record("192.0.2.25", 850, "dkim+spf"), record("192.0.2.25", 150, "signs-as:esp.example")},
        19);
    const std::string told = box.run(false, 1);
    CHECK(
        told ==
        "WARN  example.org: 15.0 % of your mail failed on 2026-12-10, 0.0 % in the 7 days before\n"
        "1 warning\n");
    CHECK(box.run(false, 1).empty());
    CHECK(box.run(false, 1, true) == told);
    CHECK(box.run(true, 1).starts_with("DMARCBOX WARNING - 1 warning: example.org: 15.0 %"));
    SUBCASE("worse") {
        box.add("Two", {record("192.0.2.25", 850, "signs-as:esp.example")}, 19);
        CHECK(box.run(false, 1).starts_with("CRIT  example.org: 54.1 %"));
    }
    SUBCASE("a day later") {
        box.now += kDay;
        CHECK(box.run(false, 1) == told);
    }
    SUBCASE("gone and back") {
        box.config.check.failure_rise_points = 50;
        CHECK(box.run(false, 0).empty());
        box.config.check.failure_rise_points = 10;
        CHECK(box.run(false, 1) == told);
    }
}

TEST_CASE("check: the plugin always says one line") {
    std::ostringstream out;
    CHECK(run_check([]() -> Config { throw ConfigError("smtp.accept\x1b|x: wrong"); },
                    {.nagios = true, .all = false}, out, out, 0) == 3);
    CHECK(out.str() == "DMARCBOX UNKNOWN - smtp.accept\\u{1b}\\u{7c}x: wrong\n");
    Box box;
    box.config.storage.path = box.dir.file("none.db");
    CHECK(box.run(true, 3).starts_with("DMARCBOX UNKNOWN - "));
}

TEST_CASE("check: what a report says commands neither terminal nor plugin") {
    Box box;
    const std::string evil = "\x1b[2J\xe2\x80\xae|\n\xff";
    for (int day = 0; day < 20; ++day) {
        auto made = report(day < 10 ? evil : "One", std::to_string(day), {}, day, evil);
        made.records = {record("192.0.2.25", 1000, "dkim+spf", evil)};
        if (day == 19) {
            made.records.push_back(record(evil, 5000, "nothing", evil));
        }
        hash(made);
        (void)box.store.add(message(std::to_string(day), {made}, day));
    }
    for (const bool nagios : {false, true}) {
        const auto text = box.run(nagios, 1);
        CHECK(text.find("is new and fails") != std::string::npos);
        CHECK(text.find("silent") != std::string::npos);
        for (const char* harmful : {"\x1b", "\xff", "\xe2\x80\xae"}) {
            CHECK(text.find(harmful) == std::string::npos);
        }
        CHECK(std::count(text.begin(), text.end(), '\n') == 3);
        CHECK(std::count(text.begin(), text.end(), '|') == (nagios ? 1 : 4));
    }
}
