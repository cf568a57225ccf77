#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "server/smtp/session.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/smtp/fake_environment.hpp"

namespace {

using namespace dmarcbox;

constexpr std::uint64_t kMaxMessage = 200;
constexpr std::uint32_t kMaxRecipients = 3;

/// The message in what a client sent behind 354, RFC 5321 section 4.5.2 by the letter.
std::string message_in(std::string_view sent) {
    const std::string text = "\r\n" + std::string(sent);
    std::string message;
    for (std::size_t i = 2; i < text.size() && text.compare(i - 2, 5, "\r\n.\r\n") != 0; ++i) {
        if (text[i] != '.' || text.compare(i - 2, 2, "\r\n") != 0) {
            message += text[i];
        }
    }
    return message;
}

void check(const smtp::Deliver& delivered) {
    fuzz::require(delivered.body->size() <= kMaxMessage, "a message is within its cap");
    fuzz::require(!delivered.envelope.to.empty() && delivered.envelope.to.size() <= kMaxRecipients,
                  "recipients are within their cap");
}

/// What a session does with these bytes, AwaitBytes left out. Bytes behind STARTTLS end it, as
/// they would end a handshake.
std::string transcript(const smtp::SessionConfig& config, std::string_view bytes, std::size_t cut) {
    test::FakeEnvironment environment({"rua@reports.example", "@example.org"});
    environment.room = 500;
    smtp::Session session(config, environment);
    const std::string_view sent = bytes;
    std::size_t data_begin = 0;
    std::string seen;
    for (std::uint32_t delivered = 0;;) {
        const auto action = session.next_action();
        if (const auto* const reply = std::get_if<smtp::SendReply>(&action)) {
            seen += reply->bytes;
            if (reply->bytes.starts_with("354 ")) {
                data_begin = sent.size() - bytes.size();
            }
        } else if (std::holds_alternative<smtp::AwaitBytes>(action)) {
            if (bytes.empty()) {
                return seen + std::string(session.state());
            }
            const std::string chunk(bytes.substr(0, cut));
            bytes.remove_prefix(chunk.size());
            session.receive(chunk);
        } else if (const auto* const message = std::get_if<smtp::Deliver>(&action)) {
            check(*message);
            const auto& body = dynamic_cast<const test::FakeBody&>(*message->body).bytes;
            // Byte by byte nothing is sent ahead of a reply.
            fuzz::require(cut > 1 || body == message_in(sent.substr(data_begin)),
                          "what is accepted is what was sent");
            seen += "<" + body + ">";
            session.on_verdict({++delivered % 3 == 0 ? smtp::DeliveryVerdict::Kind::failed
                                                     : smtp::DeliveryVerdict::Kind::committed,
                                "1"});
        } else if (std::holds_alternative<smtp::StartTls>(action) && bytes.empty()) {
            return seen;
        } else {
            return environment.bodies_alive == 0 ? seen + "close" : "a body outlives its session";
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    smtp::SessionConfig config;
    config.hostname = "mx.reports.example";
    config.max_message_bytes = kMaxMessage;
    config.max_recipients = kMaxRecipients;
    config.offer_starttls = (data[0] & 1U) != 0;
    config.reject_bare_newline = (data[0] & 2U) != 0;
    config.protocol = (data[0] & 4U) != 0 ? smtp::SessionConfig::Protocol::lmtp
                                          : smtp::SessionConfig::Protocol::smtp;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
    const auto whole = transcript(config, bytes, bytes.size() + 1);
    fuzz::require(whole == transcript(config, bytes, 1), "byte by byte it is the same");
    fuzz::require(whole == transcript(config, bytes, std::size_t{2} + data[1] % 64),
                  "in pieces it is the same");
    return 0;
}
