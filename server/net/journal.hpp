#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "server/log.hpp"
#include "server/net/delivery.hpp"
#include "server/smtp/session.hpp"

namespace dmarcbox::net {

/// Who a session is with, for the log.
struct SessionInfo {
    Service service = Service::smtp;
    std::string id;  ///< 12 hexadecimal digits
    std::string ip;  ///< of the peer; empty for unix sockets
    std::chrono::steady_clock::time_point began;

    /// For the log.
    [[nodiscard]] std::string_view peer() const { return ip.empty() ? "unix" : ip; }
};

/// Why a session ended; label `end` and key `end=`.
enum class SessionEnd { quit, eof, timeout, violation, shutdown, limit, tls, error };
[[nodiscard]] std::string_view to_string(SessionEnd end);

/// Tells log and counters what happens on the listeners. On the network thread.
class Journal {
  public:
    explicit Journal(Log& log) : log_(log) {}

    void session_event(const SessionInfo& session, const smtp::Event& event);
    void session_ended(const SessionInfo& session,
                       const smtp::SessionCounts& counts,
                       SessionEnd end);
    void message(const Delivery& delivery, const storage::Verdict& verdict);

  private:
    Log& log_;
};

}  // namespace dmarcbox::net
