#include "server/net/periodic.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

namespace dmarcbox::net {

struct Periodic::Impl : std::enable_shared_from_this<Impl> {
    Impl(boost::asio::io_context& io, std::chrono::milliseconds every, std::function<void()> what)
        : timer(io), interval(every), work(std::move(what)) {}

    void arm() {
        timer.expires_after(interval);
        timer.async_wait([self = shared_from_this()](boost::system::error_code error) {
            if (error || self->stopped) {
                return;
            }
            self->arm();  // first, so that an exception of the work does not end the series
            self->work();
        });
    }

    boost::asio::steady_timer timer;
    std::chrono::milliseconds interval;
    std::function<void()> work;
    bool stopped = false;
};

Periodic::Periodic(boost::asio::io_context& io,
                   std::chrono::milliseconds interval,
                   std::function<void()> work)
    : impl_(std::make_shared<Impl>(io, interval, std::move(work))) {
    impl_->arm();
}

Periodic::~Periodic() {
    impl_->stopped = true;
    impl_->timer.cancel();
}

}  // namespace dmarcbox::net
