#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}  // namespace boost::asio

namespace dmarcbox::net {

/// Calls a function again and again on the loop's thread, until it goes.
class Periodic {
  public:
    Periodic(boost::asio::io_context& io,
             std::chrono::milliseconds interval,
             std::function<void()> work);
    Periodic(const Periodic&) = delete;
    Periodic& operator=(const Periodic&) = delete;
    ~Periodic();

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace dmarcbox::net
