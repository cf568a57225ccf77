#include "server/log.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "server/log_limiter.hpp"
#include "server/log_line.hpp"
#include "server/serve_history.hpp"
#include "storage/database.hpp"
#include "tests/storage/support.hpp"

using namespace dmarcbox;
using namespace std::chrono_literals;

TEST_CASE("log line: values cannot make a second key, line or escape") {
    struct Row {
        const char* name;
        std::string value;
        std::string text;
        std::string json;
    };
    const std::string ascii(kMaxLogValue, 'a');
    const auto rows = std::to_array<Row>({
        {"plain", "a.b:c@d/e+f<g>-1", "k=a.b:c@d/e+f<g>-1", R"("k":"a.b:c@d/e+f<g>-1")"},
        {"blank", "250 2.0.0", R"(k="250 2.0.0")", R"("k":"250 2.0.0")"},
        {"quote", "a\" event=x", R"(k="a\" event=x")", R"("k":"a\" event=x")"},
        {"backslash", "a\\", R"(k="a\\")", R"("k":"a\\")"},
        {"line end", "a\nb", R"(k="a\u{0a}b")", R"("k":"a\\u{0a}b")"},
        {"escape", "\x1b[2J", R"(k="\u{1b}[2J")", R"("k":"\\u{1b}[2J")"},
        {"equals", "a=b", R"(k="a=b")", R"("k":"a=b")"},
        {"longest", ascii, "k=" + ascii, "\"k\":\"" + ascii + "\""},
        {"too long", ascii + "b", "k=" + ascii + "...", "\"k\":\"" + ascii + "...\""},
        {"cut on a character", ascii.substr(1) + "\xC3\xA9", "k=" + ascii.substr(1) + "...",
         "\"k\":\"" + ascii.substr(1) + "...\""},
        {"empty is left out", "", "", ""},
    });
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            LogLine line("e");
            line.text("k", row.value);
            CHECK(line.as_text() == "event=e" + (row.text.empty() ? "" : " " + row.text));
            CHECK(line.as_json() == "\"event\":\"e\"" + (row.json.empty() ? "" : "," + row.json));
        }
    }
}

TEST_CASE("log line: keys keep their order, numbers are numbers") {
    LogLine line("session");
    line.words("session", "5f0c1e77a2b4").decimal("seconds", 0.614).number("messages", 1);
    CHECK(line.as_text() == "event=session session=5f0c1e77a2b4 seconds=0.61 messages=1");
    CHECK(line.as_json() ==
          R"("event":"session","session":"5f0c1e77a2b4","seconds":0.61,"messages":1)");
}

TEST_CASE("log limiter: the first of a minute, then how many were not written") {
    LogLimiter limiter;
    const LogLimiter::Clock::time_point start = LogLimiter::Clock::now();
    const auto admit = [&](const char* peer, std::chrono::seconds after, const char* reason = "r") {
        return limiter.admit("rejected", peer, reason, start + after);
    };
    CHECK(admit("192.0.2.1", 0s) == 0U);
    CHECK_FALSE(admit("192.0.2.1", 1s));
    CHECK_FALSE(admit("192.0.2.200", 59s));  // the same /24
    CHECK(admit("192.0.2.1", 60s) == 2U);
    CHECK(admit("192.0.2.1", 120s) == 0U);
    CHECK(admit("198.51.100.1", 1s) == 0U);
    CHECK(admit("192.0.2.1", 121s, "other") == 0U);
    CHECK(admit("2001:db8::1", 1s) == 0U);
    CHECK_FALSE(admit("2001:db8::2", 1s));  // the same /64
    CHECK(admit("2001:db8:0:1::1", 1s) == 0U);
    CHECK(limiter.admit("timeout", "192.0.2.1", "r", start + 121s) == 0U);
}

TEST_CASE("log limiter: a flood from everywhere shares one key") {
    LogLimiter limiter;
    const LogLimiter::Clock::time_point start = LogLimiter::Clock::now();
    const auto peer = [](std::size_t i) {
        return "10." + std::to_string(i / 256) + "." + std::to_string(i % 256) + ".1";
    };
    for (std::size_t i = 0; i < LogLimiter::kMaxKeys; ++i) {
        CHECK(limiter.admit("refused", peer(i), "r", start) == 0U);
    }
    CHECK(limiter.admit("refused", peer(LogLimiter::kMaxKeys), "r", start) == 0U);
    CHECK_FALSE(limiter.admit("refused", peer(LogLimiter::kMaxKeys + 1), "r", start));
    // A minute later there is room again.
    CHECK(limiter.admit("refused", peer(LogLimiter::kMaxKeys + 2), "r", start + 61s) == 0U);
}

namespace {

/// What is logged with the given work at hand, without the times.
std::vector<std::string> logged(const std::filesystem::path& folder, const auto& work) {
    const auto file = folder / "log";
    const int descriptor = ::open(file.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    REQUIRE(descriptor >= 0);
    {
        Log log({.level = LogLevel::info,
                 .format = Log::Format::text,
                 .prefix = Log::Prefix::priority,
                 .descriptor = descriptor});
        work(log);
    }
    ::close(descriptor);
    std::ifstream in(file);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) {
        lines.push_back(line);
    }
    return lines;
}

}  // namespace

TEST_CASE("log: lines below the level are not written, the level can change") {
    const storage::test::TempDir folder;
    const auto lines = logged(folder.path(), [](Log& log) {
        log.write(LogLevel::debug, LogLine("a"));
        log.write(LogLevel::info, LogLine("b"));
        log.set_level(LogLevel::warn);
        log.write(LogLevel::info, LogLine("c"));
        log.write(LogLevel::error, LogLine("d"));
        log.set_level(LogLevel::debug);
        log.write(LogLevel::debug, LogLine("e"));
    });
    CHECK(lines == std::vector<std::string>{"<6>level=info event=b", "<3>level=error event=d",
                                            "<7>level=debug event=e"});
}

TEST_CASE("serve history: the backup of a migration is named, also when it replaces an older one") {
    const storage::test::TempDir folder;
    const auto database = folder.file("reports.db");
    const auto backup = folder.file("reports.db.before-schema-2");
    { const storage::Database made(database, storage::Database::Mode::read_write); }
    Metrics metrics;
    const auto start = [&](const auto& migration) {
        return logged(folder.path(), [&](Log& log) {
            net::Journal journal(log, metrics, {});
            const ServeHistory history(database);
            migration();
            history.tell(log, metrics, journal, 12345);
        });
    };
    const auto write_backup = [&] { std::ofstream(backup) << "copy"; };
    const std::string migrated =
        "<4>level=warn event=migrated database=" + database.string() + " backup=" + backup.string();

    auto lines = start([] {});
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].starts_with("<6>level=info event=database path=" + database.string() +
                               " schema="));
    CHECK(lines[0].ends_with(" last_message=0 free=12345"));

    lines = start(write_backup);
    REQUIRE(lines.size() == 2);
    CHECK(lines[0] == migrated);

    CHECK(start([] {}).size() == 1);  // an old backup is no news

    std::filesystem::last_write_time(
        backup, std::filesystem::last_write_time(backup) - std::chrono::hours(1));
    lines = start(write_backup);
    REQUIRE(lines.size() == 2);
    CHECK(lines[0] == migrated);
}
