#include <doctest/doctest.h>

#include <array>
#include <random>
#include <stdexcept>
#include <string>

#include "server/smtp/limits.hpp"
#include "tests/smtp/session_driver.hpp"

using namespace dmarcbox;
using namespace dmarcbox::test;

namespace {

constexpr const char* kMessage =
    "EHLO client.example\r\nMAIL FROM:<a@reporter.example>\r\nRCPT TO:<rua@reports.example>\r\n"
    "DATA\r\nx\r\n.\r\n";

/// `head`: directives; the client then sends `bytes` at once.
std::string events_of(const std::string& head, const std::string& bytes, Chunking chunking) {
    const auto dialogue = parse_dialogue(head, "events");
    SessionDriver driver(dialogue, chunking);
    driver.send(bytes);
    static_cast<void>(driver.silent());
    return driver.events();
}

}  // namespace

TEST_CASE("events tell what happened and why") {
    struct Row {
        const char* name;
        std::string head;
        std::string bytes;
        std::string events;
    };
    const std::string mail = "EHLO c\r\nMAIL FROM:<a@reporter.example>\r\n";
    const std::string data = mail + "RCPT TO:<rua@reports.example>\r\nDATA\r\n";
    const auto rows = std::to_array<Row>({
        {"accepted", "", kMessage, "accepted  1 250 2.0.0\n"},
        {"unknown", "", mail + "RCPT TO:<X@reports.example>\r\n",
         "refused_recipient unknown X@reports.example 550 5.1.1\n"},
        {"foreign", "", mail + "RCPT TO:<x@y.example>\r\n",
         "refused_recipient foreign x@y.example 550 5.7.1\n"},
        {"syntax", "", mail + "RCPT TO:<x@>\r\n", "refused_recipient syntax <x@> 501 5.1.3\n"},
        {"too many recipients", "config: max_recipients=0\n",
         mail + "RCPT TO:<rua@reports.example>\r\n",
         "refused_recipient too_many rua@reports.example 452 4.5.3\n"},
        {"bad sender", "", "EHLO c\r\nMAIL FROM:<a@>\r\n",
         "refused_message sender <a@> 501 5.1.7\n"},
        {"declared size", "config: max_message_bytes=9\n",
         "EHLO c\r\nMAIL FROM:<a@b.example> SIZE=10\r\n",
         "refused_message size a@b.example 552 5.3.4\n"},
        {"size in data", "config: max_message_bytes=3\n", data + "abc\r\n.\r\n",
         "refused_message size a@reporter.example 552 5.3.4\n"},
        {"far over the size", "config: max_message_bytes=3\n", data + "abcdefghi\r\n",
         "refused_message size a@reporter.example 552 5.3.4\n"},
        {"bare newline refused", "config: bare_newline=reject\n", data + "a\nb\r\n.\r\n",
         "refused_message bare_newline a@reporter.example 550 5.5.2\n"},
        {"bare newline kept", "", data + "a\nb\r\n.\r\n",
         "violation bare_newline  \naccepted  1 250 2.0.0\n"},
        {"bare newline in a command", "", "EHLO c\r\nNOOP\nNOOP\r\n",
         "violation bare_newline NOOP\n 500 5.5.2\n"},
        {"control character", "", std::string("NOOP \x01\r\n"),
         "violation control_character NOOP \x01 500 5.5.2\n"},
        {"http", "", "GET / HTTP/1.1\r\n", "violation non_smtp http 554 5.5.1\n"},
        {"first byte", "", "\x16\x03\x01", "violation non_smtp \x16 554 5.5.1\n"},
        {"starttls injection", "config: starttls=yes\n", "STARTTLS\r\nMAIL FROM:<>\r\n",
         "violation starttls_injection MAIL FROM:<>\r\n \n"},
        {"too many errors", "config: max_errors=1\n", "X\r\nX\r\n",
         "violation too_many_errors  421 4.7.0\n"},
        {"too many refused", "config: max_refused_recipients=0\n",
         mail + "RCPT TO:<x@y.example>\r\n",
         "refused_recipient foreign x@y.example 550 5.7.1\n"
         "violation too_many_refused  421 4.7.0\n"},
        {"too many idle", "config: max_idle_commands=1\n", "NOOP\r\nNOOP\r\n",
         "violation too_many_idle  421 4.7.0\n"},
    });
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(events_of(row.head, row.bytes, {}) == row.events);
    }
}

TEST_CASE("events: client text is cut at 256 bytes") {
    const auto events = events_of("", "NOOP " + std::string(5000, 'x'), {});
    CHECK(events == "violation line_too_long NOOP " + std::string(251, 'x') + " 500 5.5.2\n");
}

TEST_CASE("events that nobody takes are capped") {
    smtp::SessionConfig config;
    config.max_refused_recipients = 1000000;
    FakeEnvironment environment({"rua@reports.example"});
    smtp::Session session(config, environment);
    static_cast<void>(session.next_action());
    static_cast<void>(session.next_action());
    session.receive("EHLO c\r\nMAIL FROM:<>\r\n");
    for (int i = 0; i < 3000; ++i) {
        session.receive("RCPT TO:<x@y.example>\r\n");
        static_cast<void>(session.next_action());
        static_cast<void>(session.next_action());
    }
    CHECK(session.take_events().size() == smtp::kMaxQueuedEvents);
    CHECK(session.take_events().empty());
    CHECK(session.counts().replies.at(550) == 3000);
}

TEST_CASE("timeouts name the state") {
    const auto timeout_after = [](const std::string& bytes) {
        const auto dialogue = parse_dialogue("", "x");
        SessionDriver driver(dialogue, {});
        driver.send(bytes);
        driver.timeout();
        return driver.events();
    };
    CHECK(timeout_after("") == "timeout command  421 4.4.2\n");
    CHECK(timeout_after("EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<rua@reports.example>\r\nDATA\r\n") ==
          "timeout data  421 4.4.2\n");
}

TEST_CASE("states have names") {
    const auto dialogue = parse_dialogue("config: starttls=yes\n", "x");
    SessionDriver driver(dialogue, {});
    CHECK(driver.session().state() == "greeting");
    CHECK_FALSE(driver.session().in_data());
    driver.send("EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<rua@reports.example>\r\n");
    CHECK(driver.session().state() == "command");
    driver.send("DATA\r\n");
    CHECK(driver.session().state() == "data");
    CHECK(driver.session().in_data());
    Step hold;
    hold.kind = Step::Kind::hold;
    driver.steer(hold);
    driver.send("x\r\n.\r\n");
    CHECK(driver.session().state() == "verdict");
    CHECK(driver.session().in_data());
    Step release;
    release.kind = Step::Kind::release;
    driver.steer(release);
    driver.send("STARTTLS\r\n");
    CHECK(driver.session().state() == "tls");
    driver.starttls();
    CHECK(driver.session().state() == "command");
    driver.send("QUIT\r\n");
    CHECK(driver.session().state() == "closed");
}

TEST_CASE("counts of a session") {
    const auto dialogue = parse_dialogue("", "x");
    SessionDriver driver(dialogue, {});
    driver.send(kMessage);
    driver.send("FOO\r\nfoo\r\nNOOP\r\nQUIT\r\n");
    CHECK(driver.closed() == false);  // replies are unread
    const auto& counts = driver.session().counts();
    using Commands = decltype(counts.commands);
    const Commands commands = {{"ehlo", 1}, {"mail", 1}, {"rcpt", 1},   {"data", 1},
                               {"noop", 1}, {"quit", 1}, {"unknown", 2}};
    CHECK(counts.commands == commands);
    using Replies = decltype(counts.replies);
    const Replies replies = {{220, 1}, {221, 1}, {250, 5}, {354, 1}, {500, 2}};
    CHECK(counts.replies == replies);
    CHECK(counts.messages == 1);
    CHECK(counts.bytes == 3);
    CHECK(counts.errors == 2);
}

TEST_CASE("the environment learns the declared size") {
    const auto dialogue = parse_dialogue("", "x");
    SessionDriver driver(dialogue, {});
    driver.send("EHLO c\r\nMAIL FROM:<> SIZE=12345\r\n");
    CHECK(driver.environment().declared == 12345);
    driver.send("RSET\r\nMAIL FROM:<>\r\n");
    CHECK(driver.environment().declared == 0);
}

TEST_CASE("implicit TLS: no STARTTLS is offered and it is refused") {
    const auto dialogue = parse_dialogue("config: starttls=yes\n", "x");
    smtp::SessionConfig config = session_config(dialogue);
    FakeEnvironment environment(dialogue.accept);
    smtp::Session session(config, environment);
    session.on_tls_established();
    const auto reply = [&] { return std::get<smtp::SendReply>(session.next_action()).bytes; };
    CHECK(reply() == "220 mx.reports.example ESMTP\r\n");
    CHECK(std::holds_alternative<smtp::AwaitBytes>(session.next_action()));
    session.receive("EHLO c\r\n");
    CHECK(reply().find("STARTTLS") == std::string::npos);
    static_cast<void>(session.next_action());
    session.receive("STARTTLS\r\n");
    CHECK(reply() == "503 5.5.1 TLS already active\r\n");
}

TEST_CASE("an unanswered message is a mistake of the driver") {
    const auto dialogue = parse_dialogue("", "x");
    smtp::SessionConfig config = session_config(dialogue);
    FakeEnvironment environment(dialogue.accept);
    smtp::Session session(config, environment);
    static_cast<void>(session.next_action());
    session.receive(kMessage);
    static_cast<void>(session.next_action());
    CHECK(std::holds_alternative<smtp::Deliver>(session.next_action()));
    CHECK_THROWS_AS(static_cast<void>(session.next_action()), std::logic_error);
    session.on_verdict({smtp::DeliveryVerdict::Kind::committed, ""});
    CHECK(std::get<smtp::SendReply>(session.next_action()).bytes == "250 2.0.0 OK\r\n");
}

TEST_CASE("a client that leaves before the verdict: the message counts all the same") {
    const auto dialogue = parse_dialogue("", "x");
    smtp::SessionConfig config = session_config(dialogue);
    FakeEnvironment environment(dialogue.accept);
    smtp::Session session(config, environment);
    static_cast<void>(session.next_action());
    session.receive(kMessage);
    static_cast<void>(session.next_action());
    CHECK(std::holds_alternative<smtp::Deliver>(session.next_action()));
    session.on_eof();
    session.on_verdict({smtp::DeliveryVerdict::Kind::committed, "1"});
    CHECK(std::holds_alternative<smtp::Close>(session.next_action()));
    CHECK(session.counts().messages == 1);
    CHECK(session.counts().bytes == 3);
}

TEST_CASE("shutdown before the greeting") {
    smtp::SessionConfig config;
    FakeEnvironment environment({});
    smtp::Session session(config, environment);
    session.on_shutdown();
    CHECK(std::get<smtp::SendReply>(session.next_action()).bytes ==
          "421 4.3.2 Service shutting down\r\n");
    CHECK(std::holds_alternative<smtp::Close>(session.next_action()));
    CHECK(std::holds_alternative<smtp::Close>(session.next_action()));
}

TEST_CASE("replies are handed out in portions while a client pipelines without reading") {
    smtp::SessionConfig config;
    config.max_idle_commands = 1000000;
    FakeEnvironment environment({});
    smtp::Session session(config, environment);
    static_cast<void>(session.next_action());
    static_cast<void>(session.next_action());
    constexpr std::size_t kCommands = 50000;
    std::string commands;
    for (std::size_t i = 0; i < kCommands; ++i) {
        commands += "NOOP\r\n";
    }
    session.receive(commands);
    std::string replies;
    std::size_t largest = 0;
    for (auto action = session.next_action(); std::holds_alternative<smtp::SendReply>(action);
         action = session.next_action()) {
        const auto& bytes = std::get<smtp::SendReply>(action).bytes;
        largest = std::max(largest, bytes.size());
        replies += bytes;
    }
    const std::string one = "250 2.0.0 OK\r\n";
    CHECK(replies.size() == kCommands * one.size());
    CHECK(largest >= smtp::kMaxQueuedReplies);
    CHECK(largest < smtp::kMaxQueuedReplies + one.size());
}

TEST_CASE("random conversations do the same however they are cut") {
    // Fragments that reach every state, and the bytes that could break it.
    const auto fragments = std::to_array<std::string>({
        "EHLO c\r\n",
        "HELO c\r\n",
        "LHLO c\r\n",
        "MAIL FROM:<a@reporter.example>\r\n",
        "MAIL FROM:<> SIZE=20 SMTPUTF8\r\n",
        "MAIL FROM:<> SIZE=99999\r\n",
        "RCPT TO:<rua@reports.example>\r\n",
        "RCPT TO:<x@reports.example>\r\n",
        "RCPT TO:<x@y.example>\r\n",
        "DATA\r\n",
        "hello\r\n",
        "..\r\n",
        "\r\n.\r\n",
        ".\r\n",
        "\r\n",
        "\n.\n",
        "\r.\r",
        ".",
        "\r",
        "\n",
        "RSET\r\n",
        "NOOP\r\n",
        "VRFY x\r\n",
        "STARTTLS\r\n",
        "QUIT\r\n",
        "BDAT 3\r\n",
        "AUTH x\r\n",
        std::string(1, '\0'),
        "\xC3\xA4",
        "x",
        " ",
        "<",
        ">",
        "GET / HTTP/1.1\r\n",
        std::string(300, 'a'),
    });
    const std::string transaction =
        "EHLO c\r\nLHLO c\r\nMAIL FROM:<a@reporter.example>\r\nRCPT TO:<rua@reports.example>\r\n"
        "DATA\r\n";
    const auto heads = std::to_array<std::string>(
        {"config: max_message_bytes=60\n", "protocol: lmtp\nconfig: max_message_bytes=60\n",
         "config: bare_newline=reject\nconfig: starttls=yes\n"});
    std::mt19937 random(4);  // the same conversations in every run
    std::size_t delivered = 0;
    for (int round = 0; round < 2000; ++round) {
        const auto dialogue = parse_dialogue(heads[random() % heads.size()], "random");
        std::string bytes = random() % 2 == 0 ? transaction : "";
        for (auto left = random() % 25; left > 0; --left) {
            bytes += random() % 8 == 0 ? transaction : fragments[random() % fragments.size()];
        }
        const auto transcript = [&](Chunking chunking) {
            SessionDriver driver(dialogue, chunking);
            driver.send(bytes);
            static_cast<void>(driver.silent());
            delivered += driver.stored().size();
            // Whether bytes behind STARTTLS are seen at all depends on how they arrive.
            const bool starttls = dialogue.config.contains("starttls");
            return driver.transcript() + (starttls ? "" : driver.events());
        };
        const auto whole = transcript({});
        REQUIRE_MESSAGE(transcript({.size = 1}) == whole, printable(bytes));
        REQUIRE_MESSAGE(transcript({.size = 2 + random() % 9}) == whole, printable(bytes));
        REQUIRE_MESSAGE(transcript({.split = random() % (bytes.size() + 1)}) == whole,
                        printable(bytes));
    }
    CHECK(delivered > 500);
}
