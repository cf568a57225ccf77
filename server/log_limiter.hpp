#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace dmarcbox {

/// Repeats in the log: of each (event, peer's network, reason) the first of a minute is written,
/// and says how many were not since the last one. Not thread-safe.
class LogLimiter {
  public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::minutes kWindow{1};
    /// A flood from everywhere: past this many keys, further ones share one.
    static constexpr std::size_t kMaxKeys = 4096;

    /// nullopt: not to be written. Else how many were left out before this one. `peer` is an
    /// address: its /24 or /64 counts.
    [[nodiscard]] std::optional<std::uint64_t> admit(std::string_view event,
                                                     std::string_view peer,
                                                     std::string_view reason,
                                                     Clock::time_point now);

  private:
    struct Seen {
        Clock::time_point since;
        std::uint64_t suppressed = 0;
    };
    void forget_old(Clock::time_point now);

    std::map<std::string, Seen, std::less<>> seen_;
    Clock::time_point forgot_at_;
};

}  // namespace dmarcbox
