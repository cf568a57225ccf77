#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dmarcbox::net {

/// An address to listen on, or of a peer: IP and port, or the path of a unix socket.
class Endpoint {
  public:
    /// `192.0.2.1:25`, `[::1]:25`, `unix:/run/lmtp.sock`. nullopt: none of these.
    [[nodiscard]] static std::optional<Endpoint> parse(std::string_view text);
    /// Of a peer, as accept() gives it. Unix peers have no path.
    Endpoint(const sockaddr_storage& address, socklen_t length)
        : storage_(address), length_(length) {}
    /// What getsockname() says of a socket.
    [[nodiscard]] static Endpoint local_of(int socket);

    [[nodiscard]] const sockaddr* address() const;
    [[nodiscard]] socklen_t length() const { return length_; }
    [[nodiscard]] int family() const { return storage_.ss_family; }
    [[nodiscard]] bool is_unix() const { return family() == AF_UNIX; }
    [[nodiscard]] std::string unix_path() const;
    /// Canonical text (RFC 5952), IPv4-mapped as IPv4; empty for unix sockets.
    [[nodiscard]] std::string ip() const;
    [[nodiscard]] std::uint16_t port() const;
    /// As parse() takes it.
    [[nodiscard]] std::string text() const;

  private:
    Endpoint() = default;
    sockaddr_storage storage_{};
    socklen_t length_ = 0;
};

}  // namespace dmarcbox::net
