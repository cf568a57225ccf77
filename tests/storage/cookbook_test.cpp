#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>

#include "schema/content_hash.hpp"
#include "storage/finding_codes.hpp"
#include "storage/originals.hpp"
#include "support.hpp"

using namespace dmarcbox;
using namespace dmarcbox::storage;
using namespace dmarcbox::storage::test;

namespace {

const std::string kReadme = std::string(DMARCBOX_SOURCE_DIR) + "/schema/README.md";

std::string read_file(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// One server, one mail provider, one forwarder, one spoofer; three reporters, three days.
void fill(Store& store) {
    const auto day = [&](int number, std::int64_t scale) {
        auto forwarded = record("203.0.113.40", 6 * scale, "reason-forwarded");
        forwarded.reasons.push_back({"forwarded", "list.example"});
        auto list = record("203.0.113.41", 2 * scale, "own-signature-broken");
        list.dkim_results.push_back({"example.org", "s1", "fail", {}});
        // A reporter that gives no results, of a source that it does not name.
        auto bare = record("", 3 * scale, "nothing");
        bare.dkim.clear();
        bare.spf.clear();
        return std::vector<schema::AggregateRecord>{
            record("192.0.2.25", 90 * scale, "dkim+spf"),
            record("192.0.2.26", 20 * scale, "spf"),
            record("198.51.100.8", 16 * scale, "signs-as:esp.example"),
            record(number == 0 ? "203.0.113.201" : "203.0.113.202", 12 * scale, "nothing"),
            forwarded,
            list,
            bare};
    };
    const auto add = [&](const std::string& org, int number, std::int64_t scale) {
        auto made = report(org, org + "-" + std::to_string(number), day(number, scale), number);
        if (number == 2) {
            made.p = made.sp = "quarantine";
            hash(made);
        }
        auto mail = message(org + " day " + std::to_string(number), {made}, number);
        const std::string bytes = "From: dmarc@" + org +
                                  "\nSubject: Report domain: example.org\n\n" +
                                  std::string(200, '=') + "\n";
        mail.original = {compress_original(bytes), static_cast<std::int64_t>(bytes.size()),
                         digest_of(bytes), false};
        if (org == "odd.example") {
            std::get<schema::AggregateReport>(mail.reports[0])
                .findings.push_back(
                    {{"unknown_element", "aggregate", false}, {}, "feedback/extra"});
        }
        (void)store.add(std::move(mail));
    };
    for (int number = 0; number < 3; ++number) {
        add("reporter.example", number, 10);
        add("other.example", number, 1);
    }
    add("odd.example", 0, 2);
    (void)store.add(
        message("again", {report("other.example", "other.example-0", day(0, 1), 0)}, 1));
    (void)store.add(
        message("differs", {report("other.example", "other.example-1", day(1, 2), 1)}, 1));
    auto broken = message("broken", {}, 2);
    broken.outcome = Outcome::unreadable;
    broken.detail = "gzip_truncated";
    broken.findings.push_back({{"gzip_truncated", "gunzip", true}, "2", "ends after 512 bytes"});
    (void)store.add(std::move(broken));

    schema::FailureReport failure;
    failure.feedback_type = "auth-failure";
    failure.auth_failure = "dmarc";
    failure.delivery_result = "reject";
    failure.arrived_at = kBegin + 3600;
    failure.source_ip = "203.0.113.201";
    failure.reported_domain = "example.org";
    failure.sample_from = "\"The boss\" <boss@example.org>";
    failure.sample_subject = "invoice overdue";
    failure.headers = {
        {"Received", "from mail.nowhere.example ([203.0.113.201]) by mx.reporter.example", {}},
        {"Received", "from localhost by mail.nowhere.example", {}},
        {"Subject", "invoice overdue", {}}};
    failure.content_sha256 = digest_of("failure");
    (void)store.add(message("failure", {failure}));

    schema::TlsReport tls;
    tls.org_name = "reporter.example";
    tls.report_id = "tls-1";
    tls.begin_at = kBegin;
    tls.end_at = kBegin + kDay - 1;
    tls.policies.push_back({"sts", "example.org", {}, {}, 2314, 4, {}});
    tls.policies.back().failures.push_back(
        {"certificate-expired", "192.0.2.200", "mx.example.org", {}, {}, 3, {}, {}});
    tls.content_sha256 = schema::content_hash(tls);
    (void)store.add(message("tls", {tls}));
}

/// What the plain shell prints; nullopt if there is no shell.
std::optional<std::string> shell(const std::filesystem::path& file, const std::string& sql) {
    if (std::system("command -v sqlite3 >/dev/null 2>&1") != 0) {
        return std::nullopt;
    }
    const std::string command = "sqlite3 -readonly '" + file.string() + "' \"" + sql + "\"";
    FILE* pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::string text;
    std::array<char, 4096> part{};
    for (std::size_t got = 0; (got = std::fread(part.data(), 1, part.size(), pipe)) > 0;) {
        text.append(part.data(), got);
    }
    REQUIRE(::pclose(pipe) == 0);
    return text;
}

}  // namespace

TEST_CASE("every question of the cookbook has the answer that is printed there") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    fill(store);
    const std::string readme = read_file(kReadme);
    std::string updated;
    std::size_t at = 0;
    int questions = 0;
    for (;;) {
        const std::string open = "```sql\n";
        const std::string between = "\n```\n```text\n";
        const std::size_t begin = readme.find(open, at);
        if (begin == std::string::npos) {
            break;
        }
        const std::size_t middle = readme.find(between, begin);
        REQUIRE(middle != std::string::npos);
        const std::size_t answer = middle + between.size();
        const std::size_t end = readme.find("```\n", answer);
        const std::string sql = readme.substr(begin + open.size(), middle - begin - open.size());
        const std::string expected = readme.substr(answer, end - answer);
        CAPTURE(sql);
        ++questions;
        std::optional<std::string> got;
        if (sql.find("sqlar_uncompress") != std::string::npos) {
            got = shell(dir.file("t.db"), sql);
        } else {
            got = rows(store.database, sql);
        }
        if (got) {
            CHECK(!got->empty());
            if (std::getenv("UPDATE_GOLDEN") == nullptr) {
                CHECK(*got == expected);
            }
        } else {
            MESSAGE("no sqlite3 shell here: not run");
        }
        updated += readme.substr(at, answer - at) + got.value_or(expected);
        at = end;
    }
    CHECK(questions >= 20);
    if (std::getenv("UPDATE_GOLDEN") != nullptr) {
        updated += readme.substr(at);
        std::ofstream(kReadme, std::ios::binary) << updated;
    }
}

TEST_CASE("who failed yesterday is asked of the day that daily counts") {
    struct Row {
        const char* name;
        std::int64_t begin;  // from the begin of the day
        std::int64_t seconds;
    };
    constexpr std::int64_t kHour = 3600;
    const std::array rows_{
        Row{"a day", 0, kDay - 1},
        Row{"from 23:00", 23 * kHour, kDay - 1},
        Row{"from 22:00", 22 * kHour, kDay - 1},
        Row{"an hour at the end of the day", 23 * kHour, kHour - 1},
        Row{"25 hours from 23:00", 23 * kHour, 25 * kHour},
        Row{"backwards from 23:00", 23 * kHour, -2 * kDay},
    };
    const std::string readme = read_file(kReadme);
    const auto begin = readme.find("```sql\n", readme.find("### Who failed yesterday?")) + 7;
    const std::string question = readme.substr(begin, readme.find(";\n```", begin) - begin);
    for (const auto& row : rows_) {
        CAPTURE(std::string(row.name));
        const TempDir dir;
        Store store(dir.file("t.db"));
        auto made = report("reporter.example", "1", {record("192.0.2.1", 3, "nothing")});
        made.begin_at = kBegin + row.begin;
        made.end_at = *made.begin_at + row.seconds;
        hash(made);
        (void)store.add(message("1", {made}, 2));
        std::string sql = question;
        std::string day = rows(store.database, "SELECT day FROM daily");
        day.pop_back();
        const std::string printed = "2026-11-21";
        REQUIRE(sql.find(printed) != std::string::npos);
        sql.replace(sql.find(printed), printed.size(), day);
        CHECK(rows(store.database, sql) == "example.org|192.0.2.1|3\n");
    }
}

TEST_CASE("every table and view and column is in the data dictionary and nothing else") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    std::set<std::string> in_database;
    auto columns = store.database.prepare(
        "SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c "
        "WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite_%'");
    while (columns.step()) {
        in_database.insert(std::string(columns.text(0)) + "." + std::string(columns.text(1)));
    }
    std::set<std::string> in_readme;
    std::string table;
    std::ifstream readme(kReadme);
    for (std::string line; std::getline(readme, line);) {
        if (line.starts_with("### `")) {
            table = line.substr(5, line.find('`', 5) - 5);
        } else if (line.starts_with("#")) {
            table.clear();
        } else if (!table.empty() && line.starts_with("| `")) {
            in_readme.insert(table + "." + line.substr(3, line.find('`', 3) - 3));
        }
    }
    for (const auto& name : in_database) {
        CAPTURE(name);
        CHECK(in_readme.count(name) == 1);
    }
    for (const auto& name : in_readme) {
        CAPTURE(name);
        CHECK(in_database.count(name) == 1);
    }
}

TEST_CASE("finding codes of the store are documented") {
    const std::string readme = read_file(kReadme);
    for (const auto& code : finding::kAll) {
        CAPTURE(code.code);
        CHECK(readme.find("| `" + std::string(code.code) + "` | " + (code.fault ? "yes" : "no") +
                          " |") != std::string::npos);
        CHECK(code.stage == "store");
    }
}
