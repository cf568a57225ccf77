#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/smtp/session.hpp"
#include "tests/smtp/fake_environment.hpp"
#include "tests/support/dialogue.hpp"

namespace dmarcbox::test {

/// Cuts the client's bytes into receive() calls; by default, all that was sent is one call.
struct Chunking {
    std::size_t size = 0;   ///< bytes in a call; 0: all
    std::size_t split = 0;  ///< cut once, behind this many bytes of the whole dialogue
};

[[nodiscard]] smtp::SessionConfig session_config(const Dialogue& dialogue);

/// Runs a Session in memory as a network driver would, and writes down what it did.
class SessionDriver final : public DialogueDriver {
  public:
    SessionDriver(const Dialogue& dialogue, Chunking chunking);

    void send(std::string_view bytes) override;
    std::optional<std::string> read_line() override;
    bool closed() override;
    bool silent() override;
    void timeout() override;
    void eof() override;
    void starttls() override;
    std::vector<StoredMessage> stored() override { return stored_; }
    void steer(const Step& step) override;

    /// All actions but AwaitBytes, adjacent replies joined.
    [[nodiscard]] const std::string& transcript() const { return transcript_; }
    /// Every event so far, one a line: kind, reason, detail, reply.
    [[nodiscard]] const std::string& events() const { return events_; }
    [[nodiscard]] std::size_t bytes_sent() const { return bytes_sent_; }
    [[nodiscard]] smtp::Session& session() { return session_; }
    [[nodiscard]] FakeEnvironment& environment() { return environment_; }

  private:
    enum class Waits { nothing, bytes, tls, verdict, closed };

    void pump();
    void feed();
    void act(const smtp::AwaitBytes& action);
    void deliver(const smtp::Deliver& action);
    void give_verdict();
    void take_events();

    smtp::SessionConfig config_;
    FakeEnvironment environment_;
    smtp::Session session_;
    Chunking chunking_;
    Waits waits_ = Waits::nothing;
    std::string inbox_;         ///< sent by the client
    std::size_t inbox_at_ = 0;  ///< bytes of it already read
    std::string output_;        ///< said by the server, not yet read
    std::string transcript_;
    std::string events_;
    std::size_t bytes_sent_ = 0;
    smtp::DeliveryVerdict::Kind verdict_ = smtp::DeliveryVerdict::Kind::committed;
    bool hold_ = false;
    StoredMessage delivered_;
    std::vector<StoredMessage> stored_;
};

}  // namespace dmarcbox::test
