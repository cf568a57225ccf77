#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/net/connection.hpp"
#include "server/net/endpoint.hpp"

namespace dmarcbox::net {

/// All connections: gives them time, lets them read on, ends them. Network thread.
class ConnectionTable {
  public:
    explicit ConnectionTable(boost::asio::io_context& io);
    ~ConnectionTable();
    ConnectionTable(const ConnectionTable&) = delete;
    ConnectionTable& operator=(const ConnectionTable&) = delete;

    /// A session for the peer, or 421 if the gate says so.
    void open(const Frontend& frontend, FileDescriptor socket, const Endpoint& peer);

    /// Sessions without a message under way end at once, with 421; the others when theirs is done.
    void shut_down();
    void abort_all(SessionEnd end);
    /// There is room for bodies again.
    void resume_all();
    /// Called whenever a connection has closed.
    void on_change(std::function<void()> callback) { changed_ = std::move(callback); }

    [[nodiscard]] std::size_t size() const { return connections_.size(); }

  private:
    struct Ticker;
    [[nodiscard]] std::string new_session_id();
    void tick();
    void arm();
    /// The connections as they are now: what is done to one may close it, or others.
    [[nodiscard]] std::vector<std::shared_ptr<Connection>> all() const;

    std::unique_ptr<Ticker> ticker_;
    std::unordered_map<const Connection*, std::shared_ptr<Connection>> connections_;
    std::function<void()> changed_;
    std::mt19937_64 random_{std::random_device{}()};
    bool shutting_down_ = false;
};

}  // namespace dmarcbox::net
