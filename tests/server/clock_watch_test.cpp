#include "server/clock_watch.hpp"

#include <doctest/doctest.h>

#include <array>

using dmarcbox::ClockWatch;
using namespace std::chrono_literals;

TEST_CASE("clock watch tells a clock that was set from one that goes on") {
    struct Row {
        const char* name;
        std::chrono::seconds wall;
        std::chrono::seconds steady;
        std::optional<std::chrono::seconds> expected;
    };
    const std::array rows{
        Row{"both went on", 10s, 10s, std::nullopt},
        Row{"led back by some seconds", 9s, 14s, std::nullopt},
        Row{"a year ahead", 10s + 24h * 366, 10s, 24h * 366},
        Row{"a year back", 10s - 24h * 366, 10s, -24h * 366},
        Row{"slept for an hour", 3610s, 10s, 1h},
        Row{"suspended process", 3610s, 3610s, std::nullopt},
    };
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            const ClockWatch::Wall wall(1000000h);
            const ClockWatch::Steady steady(1000h);
            ClockWatch watch(wall, steady);
            CHECK(watch.look(wall + row.wall, steady + row.steady) == row.expected);
            // Told once: what follows is compared with the new time.
            CHECK_FALSE(watch.look(wall + row.wall + 10s, steady + row.steady + 10s).has_value());
        }
    }
}
