#include "tests/smtp/session_driver.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <utility>

namespace dmarcbox::test {
namespace {

using smtp::DeliveryVerdict;
using smtp::Environment;

template <class Value>
Value lookup(const std::map<std::string, Value>& values, const std::string& name) {
    const auto found = values.find(name);
    if (found == values.end()) {
        throw std::runtime_error("unknown value in dialogue: " + name);
    }
    return found->second;
}

std::string_view kind_name(smtp::Event::Kind kind) {
    switch (kind) {
        case smtp::Event::Kind::refused_recipient:
            return "refused_recipient";
        case smtp::Event::Kind::refused_message:
            return "refused_message";
        case smtp::Event::Kind::violation:
            return "violation";
        case smtp::Event::Kind::timeout:
            return "timeout";
        case smtp::Event::Kind::accepted:
            break;
    }
    return "accepted";
}

}  // namespace

smtp::SessionConfig session_config(const Dialogue& dialogue) {
    smtp::SessionConfig config;
    config.hostname = kDialogueHostname;
    config.protocol =
        dialogue.lmtp ? smtp::SessionConfig::Protocol::lmtp : smtp::SessionConfig::Protocol::smtp;
    for (const auto& [key, value] : dialogue.config) {
        if (key == "max_message_bytes") {
            config.max_message_bytes = std::stoull(value);
        } else if (key == "max_recipients") {
            config.max_recipients = static_cast<std::uint32_t>(std::stoul(value));
        } else if (key == "max_errors") {
            config.max_errors = static_cast<std::uint32_t>(std::stoul(value));
        } else if (key == "max_refused_recipients") {
            config.max_refused_recipients = static_cast<std::uint32_t>(std::stoul(value));
        } else if (key == "max_idle_commands") {
            config.max_idle_commands = static_cast<std::uint32_t>(std::stoul(value));
        } else if (key == "idle_timeout_seconds") {
            config.idle_timeout = std::chrono::seconds(std::stoul(value));
        } else if (key == "bare_newline") {
            config.reject_bare_newline = value == "reject";
        } else if (key == "starttls") {
            config.offer_starttls = value == "yes";
        } else {
            throw std::runtime_error("unknown configuration: " + key);
        }
    }
    return config;
}

SessionDriver::SessionDriver(const Dialogue& dialogue, Chunking chunking)
    : config_(session_config(dialogue)),
      environment_(dialogue.accept),
      session_(config_, environment_),
      chunking_(chunking) {}

void SessionDriver::send(std::string_view bytes) {
    pump();
    inbox_.append(bytes);
    feed();
}

void SessionDriver::feed() {
    while (inbox_at_ < inbox_.size()) {
        if (waits_ == Waits::tls) {
            // Bytes in the clear meet a TLS handshake: it fails, the connection is dropped.
            transcript_ += "CLOSE\n";
            waits_ = Waits::closed;
        }
        if (waits_ == Waits::closed) {
            inbox_at_ = inbox_.size();
        }
        if (waits_ != Waits::bytes) {
            return;
        }
        std::size_t length = chunking_.size == 0 ? inbox_.size() - inbox_at_ : chunking_.size;
        if (bytes_sent_ < chunking_.split) {
            length = std::min(length, chunking_.split - bytes_sent_);
        }
        // A buffer of its own, freed after the call: the session may not keep a view into it.
        const std::string chunk = inbox_.substr(inbox_at_, length);
        inbox_at_ += chunk.size();
        bytes_sent_ += chunk.size();
        waits_ = Waits::nothing;
        session_.receive(chunk);
        pump();
    }
    inbox_.clear();
    inbox_at_ = 0;
}

void SessionDriver::pump() {
    while (waits_ == Waits::nothing) {
        const auto action = session_.next_action();
        take_events();
        if (const auto* const reply = std::get_if<smtp::SendReply>(&action)) {
            output_ += reply->bytes;
            transcript_ += reply->bytes;
        } else if (const auto* const await = std::get_if<smtp::AwaitBytes>(&action)) {
            act(*await);
        } else if (const auto* const message = std::get_if<smtp::Deliver>(&action)) {
            deliver(*message);
        } else if (std::holds_alternative<smtp::StartTls>(action)) {
            waits_ = Waits::tls;
        } else {
            transcript_ += "CLOSE\n";
            waits_ = Waits::closed;
            if (environment_.bodies_alive != 0) {
                throw std::runtime_error("a body outlives its session");
            }
        }
    }
}

void SessionDriver::act(const smtp::AwaitBytes& action) {
    if (action.timeout != config_.idle_timeout || action.in_data != session_.in_data()) {
        throw std::runtime_error("AwaitBytes does not fit the state");
    }
    if (environment_.bodies_alive > (action.in_data ? 1 : 0)) {
        throw std::runtime_error("a body outlives its transaction");
    }
    waits_ = Waits::bytes;
}

void SessionDriver::deliver(const smtp::Deliver& action) {
    delivered_ = {};
    delivered_.bytes = dynamic_cast<const FakeBody&>(*action.body).bytes;
    delivered_.from = action.envelope.from.null() ? "<>" : action.envelope.from.text;
    delivered_.helo = action.envelope.helo;
    for (const auto& address : action.envelope.to) {
        delivered_.to += (delivered_.to.empty() ? "" : " ") + address.text;
    }
    transcript_ += "DELIVER " + delivered_.from + " " + delivered_.to + " " + delivered_.bytes;
    waits_ = Waits::verdict;
    if (!hold_) {
        give_verdict();
    }
}

void SessionDriver::give_verdict() {
    if (verdict_ == DeliveryVerdict::Kind::committed) {
        stored_.push_back(delivered_);
    }
    waits_ = Waits::nothing;
    session_.on_verdict({verdict_, std::to_string(stored_.size())});
}

void SessionDriver::take_events() {
    for (const auto& event : session_.take_events()) {
        events_.append(kind_name(event.kind)).append(" ").append(event.reason).append(" ");
        events_.append(event.detail).append(" ").append(event.reply).append("\n");
    }
}

std::optional<std::string> SessionDriver::read_line() {
    pump();
    const auto end = output_.find("\r\n");
    if (end == std::string::npos) {
        return std::nullopt;
    }
    auto line = output_.substr(0, end);
    output_.erase(0, end + 2);
    return line;
}

bool SessionDriver::closed() {
    pump();
    return waits_ == Waits::closed && output_.empty();
}

bool SessionDriver::silent() {
    pump();
    return waits_ != Waits::closed && output_.empty();
}

void SessionDriver::timeout() {
    pump();
    if (waits_ == Waits::bytes) {
        waits_ = Waits::nothing;
        session_.on_timeout();
        pump();
    }
}

void SessionDriver::eof() {
    pump();
    if (waits_ == Waits::bytes) {
        waits_ = Waits::nothing;
        session_.on_eof();
        pump();
    }
}

void SessionDriver::starttls() {
    pump();
    if (waits_ != Waits::tls) {
        throw std::runtime_error("the session does not wait for TLS");
    }
    transcript_ += "STARTTLS\n";
    waits_ = Waits::nothing;
    session_.on_tls_established();
    pump();
}

void SessionDriver::steer(const Step& step) {
    pump();
    if (step.kind == Step::Kind::verdict) {
        verdict_ = lookup<DeliveryVerdict::Kind>({{"committed", DeliveryVerdict::Kind::committed},
                                                  {"busy", DeliveryVerdict::Kind::busy},
                                                  {"full", DeliveryVerdict::Kind::full},
                                                  {"failed", DeliveryVerdict::Kind::failed}},
                                                 step.text);
    } else if (step.kind == Step::Kind::admission) {
        environment_.admission = lookup<Environment::Admission>(
            {{"admitted", Environment::Admission::admitted},
             {"disk_full", Environment::Admission::disk_full},
             {"busy", Environment::Admission::busy},
             {"queue_full", Environment::Admission::queue_full},
             {"shutting_down", Environment::Admission::shutting_down}},
            step.text);
    } else if (step.kind == Step::Kind::room) {
        environment_.room = step.number;
    } else if (step.kind == Step::Kind::hold) {
        hold_ = true;
    } else if (step.kind == Step::Kind::release) {
        hold_ = false;
        if (waits_ == Waits::verdict) {
            give_verdict();
            pump();
            feed();
        }
    } else if (step.kind == Step::Kind::shutdown) {
        session_.on_shutdown();
        if (waits_ == Waits::bytes) {
            waits_ = Waits::nothing;
            pump();
        }
    }
}

}  // namespace dmarcbox::test
