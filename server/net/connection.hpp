#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "server/net/channel.hpp"
#include "server/net/frontend.hpp"

namespace dmarcbox::net {

/// Socket <-> smtp::Session: asks the session what to do next and does it without ever waiting.
/// Time comes from outside by tick(). Network thread only.
class Connection : public std::enable_shared_from_this<Connection> {
  public:
    using Clock = std::chrono::steady_clock;
    /// Called once, last of all, with the connection still whole.
    using OnClosed = std::function<void(Connection&)>;

    /// `place` is that of the peer, unless it is a proxy: then the connection enters the gate when
    /// it knows for whom the proxy speaks.
    Connection(const Frontend& frontend,
               FileDescriptor socket,
               SessionInfo info,
               AddressLimits::Place place,
               OnClosed on_closed);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void start(bool proxied);
    /// Looks at the deadlines. About twice a second.
    void tick(Clock::time_point now);
    /// There is room for bodies again.
    void resume();
    /// 421 as soon as no message is under way; connections without a session close.
    void shut_down();
    /// Closes now; because of a shutdown with 421 to who waits for us or sends a message.
    void abort(SessionEnd end);

    [[nodiscard]] const SessionInfo& info() const { return info_; }

  private:
    enum class Phase {
        begin,
        proxy,  ///< a PROXY header comes first
        handshake,
        next,  ///< ask the session
        read,
        write,
        verdict,
        linger,  ///< all is said; the peer's last bytes are thrown away
        closed
    };
    struct Waits;

    void run();
    [[nodiscard]] bool step();
    [[nodiscard]] bool step_read();
    [[nodiscard]] bool step_write();
    [[nodiscard]] bool step_handshake();
    [[nodiscard]] bool step_linger();
    [[nodiscard]] bool step_proxy();
    [[nodiscard]] bool wait_for(const Channel::Result& result);
    void wait_readable();
    void wait_writable();

    void act(smtp::Action action);
    void await(const smtp::AwaitBytes& action);
    void begin_session();
    void begin_handshake();
    void break_off(std::string_view reason, std::string_view reply);
    void deliver(smtp::Deliver action);
    void on_verdict(std::uint64_t serial, const smtp::DeliveryVerdict& verdict);
    void take_events();
    void time_out(std::string_view cause);
    [[nodiscard]] bool outstays(Clock::time_point now) const;
    [[nodiscard]] bool too_slow(Clock::time_point now) const;
    void say_goodbye();
    void finish(SessionEnd end);
    [[nodiscard]] SessionEnd end_of_dialogue() const;

    const Frontend& frontend_;
    SessionInfo info_;
    AddressLimits::Place place_;
    OnClosed on_closed_;
    Channel channel_;
    std::unique_ptr<Waits> waits_;
    smtp::Session session_;

    Phase phase_ = Phase::begin;
    Clock::time_point deadline_;
    bool read_again_ = false;  ///< the last read filled the buffer
    bool paused_ = false;      ///< bodies are over budget
    bool shutting_down_ = false;
    SessionEnd end_ = SessionEnd::error;
    bool end_known_ = false;
    bool session_open_ = false;  ///< its greeting was due

    std::string proxy_header_;
    std::string output_;
    std::size_t output_at_ = 0;
    bool command_awaited_ = false;
    Clock::time_point awaited_since_;   ///< a command
    std::string_view timeout_cause_{};  ///< where it is not the state that the session names

    bool in_data_ = false;
    Clock::time_point data_began_;
    Clock::time_point paused_at_;
    Clock::duration data_paused_{0};
    std::uint64_t data_bytes_ = 0;
    std::size_t discarded_ = 0;
    std::uint64_t serial_ = 0;  ///< of the message whose verdict is awaited
    std::shared_ptr<bool> awaited_;
};

}  // namespace dmarcbox::net
