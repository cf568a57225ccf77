#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "server/net/listening_socket.hpp"

namespace boost::asio {
class io_context;
}  // namespace boost::asio

namespace dmarcbox::net {

/// Answers GET and HEAD on one socket, for metrics and health checks: a request per connection, a
/// few at a time, each with 10 s to ask and to read the answer. Network thread.
class HttpEndpoint {
  public:
    struct Answer {
        unsigned status = 404;
        std::string_view content_type = "text/plain; charset=utf-8";
        std::string body;
    };
    using Answerer = std::function<Answer(std::string_view path)>;

    HttpEndpoint(boost::asio::io_context& io, ListeningSocket socket, Answerer answerer);
    HttpEndpoint(const HttpEndpoint&) = delete;
    HttpEndpoint& operator=(const HttpEndpoint&) = delete;
    ~HttpEndpoint();

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace dmarcbox::net
