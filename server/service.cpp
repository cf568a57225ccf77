#include "server/service.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <list>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "server/ingest_settings.hpp"
#include "server/intake.hpp"
#include "server/log.hpp"
#include "server/net/connection_table.hpp"
#include "server/net/listener.hpp"
#include "server/net/mail_environment.hpp"
#include "storage/serve_lock.hpp"
#include "storage/writer.hpp"

namespace dmarcbox {
namespace {

namespace asio = boost::asio;

// Sessions inside DATA may finish for this long after SIGTERM; the rest of the 30 s is for what
// they sent to be read and committed.
constexpr std::chrono::seconds kDrain{25};
constexpr std::chrono::seconds kCommitAfterDrain{4};
// One read of a connection; all share one buffer, so that an idle connection holds none.
constexpr std::size_t kReadBuffer = std::size_t{64} << 10U;

smtp::SessionConfig session_config(const Config& config, net::Service service, bool tls) {
    smtp::SessionConfig session;
    session.protocol = service == net::Service::lmtp ? smtp::SessionConfig::Protocol::lmtp
                                                     : smtp::SessionConfig::Protocol::smtp;
    session.hostname = config.smtp.hostname;
    session.max_message_bytes = config.smtp.max_message_bytes;
    session.max_recipients = config.smtp.max_recipients;
    session.max_errors = config.smtp.max_errors;
    session.max_refused_recipients = config.smtp.max_refused_recipients;
    session.max_idle_commands = config.smtp.max_idle_commands;
    session.idle_timeout = config.smtp.idle_timeout_seconds;
    session.reject_bare_newline = config.smtp.bare_newline == "reject";
    session.offer_starttls = tls && service != net::Service::smtps;
    return session;
}

Intake::Options intake_options() {
    Intake::Options options;
    options.workers = std::max<std::size_t>(2, std::thread::hardware_concurrency());
    return options;
}

Log::Options log_options(const Config& config) {
    return {.level = log_level(config.log.level),
            .format = config.log.format == "json" ? Log::Format::json : Log::Format::text,
            .prefix = Log::prefix_for(2)};
}

/// The composition root. Members are built from top to bottom and go from bottom to top.
class Service {
  public:
    Service(const Config& config, const std::function<Config()>& reload)
        : config_(config),
          reload_(reload),
          log_(log_options(config)),
          sockets_(net::open_listening_sockets(config)),
          lock_(config.storage.path),
          writer_(config.storage.path, storage::Writer::Options{}),
          intake_(writer_, make_ingest_settings(config), intake_options()),
          io_(1),
          signals_(io_, SIGTERM, SIGINT, SIGHUP),
          drain_timer_(io_),
          space_(config.storage.path.parent_path(), config.storage.min_free_bytes),
          budget_(std::make_shared<net::BodyBudget>(config.smtp.max_body_memory_bytes)),
          environment_(smtp::Recipients(config.smtp.accept),
                       budget_,
                       space_,
                       config.storage.path.parent_path(),
                       intake_,
                       intake_options()),
          journal_(log_),
          deliveries_(io_,
                      intake_,
                      [this](const net::Delivery& delivery, const storage::Verdict& verdict) {
                          journal_.message(delivery, verdict);
                          stop_if_drained();
                      }),
          connections_(io_) {
        budget_->on_released([this] { asio::post(io_, [this] { connections_.resume_all(); }); });
        connections_.on_change([this] { stop_if_drained(); });
    }

    int run() {
        std::signal(SIGPIPE, SIG_IGN);
        wait_for_signal();
        for (auto& socket : sockets_) {
            listen(std::move(socket));
        }
        sockets_.clear();
        for (;;) {
            try {
                io_.run();
                break;
            } catch (const std::exception& error) {
                // Out of memory, mostly. The connection at fault meets its deadline.
                log_.write(LogLevel::error, LogLine("internal").words("error", error.what()));
            }
        }
        intake_.stop();
        writer_.stop();
        log_.write(LogLevel::info, LogLine("stopped"));
        return 0;
    }

  private:
    void listen(net::ListeningSocket socket) {
        frontends_.push_back(
            net::Frontend{.service = socket.service,
                          .session = session_config(config_, socket.service, false),
                          .session_timeout = config_.smtp.session_timeout_seconds,
                          .min_data_rate = config_.smtp.min_data_rate_bytes,
                          .io = io_,
                          .environment = environment_,
                          .deliveries = deliveries_,
                          .journal = journal_,
                          .budget = *budget_,
                          .tls = nullptr,
                          .read_buffer = read_buffer_});
        const net::Frontend& frontend = frontends_.back();
        const auto where = socket.where;
        listeners_.emplace_back(
            io_, std::move(socket),
            [this, &frontend](net::FileDescriptor accepted, const net::Endpoint& peer) {
                connections_.open(frontend, std::move(accepted),
                                  {.service = frontend.service,
                                   .id = new_session_id(),
                                   .ip = peer.ip(),
                                   .began = net::Connection::Clock::now()});
            },
            [this](int error) {
                log_.write(LogLevel::error,
                           LogLine("accept-failed")
                               .words("error", std::generic_category().message(error)));
            });
        log_.write(LogLevel::info, LogLine("listening")
                                       .words("text", "listening on " + where)
                                       .words("protocol", to_string(frontend.service)));
    }

    std::string new_session_id() {
        constexpr std::string_view kDigits = "0123456789abcdef";
        auto number = random_();
        std::string id(12, '0');
        for (char& digit : id) {
            digit = kDigits[number & 15U];
            number >>= 4U;
        }
        return id;
    }

    void wait_for_signal() {
        signals_.async_wait([this](boost::system::error_code error, int signal) {
            if (error) {
                return;
            }
            if (signal == SIGTERM || signal == SIGINT) {
                shut_down();
            }
            wait_for_signal();
        });
    }

    void shut_down() {
        if (std::exchange(stopping_, true)) {
            // Asked twice: who asks does not want to wait.
            connections_.abort_all(net::SessionEnd::shutdown);
            return;
        }
        log_.write(
            LogLevel::info,
            LogLine("stopping").number("sessions", static_cast<std::int64_t>(connections_.size())));
        listeners_.clear();
        environment_.shut_down();
        drain_timer_.expires_after(kDrain);
        drain_timer_.async_wait([this](boost::system::error_code error) {
            if (!error) {
                connections_.abort_all(net::SessionEnd::shutdown);
                stop_after(kCommitAfterDrain);
            }
        });
        connections_.shut_down();
        stop_if_drained();
    }

    void stop_after(std::chrono::seconds time) {
        drain_timer_.expires_after(time);
        drain_timer_.async_wait([this](boost::system::error_code error) {
            if (!error) {
                io_.stop();
            }
        });
    }

    void stop_if_drained() {
        if (stopping_ && connections_.size() == 0 && deliveries_.pending() == 0) {
            io_.stop();
        }
    }

    const Config config_;
    const std::function<Config()>& reload_;
    Log log_;
    std::vector<net::ListeningSocket> sockets_;
    storage::ServeLock lock_;
    storage::Writer writer_;
    Intake intake_;
    asio::io_context io_;
    asio::signal_set signals_;
    asio::steady_timer drain_timer_;
    std::array<char, kReadBuffer> read_buffer_{};
    net::DiskSpace space_;
    std::shared_ptr<net::BodyBudget> budget_;
    net::MailEnvironment environment_;
    net::Journal journal_;
    net::Deliveries deliveries_;
    std::list<net::Frontend> frontends_;
    net::ConnectionTable connections_;
    std::list<net::Listener> listeners_;
    std::mt19937_64 random_{std::random_device{}()};
    bool stopping_ = false;
};

}  // namespace

int serve(const Config& config, const std::function<Config()>& reload) {
    return std::make_unique<Service>(config, reload)->run();
}

}  // namespace dmarcbox
