#include "server/net/connection_table.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>
#include <vector>

namespace dmarcbox::net {
namespace {

// How exact timeouts are. One timer for all: a timer each would be armed anew at every command.
constexpr std::chrono::milliseconds kTick{500};

}  // namespace

struct ConnectionTable::Ticker {
    explicit Ticker(boost::asio::io_context& io) : timer(io) {}
    boost::asio::steady_timer timer;
    bool armed = false;
};

ConnectionTable::ConnectionTable(boost::asio::io_context& io)
    : ticker_(std::make_unique<Ticker>(io)) {}

ConnectionTable::~ConnectionTable() = default;

void ConnectionTable::open(const Frontend& frontend, FileDescriptor socket, SessionInfo info) {
    auto connection = std::make_shared<Connection>(frontend, std::move(socket), std::move(info),
                                                   [this](const Connection& closed) {
                                                       connections_.erase(&closed);
                                                       if (changed_) {
                                                           changed_();
                                                       }
                                                   });
    connections_.emplace(connection.get(), connection);
    arm();
    connection->start();
    if (shutting_down_) {
        connection->shut_down();
    }
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
    const auto now = Connection::Clock::now();
    for (const auto& connection : all()) {
        connection->tick(now);
    }
    arm();
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
