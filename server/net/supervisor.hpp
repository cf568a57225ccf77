#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace dmarcbox::net {

/// The service manager's side of a service (sd_notify(3), sd_watchdog_enabled(3)): a datagram to
/// $NOTIFY_SOCKET. Does nothing when there is none. Spoken here rather than by libsystemd, so that
/// Type=notify works in every build.
class Supervisor {
  public:
    /// Reads the environment, and takes the variables out of it: they are for this process alone.
    Supervisor();

    void notify(std::string_view state) const;
    void ready() const { notify("READY=1"); }
    void stopping() const { notify("STOPPING=1"); }
    void reloading() const;
    void alive() const { notify("WATCHDOG=1"); }

    /// Half of WatchdogSec: how often alive() is due.
    [[nodiscard]] std::optional<std::chrono::milliseconds> watchdog_interval() const {
        return watchdog_;
    }

  private:
    std::string socket_;
    std::optional<std::chrono::milliseconds> watchdog_;
};

}  // namespace dmarcbox::net
