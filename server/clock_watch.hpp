#pragma once

#include <chrono>
#include <optional>

namespace dmarcbox {

/// Notices that the system's clock was set, by comparing it with the steady one now and then.
/// Times of receipt and retention follow the system's clock; everything that waits does not.
class ClockWatch {
  public:
    using Wall = std::chrono::system_clock::time_point;
    using Steady = std::chrono::steady_clock::time_point;

    ClockWatch(Wall wall, Steady steady) : wall_(wall), steady_(steady) {}

    /// How far the clock was set since the call before, backwards below 0; nullopt if it went on as
    /// clocks do. A machine that slept is a clock set forward.
    [[nodiscard]] std::optional<std::chrono::seconds> look(Wall wall, Steady steady);

  private:
    Wall wall_;
    Steady steady_;
};

}  // namespace dmarcbox
