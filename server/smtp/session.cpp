#include "server/smtp/session.hpp"

#include <stdexcept>

#include "server/smtp/limits.hpp"
#include "server/smtp/session_impl.hpp"

namespace dmarcbox::smtp {

Session::Session(const SessionConfig& config, Environment& environment)
    : impl_(std::make_unique<Impl>(config, environment)) {}

Session::~Session() = default;

Action Session::next_action() {
    return impl_->next_action();
}

void Session::receive(std::string_view bytes) {
    impl_->receive(bytes);
}

void Session::on_timeout() {
    impl_->on_timeout();
}

void Session::on_eof() {
    impl_->on_eof();
}

void Session::on_tls_established() {
    impl_->on_tls_established();
}

void Session::on_verdict(const DeliveryVerdict& verdict) {
    impl_->on_verdict(verdict);
}

void Session::on_shutdown() {
    impl_->on_shutdown();
}

bool Session::in_data() const {
    return impl_->state == Impl::State::data || impl_->state == Impl::State::verdict;
}

std::string_view Session::state() const {
    return impl_->state_name();
}

const SessionCounts& Session::counts() const {
    return impl_->collect_counts();
}

std::vector<Event> Session::take_events() {
    return std::exchange(impl_->events, {});
}

Action Session::Impl::next_action() {
    if (answer_due) {
        throw std::logic_error("smtp::Session: the last action was not answered");
    }
    if (state == State::greeting) {
        const std::string text = config.hostname + (lmtp() ? " LMTP" : " ESMTP");
        send(Reply{220, {}, text});
        state = State::command;
    }
    if (output.empty()) {
        consume_pending();
    }
    if (!output.empty()) {
        return SendReply{std::exchange(output, {})};
    }
    switch (state) {
        case State::verdict:
            answer_due = true;
            return Deliver{std::exchange(envelope, Envelope{{}, {}, envelope.helo, false}),
                           std::move(body)};
        case State::tls:
            answer_due = true;
            return StartTls{};
        case State::closed:
            return Close{};
        case State::greeting:
        case State::command:
        case State::data:
            break;
    }
    return AwaitBytes{config.idle_timeout, state == State::data};
}

bool Session::Impl::reads_input() const {
    return (state == State::command || state == State::data) && output.size() < kMaxQueuedReplies;
}

void Session::Impl::receive(std::string_view bytes) {
    if (pending.empty()) {
        consume(bytes);  // without a copy, which matters in DATA
    }
    if (state != State::closed && !bytes.empty()) {
        pending.append(bytes);
    }
}

void Session::Impl::consume_pending() {
    if (pending.empty()) {
        return;
    }
    auto input = std::string_view(pending).substr(pending_at);
    consume(input);
    pending_at = pending.size() - input.size();
    if (input.empty()) {
        std::string().swap(pending);
        pending_at = 0;
    }
}

void Session::Impl::consume(std::string_view& input) {
    while (!input.empty() && reads_input()) {
        if (state == State::data) {
            consume_data(input);
        } else {
            consume_line(input);
        }
    }
    if (state == State::tls && !input.empty()) {
        // Commands sent in the clear behind STARTTLS must not run inside TLS (RFC 3207 section 4.2,
        // CVE-2011-0411).
        add_event(Event::Kind::violation, "starttls_injection", input, {});
        state = State::closed;
    }
    if (state == State::closed) {
        input = {};
    }
}

void Session::Impl::consume_line(std::string_view& input) {
    if (std::exchange(first_byte, false) && (input.front() < ' ' || input.front() > '~')) {
        violate(reply::kNotSmtp, "non_smtp", input.substr(0, 1));
        return;
    }
    switch (lines.read(input)) {
        case LineReader::Status::incomplete:
            return;
        case LineReader::Status::line:
            handle(parse_command(lines.line()));
            lines.release();
            return;
        case LineReader::Status::too_long:
            violate(reply::kLineTooLong, "line_too_long", lines.line());
            return;
        case LineReader::Status::bare_newline:
            violate(reply::kBareNewline, "bare_newline", lines.line());
            return;
        case LineReader::Status::control_character:
            violate(reply::kControlCharacter, "control_character", lines.line());
            return;
    }
}

void Session::Impl::on_eof() {
    const auto delivered = state == State::verdict ? data_bytes : 0;
    reset_transaction();
    data_bytes = delivered;
    output.clear();
    pending.clear();
    pending_at = 0;
    state = State::closed;
    answer_due = false;
}

void Session::Impl::on_tls_established() {
    tls = true;
    answer_due = false;
    if (state == State::greeting) {
        return;  // implicit TLS
    }
    // RFC 3207 section 4.2: what the client said in the clear is forgotten.
    reset_transaction();
    envelope.helo.clear();
    hello = false;
    first_byte = true;
    state = State::command;
    if (shutting_down) {
        send_and_close(reply::kShuttingDown);
    }
}

void Session::Impl::on_shutdown() {
    shutting_down = true;
    if (state == State::greeting || state == State::command) {
        send_and_close(reply::kShuttingDown);
    }
}

}  // namespace dmarcbox::smtp
