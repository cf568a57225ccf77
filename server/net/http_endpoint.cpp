#include "server/net/http_endpoint.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <chrono>
#include <list>
#include <utility>

#include "server/net/listener.hpp"

namespace dmarcbox::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr std::chrono::seconds kTime{10};
// Prometheus, a load balancer, the container's health check and a person are four.
constexpr std::size_t kMaxAtATime = 16;
constexpr std::uint32_t kMaxHeader = 8192;

using Stream = beast::basic_stream<asio::generic::stream_protocol>;

/// One request and its answer. Kept alive by its own handlers.
class Exchange : public std::enable_shared_from_this<Exchange> {
  public:
    Exchange(asio::generic::stream_protocol::socket socket,
             const HttpEndpoint::Answerer& answerer,
             std::shared_ptr<std::size_t> open)
        : stream_(std::move(socket)), answerer_(answerer), open_(std::move(open)) {
        ++*open_;
        parser_.header_limit(kMaxHeader);
        parser_.body_limit(0);
    }
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;
    ~Exchange() { --*open_; }

    void start() {
        stream_.expires_after(kTime);
        http::async_read(stream_, buffer_, parser_,
                         [self = shared_from_this()](beast::error_code error, std::size_t) {
                             if (!error) {
                                 self->answer();
                             }
                         });
    }

  private:
    void answer() {
        const auto& request = parser_.get();
        const bool head = request.method() == http::verb::head;
        HttpEndpoint::Answer answer;
        if (head || request.method() == http::verb::get) {
            const auto target = request.target();
            const std::string_view path(target.data(), target.size());
            answer = answerer_(path.substr(0, path.find('?')));
        } else {
            answer = {405, "text/plain; charset=utf-8", "only GET and HEAD\n"};
        }
        response_.result(answer.status);
        response_.version(request.version());
        response_.set(http::field::content_type,
                      beast::string_view(answer.content_type.data(), answer.content_type.size()));
        response_.set(http::field::cache_control, "no-store");
        response_.keep_alive(false);
        response_.content_length(answer.body.size());
        if (!head) {
            response_.body() = std::move(answer.body);
        }
        stream_.expires_after(kTime);
        http::async_write(
            stream_, response_, [self = shared_from_this()](beast::error_code, std::size_t) {
                beast::error_code ignored;
                self->stream_.socket().shutdown(asio::socket_base::shutdown_send, ignored);
            });
    }

    Stream stream_;
    const HttpEndpoint::Answerer& answerer_;
    std::shared_ptr<std::size_t> open_;
    beast::flat_buffer buffer_{kMaxHeader};
    http::request_parser<http::empty_body> parser_;
    http::response<http::string_body> response_;
};

}  // namespace

struct HttpEndpoint::Impl {
    Impl(asio::io_context& given_io, ListeningSocket socket, Answerer given)
        : io(given_io),
          answerer(std::move(given)),
          listener(
              io,
              std::move(socket),
              [this](FileDescriptor accepted, const Endpoint& peer) { open(accepted, peer); },
              [](int) {}) {}

    void open(FileDescriptor& accepted, const Endpoint& peer) {
        if (*exchanges >= kMaxAtATime) {
            return;  // closes
        }
        asio::generic::stream_protocol::socket socket(io);
        beast::error_code error;
        socket.assign(asio::generic::stream_protocol(peer.family(), 0), accepted.get(), error);
        if (!error) {
            (void)accepted.release();
            std::make_shared<Exchange>(std::move(socket), answerer, exchanges)->start();
        }
    }

    asio::io_context& io;
    Answerer answerer;
    std::shared_ptr<std::size_t> exchanges = std::make_shared<std::size_t>(0);
    Listener listener;
};

HttpEndpoint::HttpEndpoint(boost::asio::io_context& io, ListeningSocket socket, Answerer answerer)
    : impl_(std::make_shared<Impl>(io, std::move(socket), std::move(answerer))) {}

HttpEndpoint::~HttpEndpoint() = default;

}  // namespace dmarcbox::net
