#include "server/net/channel.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>
#include <limits>
#include <system_error>

namespace dmarcbox::net {
namespace {

/// The first error is the cause; the rest is who passed it on.
std::string first_tls_error() {
    const unsigned long code = ::ERR_get_error();
    ::ERR_clear_error();
    if (code == 0) {
        return "connection broken";
    }
    const char* const reason = ::ERR_reason_error_string(code);
    return reason == nullptr ? "error " + std::to_string(code) : std::string(reason);
}

// Of one call of OpenSSL; a record takes two. Handshakes need a handful.
constexpr int kReadsPerCall = 16;

/// OpenSSL reads on until it has bytes for us. A peer that sends what gives none (key updates,
/// handshakes that are refused) would keep the thread for itself: after so many reads the socket
/// seems empty, and the others have their turn.
long count_read(BIO* bio,
                int operation,
                const char* /*data*/,
                std::size_t /*length*/,
                int /*argument*/,
                long /*argument*/,
                int result,
                std::size_t* /*processed*/) {
    auto* const left = reinterpret_cast<int*>(::BIO_get_callback_arg(bio));
    if (operation == BIO_CB_READ && --*left < 0) {
        ::BIO_clear_retry_flags(bio);
        ::BIO_set_retry_read(bio);
        return -1;
    }
    return result;
}

int clamped(std::size_t size) {
    constexpr auto kMost = static_cast<std::size_t>(std::numeric_limits<int>::max());
    return static_cast<int>(std::min(size, kMost));
}

}  // namespace

Channel::Channel(FileDescriptor socket) : socket_(std::move(socket)) {}

Channel::~Channel() = default;

void Channel::FreeSsl::operator()(SSL* ssl) const noexcept {
    ::SSL_free(ssl);
}

Channel::Result Channel::failed(int error) {
    error_ = std::generic_category().message(error);
    return {Status::failed, 0};
}

/// What a call of OpenSSL that did not succeed wants.
Channel::Result Channel::after_tls(int result) {
    const int system_error = errno;
    switch (::SSL_get_error(ssl_.get(), result)) {
        case SSL_ERROR_WANT_READ:
            return {Status::want_read, 0};
        case SSL_ERROR_WANT_WRITE:
            return {Status::want_write, 0};
        case SSL_ERROR_ZERO_RETURN:
            error_ = "connection closed";
            return {Status::closed, 0};
        case SSL_ERROR_SYSCALL:
            ::ERR_clear_error();
            if (system_error != 0) {
                return failed(system_error);
            }
            // A peer that closes without close_notify: SMTP frames its messages itself, nothing is
            // cut.
            error_ = "connection closed";
            return {Status::closed, 0};
        default:
            break;
    }
    error_ = first_tls_error();
    // A peer that closes without close_notify: SMTP frames its messages itself, nothing is cut.
    return {
        established_ && error_ == "unexpected eof while reading" ? Status::closed : Status::failed,
        0};
}

Channel::Result Channel::read(std::span<char> into) {
    if (ssl_) {
        begin_call();
        const int got = ::SSL_read(ssl_.get(), into.data(), clamped(into.size()));
        return got > 0 ? Result{Status::done, static_cast<std::size_t>(got)} : after_tls(got);
    }
    return receive(into, 0);
}

Channel::Result Channel::peek(std::span<char> into) {
    return receive(into, MSG_PEEK);
}

Channel::Result Channel::receive(std::span<char> into, int flags) {
    for (;;) {
        const auto got = ::recv(socket_.get(), into.data(), into.size(), flags);
        if (got > 0) {
            return {Status::done, static_cast<std::size_t>(got)};
        }
        if (got == 0) {
            return {Status::closed, 0};
        }
        if (errno == EAGAIN) {
            return {Status::want_read, 0};
        }
        if (errno != EINTR) {
            return failed(errno);
        }
    }
}

Channel::Result Channel::write(std::string_view bytes) {
    if (ssl_) {
        begin_call();
        const int put = ::SSL_write(ssl_.get(), bytes.data(), clamped(bytes.size()));
        return put > 0 ? Result{Status::done, static_cast<std::size_t>(put)} : after_tls(put);
    }
    for (;;) {
        const auto put = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (put >= 0) {
            return {Status::done, static_cast<std::size_t>(put)};
        }
        if (errno == EAGAIN) {
            return {Status::want_write, 0};
        }
        if (errno != EINTR) {
            return failed(errno);
        }
    }
}

void Channel::begin_tls(SSL_CTX* context) {
    ssl_.reset(::SSL_new(context));
    if (!ssl_ || ::SSL_set_fd(ssl_.get(), socket_.get()) != 1) {
        throw std::runtime_error("TLS: " + first_tls_error());
    }
    BIO* const bio = ::SSL_get_rbio(ssl_.get());
    ::BIO_set_callback_ex(bio, count_read);
    ::BIO_set_callback_arg(bio, reinterpret_cast<char*>(&reads_left_));
    ::SSL_set_accept_state(ssl_.get());
}

void Channel::begin_call() {
    reads_left_ = kReadsPerCall;
    ::ERR_clear_error();
    errno = 0;
}

Channel::Result Channel::handshake() {
    begin_call();
    const int result = ::SSL_do_handshake(ssl_.get());
    if (result == 1) {
        established_ = true;
        return {Status::done, 0};
    }
    return after_tls(result);
}

void Channel::finish_writing() {
    if (ssl_ && established_ && error_.empty()) {
        ::ERR_clear_error();
        (void)::SSL_shutdown(ssl_.get());  // our close_notify; theirs is not waited for
        ::ERR_clear_error();
    }
    ::shutdown(socket_.get(), SHUT_WR);
}

bool Channel::has_buffered() const {
    return ssl_ && ::SSL_pending(ssl_.get()) > 0;
}

std::string Channel::tls_text() const {
    if (!ssl_ || !established_) {
        return {};
    }
    return std::string(::SSL_get_version(ssl_.get())) + " " + ::SSL_get_cipher_name(ssl_.get());
}

std::string Channel::tls_version() const {
    return ssl_ && established_ ? ::SSL_get_version(ssl_.get()) : "none";
}

}  // namespace dmarcbox::net
