#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "server/net/file_descriptor.hpp"

using SSL = struct ssl_st;
using SSL_CTX = struct ssl_ctx_st;

namespace dmarcbox::net {

/// A non-blocking stream socket, in the clear or inside TLS. No operation waits: it says what has
/// to become ready first. None works for long, whatever the peer sends. Holds no buffer while idle.
/// Needs SIGPIPE ignored. Not thread-safe.
class Channel {
  public:
    enum class Status {
        done,        ///< `bytes` were moved
        want_read,   ///< again when the socket is readable
        want_write,  ///< again when it is writable
        closed,      ///< read only: the peer closed its side
        failed       ///< broken; error() tells
    };
    struct Result {
        Status status = Status::failed;
        std::size_t bytes = 0;
    };

    explicit Channel(FileDescriptor socket);
    ~Channel();
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    [[nodiscard]] Result read(std::span<char> into);
    /// As read(), in the clear, but the bytes stay where they are.
    [[nodiscard]] Result peek(std::span<char> into);
    [[nodiscard]] Result write(std::string_view bytes);
    /// What comes next is TLS: call handshake() until it is done.
    void begin_tls(SSL_CTX* context);
    [[nodiscard]] Result handshake();
    /// No more writes: close_notify if there is TLS, then FIN. Never waits.
    void finish_writing();
    /// Bytes already taken from the socket: read() gives them without the socket being readable.
    [[nodiscard]] bool has_buffered() const;

    [[nodiscard]] int descriptor() const { return socket_.get(); }
    [[nodiscard]] bool tls() const { return ssl_ != nullptr; }
    /// `TLSv1.3 TLS_AES_256_GCM_SHA384`; empty in the clear.
    [[nodiscard]] std::string tls_text() const;
    [[nodiscard]] std::string tls_version() const;  ///< `TLSv1.3`; `none` before it is known
    [[nodiscard]] const std::string& error() const { return error_; }

  private:
    struct FreeSsl {
        void operator()(SSL* ssl) const noexcept;
    };
    [[nodiscard]] Result receive(std::span<char> into, int flags);
    [[nodiscard]] Result failed(int error);
    void begin_call();
    [[nodiscard]] Result after_tls(int result);

    FileDescriptor socket_;
    int reads_left_ = 0;  ///< of the socket, in the present call of OpenSSL
    std::unique_ptr<SSL, FreeSsl> ssl_;
    bool established_ = false;
    std::string error_;
};

}  // namespace dmarcbox::net
