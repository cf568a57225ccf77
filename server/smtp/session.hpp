#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "server/smtp/address.hpp"

namespace dmarcbox::smtp {

/// Where the bytes of one message go while they arrive. Made by the environment, given back in
/// Deliver.
class Body {
  public:
    Body() = default;
    Body(const Body&) = delete;
    Body& operator=(const Body&) = delete;
    virtual ~Body() = default;
    /// Un-dotted bytes. False: there is no room (disk full); the session then answers 452 4.3.1 at
    /// the end.
    [[nodiscard]] virtual bool append(std::string_view bytes) = 0;
    [[nodiscard]] virtual std::uint64_t size() const = 0;
};

/// What the session asks of the service. Called on the session's thread; must not block.
class Environment {
  public:
    Environment() = default;
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;
    virtual ~Environment() = default;

    enum class Admission {
        admitted,
        disk_full,      ///< 452 4.3.1
        busy,           ///< 452 4.3.1: body memory over budget
        queue_full,     ///< 451 4.3.2
        shutting_down,  ///< 421 4.3.2
    };
    [[nodiscard]] virtual Admission admit_message(std::uint64_t declared_size) = 0;
    [[nodiscard]] virtual Recipients::Verdict check_recipient(const Address& address) = 0;
    [[nodiscard]] virtual std::unique_ptr<Body> new_body() = 0;
};

/// Protocol settings of one listener, shared by its sessions. Values from [smtp]; reasons in
/// smtp/limits.hpp.
struct SessionConfig {
    enum class Protocol { smtp, lmtp };
    Protocol protocol = Protocol::smtp;
    std::string hostname;
    std::uint64_t max_message_bytes = 52428800;
    std::uint32_t max_recipients = 100;
    std::uint32_t max_errors = 10;
    std::uint32_t max_refused_recipients = 20;
    std::uint32_t max_idle_commands = 100;
    std::chrono::seconds idle_timeout{300};
    bool reject_bare_newline = false;
    bool offer_starttls = false;
};

/// A message complete with its envelope, as Deliver hands it over.
struct Envelope {
    Address from;
    std::vector<Address> to;
    std::string helo;
    bool smtputf8 = false;
};

/// Send these bytes (one or several complete replies). Nothing to answer.
struct SendReply {
    std::string bytes;
};
/// Read; answer with receive() or, when `timeout` passed without a byte, on_timeout().
struct AwaitBytes {
    std::chrono::seconds timeout;
    bool in_data = false;  ///< the driver applies the minimum data rate
};
/// The 220 went out before this; handshake, then on_tls_established(). Bytes that the client sent
/// before the handshake make the session close instead (RFC 3207 section 4.2).
struct StartTls {};
/// Commit this; answer with on_verdict(). For LMTP one verdict serves all recipients.
struct Deliver {
    Envelope envelope;
    std::unique_ptr<Body> body;
};
/// Close after everything sent so far has gone out.
struct Close {};

using Action = std::variant<SendReply, AwaitBytes, StartTls, Deliver, Close>;

/// How the commit of a delivered message ended, and the words of the reply.
struct DeliveryVerdict {
    enum class Kind {
        committed,  ///< 250 2.0.0 <id>
        busy,       ///< 451 4.3.2
        full,       ///< 452 4.3.1
        failed      ///< 451 4.3.0
    };
    Kind kind = Kind::failed;
    std::string id;  ///< shown in the 250: the message's row id
};

/// Something worth counting or logging; the driver takes them with take_events().
struct Event {
    enum class Kind {
        refused_recipient,  ///< detail: the address; reason: unknown, foreign, too_many, syntax
        refused_message,    ///< detail: the sender (empty after a verdict: the driver has the
                            ///< envelope); reason: sender, size, bare_newline, no_space, busy,
                            ///< shutting_down, failed
        violation,          ///< reason: non_smtp, bare_newline (with an empty reply: seen in DATA
                            ///< and kept), control_character, line_too_long, starttls_injection,
                            ///< too_many_errors, too_many_refused, too_many_idle
        timeout,            ///< reason: the state it happened in
        accepted            ///< a message was committed; detail: its id
    };
    Kind kind;
    std::string_view reason;
    std::string detail;  ///< client text, at most 256 bytes, not escaped
    std::string reply;   ///< code and enhanced code of the reply, `550 5.1.1`
};

/// Counts of one session for its closing log line and the metrics.
struct SessionCounts {
    std::map<std::string, std::uint32_t, std::less<>>
        commands;                                    ///< verb in lower case, `unknown` for the rest
    std::map<std::uint16_t, std::uint32_t> replies;  ///< by code
    std::uint32_t messages = 0;
    std::uint32_t errors = 0;
    std::uint64_t bytes = 0;  ///< of accepted messages
};

/// SMTP or LMTP server session (RFC 5321, RFC 2033) without I/O.
///
/// Ask for next_action() and answer it:
///   SendReply   write it; nothing to answer
///   AwaitBytes  receive(), on_timeout(), on_eof() or on_shutdown()
///   StartTls    on_tls_established(), or drop the session if the handshake fails
///   Deliver     on_verdict()
///   Close       the last one
/// Replies to pipelined commands are gathered into one SendReply (RFC 2920); pipelined commands
/// wait while a Deliver is unanswered, so replies keep command order. How the bytes are cut into
/// receive() calls never changes what is sent. Only CRLF.CRLF ends DATA; bytes are handed on as
/// sent, un-dotted after CRLF only. Implicit TLS: on_tls_established() before the first
/// next_action(). The configuration and the environment outlive the session. Take the events after
/// each answer. Not thread-safe.
class Session {
  public:
    Session(const SessionConfig& config, Environment& environment);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session();

    /// Always one; throws std::logic_error while a StartTls or Deliver is unanswered.
    [[nodiscard]] Action next_action();
    /// Not kept after return, beyond what one command line needs and what was pipelined behind a
    /// message.
    void receive(std::string_view bytes);
    void on_timeout();  ///< 421 4.4.2, then Close
    void on_eof();      ///< the peer closed its side; an unfinished message is dropped
    void on_tls_established();
    void on_verdict(const DeliveryVerdict& verdict);
    /// 421 4.3.2 and Close as soon as no message is being received or committed. May come at any
    /// time, also instead of the answer to AwaitBytes.
    void on_shutdown();

    [[nodiscard]] bool in_data() const;  ///< between 354 and the final dot, or awaiting a verdict
    [[nodiscard]] std::string_view state()
        const;  ///< for the log: greeting, command, data, verdict, tls, closed
    [[nodiscard]] const SessionCounts& counts() const;
    [[nodiscard]] std::vector<Event> take_events();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace dmarcbox::smtp
