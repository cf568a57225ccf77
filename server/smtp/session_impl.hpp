#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/smtp/command.hpp"
#include "server/smtp/data_reader.hpp"
#include "server/smtp/line_reader.hpp"
#include "server/smtp/reply.hpp"
#include "server/smtp/session.hpp"

namespace dmarcbox::smtp {

/// The session's state and its handlers. session.cpp: actions and bytes; session_commands.cpp: one
/// handler per command; session_mail.cpp: MAIL, RCPT, DATA, verdict; session_limits.cpp: errors,
/// counts and events.
struct Session::Impl {
    enum class State : std::uint8_t { greeting, command, data, verdict, tls, closed };

    Impl(const SessionConfig& settings, Environment& service)
        : config(settings), environment(service) {}

    // session.cpp
    Action next_action();
    void receive(std::string_view bytes);
    void on_eof();
    void on_tls_established();
    void on_shutdown();
    void consume(std::string_view& input);
    void consume_pending();
    void consume_line(std::string_view& input);
    [[nodiscard]] bool reads_input() const;
    [[nodiscard]] bool lmtp() const { return config.protocol == SessionConfig::Protocol::lmtp; }

    // session_commands.cpp
    void handle(const Command& command);
    void on_hello(const Command& command);
    void on_starttls(std::string_view argument);

    // session_mail.cpp
    void on_mail(std::string_view argument);
    void on_rcpt(std::string_view argument);
    void on_data(std::string_view argument);
    void consume_data(std::string_view& input);
    void end_of_data();
    void on_verdict(const DeliveryVerdict& verdict);
    void refuse_message(const Reply& reply, std::string_view reason);
    void reset_transaction();

    // session_limits.cpp
    void send(const Reply& reply);
    void send_error(const Reply& reply);
    void refuse_recipient(const Reply& reply, std::string_view reason, std::string_view address);
    void send_and_close(const Reply& reply);
    void violate(const Reply& reply, std::string_view reason, std::string_view detail);
    [[nodiscard]] bool idle_allowed();
    void on_timeout();
    void count_reply(std::uint16_t code);
    void add_event(Event::Kind kind,
                   std::string_view reason,
                   std::string_view detail,
                   std::string reply_text);
    [[nodiscard]] std::string_view state_name() const;
    [[nodiscard]] const SessionCounts& collect_counts();

    const SessionConfig& config;
    Environment& environment;

    State state = State::greeting;
    bool tls = false;
    bool first_byte = true;  ///< nothing was read since the connection or its TLS began
    bool hello = false;
    bool sender_given = false;
    bool recipient_refused = false;
    bool no_room = false;  ///< Body took no more
    bool shutting_down = false;
    bool answer_due = false;  ///< StartTls or Deliver was handed out

    std::string output;          ///< replies not yet handed out
    std::string pending;         ///< input that waits for a verdict or for replies to go out
    std::size_t pending_at = 0;  ///< bytes of `pending` already taken
    LineReader lines;
    DataReader data;

    Envelope envelope;             ///< `helo` outlives a transaction
    std::unique_ptr<Body> body;    ///< null in DATA: drained, not kept
    std::uint64_t data_bytes = 0;  ///< un-dotted, of the message being received
    std::size_t verdicts_due = 0;  ///< replies to end-of-data: 1, for LMTP one per recipient

    // Since the last accepted message.
    std::uint32_t errors = 0;
    std::uint32_t refused = 0;
    std::uint32_t idle_commands = 0;

    std::array<std::uint32_t, kVerbs> command_counts{};
    std::vector<std::pair<std::uint16_t, std::uint32_t>> reply_counts;
    SessionCounts counts;  ///< commands and replies are filled in when asked for
    std::vector<Event> events;
};

}  // namespace dmarcbox::smtp
