#include <doctest/doctest.h>
#include <malloc.h>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "server/smtp/limits.hpp"
#include "tests/smtp/fake_environment.hpp"

using namespace dmarcbox;

namespace {

std::size_t live_bytes = 0;  // the tests run on one thread

void* counted_allocate(std::size_t size) {
    void* const memory = std::malloc(size);
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    live_bytes += malloc_usable_size(memory);
    return memory;
}

void counted_free(void* memory) noexcept {
    if (memory != nullptr) {
        live_bytes -= malloc_usable_size(memory);
        std::free(memory);
    }
}

}  // namespace

// Replaced for this program, so that the memory of a session can be measured.
void* operator new(std::size_t size) {
    return counted_allocate(size);
}
void* operator new[](std::size_t size) {
    return counted_allocate(size);
}
void operator delete(void* memory) noexcept {
    counted_free(memory);
}
void operator delete[](void* memory) noexcept {
    counted_free(memory);
}
void operator delete(void* memory, std::size_t /*size*/) noexcept {
    counted_free(memory);
}
void operator delete[](void* memory, std::size_t /*size*/) noexcept {
    counted_free(memory);
}

namespace {

/// A body that keeps nothing, so that what grows is the session.
class Sink final : public smtp::Body {
  public:
    bool append(std::string_view bytes) override {
        size_ += bytes.size();
        return true;
    }
    [[nodiscard]] std::uint64_t size() const override { return size_; }

  private:
    std::uint64_t size_ = 0;
};

class SinkEnvironment final : public smtp::Environment {
  public:
    Admission admit_message(std::uint64_t /*declared_size*/) override {
        return Admission::admitted;
    }
    smtp::Recipients::Verdict check_recipient(const smtp::Address& /*address*/) override {
        return smtp::Recipients::Verdict::accepted;
    }
    std::unique_ptr<smtp::Body> new_body() override { return std::make_unique<Sink>(); }
};

/// Answers everything but AwaitBytes.
void drive(smtp::Session& session) {
    while (true) {
        const auto action = session.next_action();
        static_cast<void>(session.take_events());
        if (std::holds_alternative<smtp::Deliver>(action)) {
            session.on_verdict({smtp::DeliveryVerdict::Kind::committed, "1"});
        } else if (!std::holds_alternative<smtp::SendReply>(action)) {
            return;
        }
    }
}

void send(smtp::Session& session, const std::string& bytes) {
    session.receive(bytes);
    drive(session);
}

constexpr std::size_t kIdleSession = 2048;

}  // namespace

TEST_CASE("memory: an idle session is small before and after a message") {
    smtp::SessionConfig config;
    config.hostname = "mx.reports.example";
    SinkEnvironment environment;
    const auto before = live_bytes;
    smtp::Session session(config, environment);
    drive(session);
    send(session, "EHLO some.client.with.a.rather.long.name.example\r\n");
    MESSAGE("idle after EHLO: ", live_bytes - before, " bytes");
    CHECK(live_bytes - before < kIdleSession);
    send(session, "MAIL FROM:<noreply-dmarc-support@reporter.example> SIZE=100\r\n");
    send(session, "RCPT TO:<rua@reports.example>\r\nRCPT TO:<ruf@reports.example>\r\nDATA\r\n");
    send(session, "Subject: x\r\n\r\nbody\r\n.\r\nNOOP\r\n");
    MESSAGE("idle after a message: ", live_bytes - before, " bytes");
    CHECK(live_bytes - before < kIdleSession);
}

TEST_CASE("memory: a long command that came in pieces leaves nothing behind") {
    smtp::SessionConfig config;
    SinkEnvironment environment;
    smtp::Session session(config, environment);
    drive(session);
    send(session, "NOOP\r\n");
    const auto before = live_bytes;
    send(session, "NOOP " + std::string(1000, 'x'));
    send(session, std::string(1000, 'x') + "\r\n");
    CHECK(session.counts().replies.at(250) == 2);
    send(session, "NOOP ");
    CHECK(live_bytes - before < 512);  // counts() keeps maps of its own
}

TEST_CASE("memory: a session in DATA does not grow with the message") {
    smtp::SessionConfig config;
    SinkEnvironment environment;
    smtp::Session session(config, environment);
    drive(session);
    send(session, "EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<rua@reports.example>\r\nDATA\r\n");
    const std::string block(16384, 'x');
    const auto before = live_bytes;
    for (int i = 0; i < 1000; ++i) {
        send(session, block);
    }
    CHECK(live_bytes == before);
}

TEST_CASE("memory: an endless command line holds one line") {
    smtp::SessionConfig config;
    SinkEnvironment environment;
    smtp::Session session(config, environment);
    drive(session);
    const auto before = live_bytes;
    std::size_t most = 0;
    for (std::size_t i = 0; i < smtp::kMaxCommandLine - 1; ++i) {
        session.receive("x");
        static_cast<void>(session.next_action());
        most = std::max(most, live_bytes - before);
    }
    CHECK(most < 2 * smtp::kMaxCommandLine);
    CHECK(session.state() == "command");
    session.receive("x");
    CHECK(session.state() == "closed");
}
