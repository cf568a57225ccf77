#include "storage/days.hpp"

#include <doctest/doctest.h>

#include <array>
#include <numeric>
#include <random>
#include <string>

using namespace dmarcbox::storage;

namespace {

constexpr std::int64_t kHour = 3600;
constexpr std::int64_t kDay = 86400;
constexpr std::int64_t kMidnight = 1795219200;  // 2026-11-21T00:00:00Z

std::string text(const std::vector<DaySums>& days) {
    std::string joined;
    for (const auto& day : days) {
        joined += joined.empty() ? "" : " ";
        joined += day.day.substr(5) + "=" + std::to_string(day.sums[0]) + "/" +
                  std::to_string(day.sums[1]);
    }
    return joined;
}

}  // namespace

TEST_CASE("days that a report counts on") {
    struct Row {
        const char* name;
        std::optional<std::int64_t> begin;
        std::optional<std::int64_t> end;
        std::int64_t messages;
        std::int64_t passed;
        const char* expected;
    };
    const std::int64_t m = kMidnight;
    const std::array rows{
        Row{"a day, last second included", m, m + kDay - 1, 10, 7, "11-21=10/7"},
        Row{"a day, end not included", m, m + kDay, 10, 7, "11-21=10/7"},
        Row{"a day of 25 hours", m, m + 25 * kHour, 10, 7, "11-21=10/7"},
        Row{"a day of 25 hours by its last second", m, m + 25 * kHour - 1, 10, 7, "11-21=10/7"},
        Row{"begins in the last hour: day of its middle", m - kHour, m + 23 * kHour, 10, 7,
            "11-21=10/7"},
        Row{"begins before the last hour: day of its begin", m - kHour - 1, m + 23 * kHour - 1, 10,
            7, "11-20=10/7"},
        Row{"one hour in the last hour", m - kHour, m - 1, 4, 0, "11-20=4/0"},
        Row{"an instant", m, m, 4, 1, "11-21=4/1"},
        Row{"two days are split evenly", m, m + 2 * kDay - 1, 10, 4, "11-21=5/2 11-22=5/2"},
        Row{"the rest goes to the first day", m, m + 3 * kDay, 11, 5,
            "11-21=5/3 11-22=3/1 11-23=3/1"},
        Row{"each sum is rounded down by itself", m, m + 3 * kDay, 10, 5,
            "11-21=4/3 11-22=3/1 11-23=3/1"},
        Row{"split by overlap in seconds", m + 12 * kHour, m + 2 * kDay, 30, 3,
            "11-21=10/1 11-22=20/2"},
        Row{"unless a day would pass more than it has", m, m + 31 * kDay, 31, 30,
            "11-21=1/1 11-22=1/1 11-23=1/1 11-24=1/1 11-25=1/1 11-26=1/1 11-27=1/1 11-28=1/1 "
            "11-29=1/1 11-30=1/1 12-01=1/1 12-02=1/1 12-03=1/1 12-04=1/1 12-05=1/1 12-06=1/1 "
            "12-07=1/1 12-08=1/1 12-09=1/1 12-10=1/1 12-11=1/1 12-12=1/1 12-13=1/1 12-14=1/1 "
            "12-15=1/1 12-16=1/1 12-17=1/1 12-18=1/1 12-19=1/1 12-20=1/1 12-21=1/0"},
        Row{"reversed: begin", m + kDay, m, 10, 7, "11-22=10/7"},
        Row{"over 31 days: begin", m, m + 32 * kDay, 10, 7, "11-21=10/7"},
        Row{"no end: begin", m, std::nullopt, 10, 7, "11-21=10/7"},
        Row{"no begin: receipt", std::nullopt, m, 10, 7, "12-25=10/7"},
        Row{"1970: receipt", 0, kDay, 10, 7, "12-25=10/7"},
        Row{"milliseconds: receipt", m * 1000, m * 1000 + 1, 10, 7, "12-25=10/7"},
    };
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            const ReportRange range{row.begin, row.end, m + 34 * kDay};
            const auto days = split_by_day(range, {row.messages, row.passed, 0, 0, 0, row.passed});
            CHECK(text(days) == row.expected);
        }
    }
}

TEST_CASE("days add up and no day has more of anything than messages") {
    std::mt19937_64 random(7);
    for (int round = 0; round < 2000; ++round) {
        const std::int64_t begin = kMidnight + static_cast<std::int64_t>(random() % kDay);
        const std::int64_t end = begin + static_cast<std::int64_t>(random() % (31 * kDay));
        Sums sums{};
        sums[0] = static_cast<std::int64_t>(random() % (round % 2 == 0 ? 50 : 1'000'000'000'000));
        for (std::size_t i = 1; i < sums.size(); ++i) {
            sums.at(i) = sums[0] == 0 ? 0 : static_cast<std::int64_t>(random()) % (sums[0] + 1);
            sums.at(i) = std::abs(sums.at(i));
        }
        Sums added{};
        for (const auto& day : split_by_day({begin, end, end}, sums)) {
            for (std::size_t i = 0; i < sums.size(); ++i) {
                REQUIRE(day.sums.at(i) >= 0);
                REQUIRE(day.sums.at(i) <= day.sums[0]);
                added.at(i) += day.sums.at(i);
            }
        }
        REQUIRE(added == sums);
    }
}

TEST_CASE("what holds between the sums of a report holds on each of its days") {
    std::mt19937_64 random(11);
    const auto up_to = [&random](std::int64_t most) {
        return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(most + 1));
    };
    for (int round = 0; round < 5000; ++round) {
        const std::int64_t begin = kMidnight + up_to(kDay);
        const std::int64_t end = begin + up_to(31 * kDay);
        const std::int64_t size = round % 3 == 0 ? 20 : 1'000'000'000'000;
        const std::int64_t both = up_to(size);
        const std::int64_t only_dkim = up_to(size);
        const std::int64_t only_spf = up_to(size);
        const std::int64_t none = up_to(size);
        const std::int64_t passed = both + only_dkim + only_spf;
        const std::int64_t quarantined = up_to(passed + none);
        const Sums sums{passed + none,   passed,      both + only_dkim,
                        both + only_spf, quarantined, up_to(passed + none - quarantined)};
        Sums added{};
        for (const auto& day : split_by_day({begin, end, end}, sums)) {
            const auto& [messages, pass, dkim, spf, quarantine, reject] = day.sums;
            REQUIRE(pass <= messages);
            REQUIRE(dkim <= pass);
            REQUIRE(spf <= pass);
            REQUIRE(pass <= dkim + spf);
            REQUIRE(quarantine + reject <= messages);
            for (std::size_t i = 0; i < added.size(); ++i) {
                REQUIRE(day.sums.at(i) >= 0);
                added.at(i) += day.sums.at(i);
            }
        }
        REQUIRE(added == sums);
    }
}
