#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "server/log.hpp"
#include "server/log_limiter.hpp"
#include "server/metrics.hpp"
#include "server/net/delivery.hpp"
#include "server/net/refusal_counts.hpp"
#include "server/smtp/session.hpp"

namespace dmarcbox::net {

/// Who a session is with, for the log.
struct SessionInfo {
    Service service = Service::smtp;
    std::string id;  ///< 12 hexadecimal digits
    std::string ip;  ///< of the peer; empty for unix sockets
    std::chrono::steady_clock::time_point began;

    [[nodiscard]] std::string peer() const { return ip.empty() ? "unix" : ip; }
};

/// Why a session ended; label `end` and key `end=`.
enum class SessionEnd { quit, eof, timeout, violation, shutdown, limit, tls, error };
[[nodiscard]] std::string_view to_string(SessionEnd end);

/// Tells log, metrics and table refusals what happens on the listeners. On the network thread.
class Journal {
  public:
    /// `accept`: for the domains of metric last_report. All outlive the journal.
    Journal(Log& log, Metrics& metrics, const std::vector<std::string>& accept);

    void connected(Service service);
    /// Ended before a session began: over a limit (connections, address_connections, address_rate),
    /// proxy_header.
    void refused(const SessionInfo& session, std::string_view reason);
    void event(const SessionInfo& session, const smtp::Event& event);
    /// Time ran out where the session does not know it: tls, proxy, write.
    void timed_out(const SessionInfo& session, std::string_view state);
    void handshake_done(const std::string& version);
    void handshake_failed(const SessionInfo& session, const std::string& error);
    void ended(const SessionInfo& session, const smtp::SessionCounts& counts, SessionEnd end);
    void message(const Delivery& delivery, const storage::Verdict& verdict);
    /// A connection could not be accepted: no descriptors or memory.
    void out_of_resources(const std::string& error);
    /// Bytes as sent and received, at level debug.
    void dialogue(const SessionInfo& session, std::string_view direction, std::string_view bytes);

    [[nodiscard]] RefusalCounts& refusals() { return refusals_; }
    void set_accept(const std::vector<std::string>& accept);
    /// When the last report for a recipient's domain came, Unix seconds; only configured domains.
    void last_report(std::string_view envelope_to, std::int64_t at);

  private:
    void limited(LogLine line,
                 std::string_view ip,
                 std::string_view reason,
                 LogLevel level = LogLevel::info);
    void count_message(const Delivery& delivery, const storage::Verdict& verdict);
    void count_reading(const Reading& reading, std::uint32_t conflicts);
    void log_message(const Delivery& delivery, const storage::Verdict& verdict);

    Log& log_;
    Metrics& metrics_;
    LogLimiter limiter_;
    RefusalCounts refusals_;
    std::vector<std::string> domains_;  ///< sorted
};

}  // namespace dmarcbox::net
