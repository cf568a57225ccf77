#include "server/net/connection_table.hpp"

#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>
#include <vector>

namespace dmarcbox::net {
namespace {

// How exact timeouts are. One timer for all: a timer each would be armed anew at every command.
constexpr std::chrono::milliseconds kTick{500};

/// No lingering here: a client that waits for the greeting, as it must, has sent nothing that would
/// make the kernel answer close with RST; and a flood must not be given our descriptors.
void turn_away(const Frontend& frontend, const FileDescriptor& socket, std::string_view reply) {
    if (frontend.service != Service::smtps) {
        (void)::send(socket.get(), reply.data(), reply.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    ::shutdown(socket.get(), SHUT_WR);
}

}  // namespace

struct ConnectionTable::Ticker {
    explicit Ticker(boost::asio::io_context& io) : timer(io) {}
    boost::asio::steady_timer timer;
    bool armed = false;
};

ConnectionTable::ConnectionTable(boost::asio::io_context& io)
    : ticker_(std::make_unique<Ticker>(io)) {}

ConnectionTable::~ConnectionTable() = default;

void ConnectionTable::open(const Frontend& frontend, FileDescriptor socket, const Endpoint& peer) {
    SessionInfo info{.service = frontend.service,
                     .id = new_session_id(),
                     .ip = peer.ip(),
                     .began = Connection::Clock::now()};
    frontend.journal.connected(frontend.service);
    const bool proxied = frontend.gate.expects_proxy_header(info.ip);
    auto answer = frontend.gate.enter_house(connections_.size());
    if (answer.reason.empty() && !proxied) {
        answer = frontend.gate.enter(info.ip);
    }
    if (!answer.reason.empty()) {
        frontend.journal.refused(info, answer.reason);
        turn_away(frontend, socket, answer.reply);
        return;
    }
    auto connection =
        std::make_shared<Connection>(frontend, std::move(socket), std::move(info),
                                     std::move(answer.place), [this](const Connection& closed) {
                                         connections_.erase(&closed);
                                         if (changed_) {
                                             changed_();
                                         }
                                     });
    connections_.emplace(connection.get(), connection);
    arm();
    connection->start(proxied);
    if (shutting_down_) {
        connection->shut_down();
    }
}

std::string ConnectionTable::new_session_id() {
    constexpr std::string_view kDigits = "0123456789abcdef";
    auto number = random_();
    std::string id(12, '0');
    for (char& digit : id) {
        digit = kDigits[number & 15U];
        number >>= 4U;
    }
    return id;
}

std::vector<std::shared_ptr<Connection>> ConnectionTable::all() const {
    std::vector<std::shared_ptr<Connection>> list;
    list.reserve(connections_.size());
    for (const auto& [key, connection] : connections_) {
        list.push_back(connection);
    }
    return list;
}

void ConnectionTable::arm() {
    if (connections_.empty() || std::exchange(ticker_->armed, true)) {
        return;
    }
    ticker_->timer.expires_after(kTick);
    ticker_->timer.async_wait([this](boost::system::error_code error) {
        ticker_->armed = false;
        if (!error) {
            tick();
        }
    });
}

void ConnectionTable::tick() {
    arm();  // first, so that an exception does not take the time from all
    const auto now = Connection::Clock::now();
    for (const auto& connection : all()) {
        connection->tick(now);
    }
}

void ConnectionTable::resume_all() {
    for (const auto& connection : all()) {
        connection->resume();
    }
}

void ConnectionTable::shut_down() {
    shutting_down_ = true;
    for (const auto& connection : all()) {
        connection->shut_down();
    }
}

void ConnectionTable::abort_all(SessionEnd end) {
    for (const auto& connection : all()) {
        connection->abort(end);
    }
}

}  // namespace dmarcbox::net
