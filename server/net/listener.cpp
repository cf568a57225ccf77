#include "server/net/listener.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <exception>
#include <utility>

namespace dmarcbox::net {
namespace {

namespace asio = boost::asio;

// A flood of connections leaves the sessions their turns.
constexpr int kAcceptsPerTurn = 32;
// Out of descriptors: accept(2) would fail at once, again and again.
constexpr std::chrono::milliseconds kPause{100};

bool out_of_resources(int error) {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

struct Listener::Impl : std::enable_shared_from_this<Impl> {
    Impl(asio::io_context& io, ListeningSocket given, OnAccept accept, OnError error)
        : socket(std::move(given)),
          on_accept(std::move(accept)),
          on_error(std::move(error)),
          descriptor(io, socket.socket.get()),
          timer(io) {}

    void wait() {
        descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                              [self = shared_from_this()](boost::system::error_code error) {
                                  if (!error && !self->stopped) {
                                      self->accept_some();
                                  }
                              });
    }

    void accept_some() {
        for (int i = 0; i < kAcceptsPerTurn && !stopped; ++i) {
            // Its address comes with it: of a peer that is gone already getpeername() tells none,
            // and without an address it would pass every limit.
            sockaddr_storage address{};
            socklen_t length = sizeof(address);
            FileDescriptor accepted(::accept4(socket.socket.get(),
                                              reinterpret_cast<sockaddr*>(&address), &length,
                                              SOCK_NONBLOCK | SOCK_CLOEXEC));
            if (accepted) {
                try {
                    on_accept(std::move(accepted), Endpoint(address, length));
                } catch (const std::exception&) {
                    // Out of memory, mostly: one client's misfortune, as long as we go on.
                    pause();
                    throw;
                }
                continue;
            }
            const int error = errno;
            if (error == EAGAIN) {
                break;
            }
            if (out_of_resources(error)) {
                on_error(error);
                pause();
                return;
            }
            // ECONNABORTED, EPROTO and their kin: one client's misfortune.
        }
        if (!stopped) {
            wait();
        }
    }

    void pause() {
        timer.expires_after(kPause);
        timer.async_wait([self = shared_from_this()](boost::system::error_code error) {
            if (!error && !self->stopped) {
                self->accept_some();
            }
        });
    }

    ListeningSocket socket;
    OnAccept on_accept;
    OnError on_error;
    asio::posix::stream_descriptor descriptor;
    asio::steady_timer timer;
    bool stopped = false;
};

Listener::Listener(boost::asio::io_context& io,
                   ListeningSocket socket,
                   OnAccept on_accept,
                   OnError on_error)
    : impl_(std::make_shared<Impl>(
          io, std::move(socket), std::move(on_accept), std::move(on_error))) {
    impl_->wait();
}

Listener::~Listener() {
    impl_->stopped = true;
    impl_->timer.cancel();
    impl_->descriptor.release();
    impl_->socket.socket.reset();
    if (!impl_->socket.unix_path.empty()) {
        ::unlink(impl_->socket.unix_path.c_str());
    }
}

const ListeningSocket& Listener::socket() const {
    return impl_->socket;
}

}  // namespace dmarcbox::net
