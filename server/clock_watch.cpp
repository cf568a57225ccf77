#include "server/clock_watch.hpp"

namespace dmarcbox {
namespace {

/// A clock that is led back by NTP drifts by milliseconds between two looks; one that was set by
/// less than this moves no report to another day that matters, and no retention.
constexpr std::chrono::seconds kJump{60};

}  // namespace

std::optional<std::chrono::seconds> ClockWatch::look(Wall wall, Steady steady) {
    using std::chrono::duration_cast;
    using std::chrono::seconds;
    const auto set =
        duration_cast<seconds>(wall - wall_) - duration_cast<seconds>(steady - steady_);
    wall_ = wall;
    steady_ = steady;
    return std::chrono::abs(set) >= kJump ? std::optional(set) : std::nullopt;
}

}  // namespace dmarcbox
