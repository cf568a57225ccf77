#pragma once

#include <functional>
#include <memory>

#include "server/net/endpoint.hpp"
#include "server/net/file_descriptor.hpp"
#include "server/net/listening_socket.hpp"

namespace boost::asio {
class io_context;
}  // namespace boost::asio

namespace dmarcbox::net {

/// Accepts connections on one socket until it goes. Out of descriptors or memory it pauses and
/// tries again, instead of spinning. Network thread.
class Listener {
  public:
    using OnAccept = std::function<void(FileDescriptor socket, const Endpoint& peer)>;
    using OnError = std::function<void(int error)>;

    Listener(boost::asio::io_context& io,
             ListeningSocket socket,
             OnAccept on_accept,
             OnError on_error);
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    /// Closes the socket and removes the file of a unix socket.
    ~Listener();

    [[nodiscard]] const ListeningSocket& socket() const;

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace dmarcbox::net
