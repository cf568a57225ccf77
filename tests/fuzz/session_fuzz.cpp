#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "server/smtp/session.hpp"
#include "tests/smtp/fake_environment.hpp"

namespace {

using namespace dmarcbox;

/// What a session does with these bytes, AwaitBytes left out. Bytes behind STARTTLS end it, as
/// they would end a handshake.
std::string transcript(const smtp::SessionConfig& config, std::string_view bytes, std::size_t cut) {
    test::FakeEnvironment environment({"rua@reports.example", "@example.org"});
    environment.room = 500;
    smtp::Session session(config, environment);
    std::string seen;
    for (std::uint32_t delivered = 0;;) {
        const auto action = session.next_action();
        if (const auto* const reply = std::get_if<smtp::SendReply>(&action)) {
            seen += reply->bytes;
        } else if (std::holds_alternative<smtp::AwaitBytes>(action)) {
            if (bytes.empty()) {
                return seen + std::string(session.state());
            }
            const std::string chunk(bytes.substr(0, cut));
            bytes.remove_prefix(chunk.size());
            session.receive(chunk);
        } else if (const auto* const message = std::get_if<smtp::Deliver>(&action)) {
            seen += "<" + dynamic_cast<const test::FakeBody&>(*message->body).bytes + ">";
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
    config.max_message_bytes = 200;
    config.max_recipients = 3;
    config.offer_starttls = (data[0] & 1U) != 0;
    config.reject_bare_newline = (data[0] & 2U) != 0;
    config.protocol = (data[0] & 4U) != 0 ? smtp::SessionConfig::Protocol::lmtp
                                          : smtp::SessionConfig::Protocol::smtp;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
    const auto whole = transcript(config, bytes, bytes.size() + 1);
    if (whole != transcript(config, bytes, 1) ||
        whole != transcript(config, bytes, std::size_t{2} + data[1] % 64)) {
        __builtin_trap();
    }
    return 0;
}
