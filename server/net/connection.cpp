#include "server/net/connection.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <utility>
#include <variant>

#include "server/net/body.hpp"
#include "server/net/tls_context.hpp"
#include "server/smtp/limits.hpp"
#include "server/smtp/proxy_header.hpp"
#include "server/smtp/reply.hpp"

namespace dmarcbox::net {
namespace {

namespace asio = boost::asio;
using std::chrono::seconds;

// A client that sends as fast as we read lets the others have a turn after this many steps.
constexpr int kStepsPerTurn = 64;
// After our last word the peer may still be sending: closing on unread bytes would make the kernel
// send RST, and the reply would be lost.
constexpr seconds kLinger{2};
constexpr std::size_t kMaxDiscarded = std::size_t{64} << 10U;
// When the service stops: to shake hands or take a reply, before the 421 is given up.
constexpr seconds kFarewell{5};

}  // namespace

struct Connection::Waits {
    explicit Waits(asio::io_context& io, int socket) : descriptor(io, socket) {}
    ~Waits() { descriptor.release(); }  // the channel owns the socket
    Waits(const Waits&) = delete;
    Waits& operator=(const Waits&) = delete;
    asio::posix::stream_descriptor descriptor;
    bool readable = false;  ///< a wait is under way
    bool writable = false;
};

Connection::Connection(const Frontend& frontend,
                       FileDescriptor socket,
                       SessionInfo info,
                       AddressLimits::Place place,
                       OnClosed on_closed)
    : frontend_(frontend),
      info_(std::move(info)),
      place_(std::move(place)),
      on_closed_(std::move(on_closed)),
      channel_(std::move(socket)),
      waits_(std::make_unique<Waits>(frontend.io, channel_.descriptor())),
      session_(frontend.session, frontend.environment) {
    // Fails on unix sockets, which need it as little.
    const int on = 1;
    ::setsockopt(channel_.descriptor(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

Connection::~Connection() = default;

void Connection::start(bool proxied) {
    phase_ = proxied ? Phase::proxy : Phase::begin;
    deadline_ = Clock::now() + smtp::kProxyHeaderTimeout;
    run();
}

void Connection::begin_session() {
    session_open_ = true;
    if (frontend_.service == Service::smtps) {
        begin_handshake();
    } else {
        phase_ = Phase::next;
    }
}

void Connection::run() {
    const auto self = shared_from_this();  // finish() drops the owner's reference
    try {
        for (int steps = 0; steps < kStepsPerTurn; ++steps) {
            if (!step()) {
                return;
            }
        }
    } catch (...) {
        // Out of memory, mostly, in the middle of a step: no deadline would end what is left.
        abort(SessionEnd::error);
        throw;
    }
    asio::post(frontend_.io, [self] { self->run(); });
}

/// One step that needs no waiting; false: something has to happen first.
bool Connection::step() {
    switch (phase_) {
        case Phase::next: {
            auto action = session_.next_action();
            take_events();
            act(std::move(action));
            return true;
        }
        case Phase::read:
            return step_read();
        case Phase::write:
            return step_write();
        case Phase::begin:
            begin_session();
            return true;
        case Phase::proxy:
            return step_proxy();
        case Phase::handshake:
            return step_handshake();
        case Phase::linger:
            return step_linger();
        case Phase::verdict:
        case Phase::closed:
            break;
    }
    return false;
}

void Connection::act(smtp::Action action) {
    if (auto* const reply = std::get_if<smtp::SendReply>(&action)) {
        output_ = std::move(reply->bytes);
        frontend_.journal.dialogue(info_, "sent", output_);
        output_at_ = 0;
        command_awaited_ = false;
        deadline_ = Clock::now() + smtp::kWriteTimeout;
        phase_ = Phase::write;
    } else if (const auto* const wait = std::get_if<smtp::AwaitBytes>(&action)) {
        await(*wait);
    } else if (auto* const message = std::get_if<smtp::Deliver>(&action)) {
        deliver(std::move(*message));
    } else if (std::holds_alternative<smtp::StartTls>(action)) {
        begin_handshake();
    } else {
        say_goodbye();
    }
}

void Connection::await(const smtp::AwaitBytes& action) {
    const auto now = Clock::now();
    if (action.in_data && !in_data_) {
        data_began_ = now;
        data_paused_ = {};
        data_bytes_ = 0;
    }
    in_data_ = action.in_data;
    // A command has the whole timeout for all of its bytes, a message for each.
    if (in_data_ || !command_awaited_) {
        deadline_ = now + action.timeout;
        awaited_since_ = now;
    }
    command_awaited_ = !in_data_;
    phase_ = Phase::read;
    paused_ = in_data_ && frontend_.budget.must_wait();
    if (paused_) {
        paused_at_ = now;
    } else if (!read_again_ && !channel_.has_buffered()) {
        wait_readable();
    }
}

bool Connection::step_read() {
    if (paused_ || waits_->readable) {
        return false;
    }
    const auto result = channel_.read(frontend_.read_buffer);
    read_again_ =
        result.status == Channel::Status::done && result.bytes == frontend_.read_buffer.size();
    switch (result.status) {
        case Channel::Status::done:
            if (in_data_) {
                data_bytes_ += result.bytes;
            } else {
                frontend_.journal.dialogue(info_, "received",
                                           {frontend_.read_buffer.data(), result.bytes});
            }
            session_.receive({frontend_.read_buffer.data(), result.bytes});
            phase_ = Phase::next;
            return true;
        case Channel::Status::closed:
            session_.on_eof();
            take_events();
            finish(SessionEnd::eof);
            return false;
        case Channel::Status::want_read:
        case Channel::Status::want_write:
        case Channel::Status::failed:
            break;
    }
    return wait_for(result);
}

bool Connection::step_write() {
    while (output_at_ < output_.size()) {
        const auto result = channel_.write(std::string_view(output_).substr(output_at_));
        if (result.status != Channel::Status::done) {
            return wait_for(result);
        }
        output_at_ += result.bytes;
        deadline_ = Clock::now() + smtp::kWriteTimeout;
    }
    std::string().swap(output_);
    phase_ = Phase::next;
    return true;
}

void Connection::begin_handshake() {
    channel_.begin_tls(frontend_.tls->current());
    deadline_ = Clock::now() + smtp::kHandshakeTimeout;
    phase_ = Phase::handshake;
}

bool Connection::step_handshake() {
    const auto result = channel_.handshake();
    if (result.status == Channel::Status::failed || result.status == Channel::Status::closed) {
        frontend_.journal.handshake_failed(info_, channel_.error());
        abort(SessionEnd::tls);
        return false;
    }
    if (result.status == Channel::Status::done) {
        frontend_.journal.handshake_done(channel_.tls_version());
        session_.on_tls_established();
        command_awaited_ = false;
        phase_ = Phase::next;
        return true;
    }
    return wait_for(result);
}

/// Takes no byte behind the header: it may be the first of a TLS handshake.
bool Connection::step_proxy() {
    const auto seen = channel_.peek(frontend_.read_buffer);
    if (seen.status != Channel::Status::done) {
        return wait_for(seen);
    }
    const std::size_t before = proxy_header_.size();
    proxy_header_.append(frontend_.read_buffer.data(), seen.bytes);
    const auto header = smtp::parse_proxy_header(proxy_header_);
    std::size_t taken = seen.bytes;
    if (const auto* const whole = std::get_if<smtp::ProxyHeader>(&header)) {
        taken = whole->length - before;
    }
    (void)channel_.read(frontend_.read_buffer.first(taken));
    if (std::holds_alternative<smtp::ProxyIncomplete>(header)) {
        return true;
    }
    std::string().swap(proxy_header_);
    const auto* const whole = std::get_if<smtp::ProxyHeader>(&header);
    if (whole == nullptr) {
        break_off("proxy_header", {});
        return false;
    }
    if (!whole->source_ip.empty()) {
        info_.ip = whole->source_ip;
    }
    auto answer = frontend_.gate.enter(info_.ip);
    if (!answer.reason.empty()) {
        break_off(answer.reason, answer.reply);
        return false;
    }
    place_ = std::move(answer.place);
    begin_session();
    return true;
}

/// Before the session began: 421 where the client would understand it, then the end.
void Connection::break_off(std::string_view reason, std::string_view reply) {
    frontend_.journal.refused(info_, reason);
    if (frontend_.service != Service::smtps && !reply.empty()) {
        (void)channel_.write(reply);
    }
    channel_.finish_writing();
    finish(SessionEnd::limit);
}

bool Connection::step_linger() {
    const auto result = channel_.read(frontend_.read_buffer);
    discarded_ += result.bytes;
    if (result.status == Channel::Status::want_read) {
        wait_readable();
        return false;
    }
    if (result.status != Channel::Status::done || discarded_ > kMaxDiscarded) {
        finish(end_);
        return false;
    }
    return true;
}

/// Always false: the step is not done.
bool Connection::wait_for(const Channel::Result& result) {
    if (result.status == Channel::Status::want_read) {
        wait_readable();
    } else if (result.status == Channel::Status::want_write) {
        wait_writable();
    } else {
        session_.on_eof();
        take_events();
        finish(SessionEnd::error);
    }
    return false;
}

void Connection::wait_readable() {
    if (std::exchange(waits_->readable, true)) {
        return;
    }
    waits_->descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                                  [self = shared_from_this()](boost::system::error_code error) {
                                      self->waits_->readable = false;
                                      if (!error) {
                                          self->run();
                                      }
                                  });
}

void Connection::wait_writable() {
    if (std::exchange(waits_->writable, true)) {
        return;
    }
    waits_->descriptor.async_wait(asio::posix::stream_descriptor::wait_write,
                                  [self = shared_from_this()](boost::system::error_code error) {
                                      self->waits_->writable = false;
                                      if (!error) {
                                          self->run();
                                      }
                                  });
}

void Connection::deliver(smtp::Deliver action) {
    // The environment makes no other kind.
    const auto sealed = static_cast<SpooledBody&>(*action.body).seal();
    if (!sealed.keeper) {
        session_.on_verdict({smtp::DeliveryVerdict::Kind::full, {}});
        phase_ = Phase::next;
        return;
    }
    Delivery delivery;
    delivery.service = frontend_.service;
    delivery.session = info_.id;
    delivery.peer = info_.ip;
    delivery.helo = std::move(action.envelope.helo);
    delivery.tls = channel_.tls_text();
    delivery.from = action.envelope.from.null() ? "<>" : std::move(action.envelope.from.text);
    for (const auto& address : action.envelope.to) {
        delivery.to.append(delivery.to.empty() ? "" : " ").append(address.text);
    }
    delivery.size = sealed.bytes.size();
    delivery.data_ended = Clock::now();
    // All of it may have come in one read with the command DATA.
    delivery.data_began = in_data_ ? data_began_ : delivery.data_ended;
    in_data_ = false;
    awaited_ = std::make_shared<bool>(true);
    delivery.awaited = awaited_;
    phase_ = Phase::verdict;
    deadline_ = delivery.data_ended + smtp::kVerdictTimeout;
    frontend_.deliveries.submit(
        std::move(delivery), sealed.bytes, sealed.keeper,
        [weak = weak_from_this(), serial = ++serial_](const smtp::DeliveryVerdict& verdict) {
            if (const auto self = weak.lock()) {
                self->on_verdict(serial, verdict);
            }
        });
}

void Connection::on_verdict(std::uint64_t serial, const smtp::DeliveryVerdict& verdict) {
    if (phase_ != Phase::verdict || serial != serial_) {
        return;  // it came too late: the client was told 451 and sends the message again
    }
    session_.on_verdict(verdict);
    phase_ = Phase::next;
    run();
}

void Connection::take_events() {
    for (auto& event : session_.take_events()) {
        using Kind = smtp::Event::Kind;
        if (event.kind == Kind::timeout) {
            end_ = SessionEnd::timeout;
            end_known_ = true;
            event.reason = timeout_cause_.empty() ? event.reason : timeout_cause_;
        } else if (event.kind == Kind::violation &&
                   (!event.reply.empty() || event.reason == "starttls_injection")) {
            end_ = SessionEnd::violation;
            end_known_ = true;
        }
        frontend_.journal.event(info_, event);
    }
}

bool Connection::too_slow(Clock::time_point now) const {
    const auto elapsed = now - data_began_ - data_paused_;
    if (frontend_.min_data_rate == 0 || elapsed < smtp::kDataRateGrace) {
        return false;
    }
    const auto whole = std::chrono::duration_cast<seconds>(elapsed).count();
    return data_bytes_ < frontend_.min_data_rate * static_cast<std::uint64_t>(whole);
}

void Connection::tick(Clock::time_point now) {
    const auto self = shared_from_this();
    switch (phase_) {
        case Phase::read:
            if (paused_) {
                resume();
            } else if (now - info_.began >= frontend_.session_timeout) {
                time_out("session");
            } else if (in_data_ && too_slow(now)) {
                time_out("rate");
            } else if (now >= deadline_ || outstays(now)) {
                time_out({});
            }
            break;
        case Phase::proxy:
            if (now >= deadline_) {
                frontend_.journal.timed_out(info_, "proxy");
                finish(SessionEnd::timeout);
            }
            break;
        case Phase::handshake:
            if (now >= deadline_) {
                frontend_.journal.timed_out(info_, "tls");
                abort(SessionEnd::timeout);
            }
            break;
        case Phase::write:
            // Who reads a little now and then has no more time than others.
            if (now >= deadline_ ||
                now - info_.began >= frontend_.session_timeout + smtp::kWriteTimeout) {
                frontend_.journal.timed_out(info_, "write");
                abort(SessionEnd::timeout);
            }
            break;
        case Phase::verdict:
            if (now >= deadline_) {
                *awaited_ = false;
                on_verdict(serial_, {smtp::DeliveryVerdict::Kind::busy, {}});
            }
            break;
        case Phase::linger:
            if (now >= deadline_) {
                finish(end_);
            }
            break;
        case Phase::begin:
        case Phase::next:
        case Phase::closed:
            break;
    }
}

/// Every connection is taken, and this client has been silent long enough to make room. Not in
/// DATA, where a report would be lost for the day if its sender does not come again.
bool Connection::outstays(Clock::time_point now) const {
    return !in_data_ && now - awaited_since_ >= frontend_.idle_timeout_when_full &&
           frontend_.gate.full(now);
}

void Connection::time_out(std::string_view cause) {
    timeout_cause_ = cause;
    session_.on_timeout();
    phase_ = Phase::next;
    run();
}

void Connection::resume() {
    if (!paused_ || frontend_.budget.must_wait()) {
        return;
    }
    const auto now = Clock::now();
    paused_ = false;
    data_paused_ += now - paused_at_;
    deadline_ += now - paused_at_;
    run();
}

void Connection::shut_down() {
    const auto self = shared_from_this();
    shutting_down_ = true;
    if (phase_ == Phase::proxy ||
        (phase_ == Phase::handshake && frontend_.service == Service::smtps)) {
        finish(SessionEnd::shutdown);
        return;
    }
    if (phase_ == Phase::linger || phase_ == Phase::closed) {
        return;
    }
    session_.on_shutdown();
    if ((phase_ == Phase::handshake || phase_ == Phase::write) && !session_.in_data()) {
        deadline_ = std::min(deadline_, Clock::now() + kFarewell);
    } else if (phase_ == Phase::read && !session_.in_data()) {
        phase_ = Phase::next;
        run();
    }
}

void Connection::abort(SessionEnd end) {
    const auto self = shared_from_this();
    if (phase_ != Phase::closed) {
        if (end == SessionEnd::shutdown && (phase_ == Phase::read || phase_ == Phase::verdict)) {
            std::string reply;
            smtp::append_reply(reply, smtp::reply::kShuttingDown);
            (void)channel_.write(reply);
            channel_.finish_writing();
        }
        session_.on_eof();
        take_events();
        finish(end);
    }
}

SessionEnd Connection::end_of_dialogue() const {
    if (end_known_) {
        return end_;
    }
    if (session_.counts().commands.contains("quit")) {
        return SessionEnd::quit;
    }
    return shutting_down_ ? SessionEnd::shutdown : SessionEnd::violation;
}

void Connection::say_goodbye() {
    end_ = end_of_dialogue();
    channel_.finish_writing();
    deadline_ = Clock::now() + kLinger;
    phase_ = Phase::linger;
}

void Connection::finish(SessionEnd end) {
    if (phase_ == Phase::closed) {
        return;
    }
    phase_ = Phase::closed;
    if (awaited_) {
        *awaited_ = false;
    }
    if (session_open_) {
        frontend_.journal.ended(info_, session_.counts(), end);
    }
    boost::system::error_code ignored;
    waits_->descriptor.cancel(ignored);
    place_ = {};
    on_closed_(*this);
}

}  // namespace dmarcbox::net
