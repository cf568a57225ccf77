#include "server/service.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <ctime>
#include <list>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "server/clock_watch.hpp"
#include "server/commands/prune.hpp"
#include "server/config_changes.hpp"
#include "server/housekeeping.hpp"
#include "server/ingest_settings.hpp"
#include "server/intake.hpp"
#include "server/log.hpp"
#include "server/metrics.hpp"
#include "server/monitor.hpp"
#include "server/net/connection_table.hpp"
#include "server/net/http_endpoint.hpp"
#include "server/net/listener.hpp"
#include "server/net/mail_environment.hpp"
#include "server/net/periodic.hpp"
#include "server/net/privileges.hpp"
#include "server/net/supervisor.hpp"
#include "server/net/tls_context.hpp"
#include "server/serve_history.hpp"
#include "server/startup_log.hpp"
#include "server/version.hpp"
#include "storage/serve_lock.hpp"
#include "storage/settings.hpp"
#include "storage/writer.hpp"

namespace dmarcbox {
namespace {

namespace asio = boost::asio;
using std::chrono::seconds;

// Sessions inside DATA may finish for this long after SIGTERM; then the messages that no worker has
// begun are refused, and the rest of the 30 s is for those begun: parse_seconds, then the commit.
constexpr seconds kDrain{23};
constexpr seconds kCommitAfterDrain{6};
// One read of a connection; all share one buffer, so that an idle connection holds none.
constexpr std::size_t kReadBuffer = std::size_t{64} << 10U;
// A new certificate is in use this long after it was written, without a signal.
constexpr seconds kLookAtCertificate{10};
constexpr seconds kWarnOfCertificate{86400};
// Refused mail is counted in memory for this long; a crash loses no more of the counts.
constexpr seconds kWriteRefusals{10};
// After a message could not be stored: how often it is tried whether the store takes writes again.
constexpr seconds kTryStore{5};
constexpr seconds kLookAtClock{10};

smtp::SessionConfig session_config(const Config& config, net::Service service) {
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
    return session;
}

/// Each session may have a message on its way; the bytes are bounded besides.
std::size_t queue_messages(const Config& config, std::size_t at_least) {
    return std::max<std::size_t>(at_least, config.smtp.max_connections);
}

Intake::Options intake_options(const Config& config) {
    Intake::Options options;
    options.workers = std::max<std::size_t>(2, std::thread::hardware_concurrency());
    options.max_queue_messages = queue_messages(config, options.max_queue_messages);
    return options;
}

storage::Writer::Options writer_options(const Config& config) {
    storage::Writer::Options options;
    options.max_queue_messages = queue_messages(config, options.max_queue_messages);
    return options;
}

Log::Options log_options(const Config& config) {
    return {.level = log_level(config.log.level),
            .format = config.log.format == "json" ? Log::Format::json : Log::Format::text,
            .prefix = Log::prefix_for(2)};
}

std::optional<net::TlsContext::Settings> tls_settings(const Config& config) {
    if (config.tls.certificate.empty() && config.tls.key.empty()) {
        return std::nullopt;
    }
    return net::TlsContext::Settings{.certificate = config.tls.certificate,
                                     .key = config.tls.key,
                                     .only_tls13 = config.tls.min_version == "1.3"};
}

std::unique_ptr<net::TlsContext> make_tls(const Config& config) {
    auto settings = tls_settings(config);
    return settings ? std::make_unique<net::TlsContext>(std::move(*settings)) : nullptr;
}

/// The ports, the certificate's key and the log first, as whom we were started; then as the user.
std::vector<net::ListeningSocket> open_as_started(const Config& config) {
    auto sockets = net::open_listening_sockets(config);
    if (!config.metrics.listen.empty()) {
        sockets.push_back(net::bind_socket(config.metrics.listen, net::Service::http));
    }
    net::become_user(config.smtp.user, sockets);
    return sockets;
}

/// The composition root. Members are built from top to bottom and go from bottom to top.
class Service {
  public:
    Service(const Config& config, const std::function<Config()>& reload);
    int run();

  private:
    void start();
    void listen(net::ListeningSocket socket);
    void listen_smtp(net::ListeningSocket socket);
    void listen_http(net::ListeningSocket socket);
    net::HttpEndpoint::Answer answer(std::string_view path);
    void wait_for_signal();
    void on_signal(int signal);
    void reload();
    void tell_what_needs_restart(const Config& fresh);
    void offer_tls();
    void look_at_certificate();
    void warn_of_certificate();
    void write_refusals();
    void try_store();
    void look_at_clock();
    void shut_down();
    void stop_if_drained();
    void stop();
    void on_verdict(const net::Delivery& delivery, const storage::Verdict& verdict);

    const Config config_;
    const std::function<Config()>& reload_;
    Log log_;
    const StartupLog startup_;
    net::Supervisor supervisor_;
    std::unique_ptr<net::TlsContext> tls_;  ///< null: none
    std::vector<net::ListeningSocket> sockets_;
    storage::ServeLock lock_;
    ServeHistory history_;
    const storage::Writer::Options writer_options_;
    storage::Writer writer_;
    Intake intake_;
    Housekeeping housekeeping_;

    asio::io_context io_{1};
    asio::signal_set signals_{io_, SIGTERM, SIGINT, SIGHUP};
    asio::steady_timer drain_timer_{io_};
    std::array<char, kReadBuffer> read_buffer_{};

    Metrics metrics_;
    net::DiskSpace space_;
    std::shared_ptr<net::BodyBudget> budget_;
    net::MailEnvironment environment_;
    net::Gate gate_;
    net::Journal journal_;
    net::Deliveries deliveries_;
    std::list<net::Frontend> frontends_;
    net::ConnectionTable connections_;
    Monitor monitor_;
    std::list<net::Listener> listeners_;
    std::list<net::HttpEndpoint> http_;
    std::list<net::Periodic> periodic_;
    ClockWatch clock_{std::chrono::system_clock::now(), std::chrono::steady_clock::now()};
    LogLevel configured_level_;
    bool trying_store_ = false;
    bool accepts_;  ///< smtp.accept names an address
    bool stopping_ = false;
};

Service::Service(const Config& config, const std::function<Config()>& reload)
    : config_(config),
      reload_(reload),
      log_(log_options(config)),
      startup_(log_, config),
      tls_(make_tls(config)),
      sockets_(open_as_started(config)),
      lock_(config.storage.path),
      history_(config.storage.path),
      writer_options_(writer_options(config)),
      writer_(config.storage.path, writer_options_),
      intake_(writer_, make_ingest_settings(config), intake_options(config)),
      housekeeping_(
          config.storage.path,
          retention_rules(config),
          [this](const storage::PruneResult& result) {
              log_.write(LogLevel::info, LogLine("pruned")
                                             .number("originals", result.originals)
                                             .number("original_bytes", result.original_bytes)
                                             .number("aggregate_reports", result.aggregate_reports)
                                             .number("tls_reports", result.tls_reports)
                                             .number("failure_reports", result.failure_reports));
          },
          [this](const char* error) {
              log_.write(LogLevel::error, LogLine("housekeeping-failed").words("error", error));
          }),
      space_(config.storage.path.parent_path(), config.storage.min_free_bytes),
      budget_(std::make_shared<net::BodyBudget>(config.smtp.max_body_memory_bytes)),
      environment_(net::recipients_of(config.smtp.accept),
                   budget_,
                   space_,
                   config.storage.path.parent_path(),
                   intake_,
                   intake_options(config)),
      gate_(config),
      journal_(log_, metrics_, config.smtp.accept),
      deliveries_(io_,
                  intake_,
                  [this](const net::Delivery& delivery, const storage::Verdict& verdict) {
                      on_verdict(delivery, verdict);
                  }),
      connections_(io_),
      monitor_(metrics_,
               {.writer = writer_,
                .writer_limits = writer_options_,
                .intake = intake_,
                .intake_limits = intake_options(config),
                .budget = *budget_,
                .space = space_,
                .housekeeping = housekeeping_,
                .database = config.storage.path,
                .sessions = [this] { return connections_.size(); }}),
      configured_level_(log_.level()),
      accepts_(!config.smtp.accept.empty()) {
    budget_->on_released([this] { asio::post(io_, [this] { connections_.resume_all(); }); });
    connections_.on_change([this] { stop_if_drained(); });
    history_.tell(log_, metrics_, journal_, space_.free_bytes());
    startup_.tell(config_);
}

int Service::run() {
    start();
    for (;;) {
        try {
            io_.run();
            break;
        } catch (const std::exception& error) {
            // Out of memory, mostly. The connection at fault meets its deadline.
            log_.write(LogLevel::error, LogLine("internal").words("error", error.what()));
        }
    }
    stop();
    return 0;
}

void Service::start() {
    std::signal(SIGPIPE, SIG_IGN);
    const auto files = net::raise_file_limit();
    if (files < config_.smtp.max_connections + std::uint64_t{64}) {
        log_.write(LogLevel::warn,
                   LogLine("few-descriptors")
                       .number("limit", static_cast<std::int64_t>(files))
                       .words("next", "raise LimitNOFILE above smtp.max_connections"));
    }
    signals_.add(SIGUSR1);
    wait_for_signal();
    for (auto& socket : sockets_) {
        listen(std::move(socket));
    }
    sockets_.clear();
    if (tls_) {
        offer_tls();
    }
    periodic_.emplace_back(io_, kWarnOfCertificate, [this] { warn_of_certificate(); });
    periodic_.emplace_back(io_, kLookAtCertificate, [this] { look_at_certificate(); });
    periodic_.emplace_back(io_, kWriteRefusals, [this] { write_refusals(); });
    periodic_.emplace_back(io_, kTryStore, [this] { try_store(); });
    periodic_.emplace_back(io_, kLookAtClock, [this] { look_at_clock(); });
    if (const auto interval = supervisor_.watchdog_interval()) {
        periodic_.emplace_back(io_, *interval, [this] { supervisor_.alive(); });
    }
    supervisor_.ready();
    startup_.ready();
}

void Service::listen(net::ListeningSocket socket) {
    const auto where = socket.where;
    const auto service = socket.service;
    if (service == net::Service::http) {
        listen_http(std::move(socket));
    } else {
        listen_smtp(std::move(socket));
    }
    log_.write(LogLevel::info, LogLine("listening")
                                   .words("text", "listening on " + where)
                                   .words("protocol", to_string(service)));
}

void Service::listen_smtp(net::ListeningSocket socket) {
    if (socket.service == net::Service::smtps && !tls_) {
        throw ConfigError("smtp.tls.listen: " + socket.where +
                          ": needs smtp.tls.certificate and smtp.tls.key");
    }
    frontends_.push_back(
        net::Frontend{.service = socket.service,
                      .session = session_config(config_, socket.service),
                      .session_timeout = config_.smtp.session_timeout_seconds,
                      .idle_timeout_when_full = config_.smtp.idle_timeout_when_full_seconds,
                      .min_data_rate = config_.smtp.min_data_rate_bytes,
                      .io = io_,
                      .environment = environment_,
                      .deliveries = deliveries_,
                      .journal = journal_,
                      .budget = *budget_,
                      .gate = gate_,
                      .tls = nullptr,
                      .read_buffer = read_buffer_});
    const net::Frontend& frontend = frontends_.back();
    listeners_.emplace_back(
        io_, std::move(socket),
        [this, &frontend](net::FileDescriptor accepted, const net::Endpoint& peer) {
            connections_.open(frontend, std::move(accepted), peer);
        },
        [this](int error) { journal_.out_of_resources(std::generic_category().message(error)); });
}

void Service::listen_http(net::ListeningSocket socket) {
    http_.emplace_back(io_, std::move(socket),
                       [this](std::string_view path) { return answer(path); });
}

net::HttpEndpoint::Answer Service::answer(std::string_view path) {
    if (path == "/metrics") {
        return {200, "text/plain; version=0.0.4; charset=utf-8", monitor_.metrics_text()};
    }
    if (path == "/healthz") {
        return {.status = 200, .body = "ok\n"};
    }
    if (path == "/readyz") {
        const auto reason = monitor_.not_ready();
        return reason.empty() ? net::HttpEndpoint::Answer{.status = 200, .body = "ready\n"}
                              : net::HttpEndpoint::Answer{.status = 503, .body = reason + "\n"};
    }
    return {.status = 404, .body = "there are /metrics, /healthz and /readyz\n"};
}

void Service::on_verdict(const net::Delivery& delivery, const storage::Verdict& verdict) {
    journal_.message(delivery, verdict);
    monitor_.saw(verdict);
    stop_if_drained();
}

void Service::wait_for_signal() {
    signals_.async_wait([this](boost::system::error_code error, int signal) {
        if (!error) {
            wait_for_signal();
            on_signal(signal);
        }
    });
}

void Service::on_signal(int signal) {
    switch (signal) {
        case SIGHUP:
            reload();
            break;
        case SIGUSR1: {
            const bool debug = log_.level() == LogLevel::debug;
            log_.set_level(debug ? configured_level_ : LogLevel::debug);
            log_.write(LogLevel::warn, LogLine("log-level").words("now", to_string(log_.level())));
            break;
        }
        default:
            shut_down();
            break;
    }
}

/// Recipients, certificate and log level: all or nothing. Other keys that changed are named.
void Service::reload() {
    supervisor_.reloading();
    try {
        const Config fresh = reload_();
        if (fresh.smtp.accept.empty() && accepts_) {
            // A file that was cut off, mostly: each report would be refused for good.
            throw std::runtime_error(
                "smtp.accept is empty now; restart the service if all mail shall be refused");
        }
        smtp::Recipients recipients = net::recipients_of(fresh.smtp.accept);
        accepts_ = !fresh.smtp.accept.empty();
        if (auto settings = tls_settings(fresh); settings && tls_) {
            tls_->load(std::move(*settings));
        } else if (settings) {
            tls_ = std::make_unique<net::TlsContext>(std::move(*settings));
        }
        environment_.replace(std::move(recipients));
        journal_.set_accept(fresh.smtp.accept);
        configured_level_ = log_level(fresh.log.level);
        log_.set_level(configured_level_);
        metrics_.reloads.add({"ok"});
        metrics_.reload_success.set({}, 1);
        log_.write(LogLevel::info,
                   LogLine("reloaded")
                       .number("accept", static_cast<std::int64_t>(fresh.smtp.accept.size())));
        tell_what_needs_restart(fresh);
        if (tls_) {
            offer_tls();
        }
    } catch (const std::exception& error) {
        metrics_.reloads.add({"failed"});
        metrics_.reload_success.set({}, 0);
        log_.write(LogLevel::error, LogLine("reload-failed")
                                        .words("error", error.what())
                                        .words("next",
                                               "mend it and reload again; the old "
                                               "configuration stays in force"));
    }
    supervisor_.ready();
}

void Service::tell_what_needs_restart(const Config& fresh) {
    Config running = config_;
    if (tls_) {  // perhaps by an earlier reload
        running.tls.certificate = tls_->settings().certificate.string();
        running.tls.key = tls_->settings().key.string();
    }
    std::string keys;
    for (const auto name : keys_that_need_restart(std::move(running), fresh)) {
        keys += (keys.empty() ? "" : ",") + std::string(name);
    }
    if (!keys.empty()) {
        log_.write(LogLevel::warn, LogLine("reload-ignored")
                                       .words("keys", keys)
                                       .words("next",
                                              "restart the service; until then the old values of "
                                              "these keys stay in force"));
    }
}

/// The certificate is there, or is another one.
void Service::offer_tls() {
    for (auto& frontend : frontends_) {
        frontend.tls = tls_.get();
        frontend.session.offer_starttls = frontend.service != net::Service::smtps;
    }
    metrics_.certificate_expiry.set({}, static_cast<double>(tls_->not_after()));
    warn_of_certificate();
}

void Service::look_at_certificate() {
    if (!tls_ || !tls_->files_changed()) {
        return;
    }
    try {
        tls_->load(tls_->settings());
        metrics_.reloads.add({"ok"});
        metrics_.reload_success.set({}, 1);
        log_.write(
            LogLevel::info,
            LogLine("certificate-reloaded").words("file", tls_->settings().certificate.string()));
        offer_tls();
    } catch (const std::exception& error) {
        metrics_.reloads.add({"failed"});
        metrics_.reload_success.set({}, 0);
        log_.write(LogLevel::error, LogLine("certificate-refused")
                                        .words("error", error.what())
                                        .words("next", "the old certificate stays in use"));
    }
}

void Service::warn_of_certificate() {
    if (!tls_) {
        return;
    }
    if (const auto complaint = tls_->complaint(std::time(nullptr)); !complaint.empty()) {
        log_.write(LogLevel::warn, LogLine("certificate")
                                       .words("file", tls_->settings().certificate.string())
                                       .words("problem", complaint));
    }
}

void Service::write_refusals() {
    if (journal_.refusals().empty()) {
        return;
    }
    (void)writer_.run(
        [refusals = journal_.refusals().take(), now = std::time(nullptr)](
            storage::Database& database) { storage::add_refusals(database, refusals, now); },
        [this](const char* error) {
            log_.write(LogLevel::warn, LogLine("refusals-lost").words("error", error));
        });
}

/// Who asks /readyz may keep mail away until it is well: the next message must not be what tells.
void Service::try_store() {
    if (!monitor_.doubts_store() || trying_store_) {
        return;
    }
    trying_store_ = true;
    const auto tell = [this](std::string error) {
        asio::post(io_, [this, error = std::move(error)] {
            trying_store_ = false;
            monitor_.tried_store(error);
        });
    };
    (void)writer_.run(
        [tell](storage::Database& database) {
            storage::store_setting(database, "store_tried_at", std::to_string(std::time(nullptr)));
            tell({});
        },
        [tell](const char* error) { tell(error); });
}

void Service::look_at_clock() {
    const auto set =
        clock_.look(std::chrono::system_clock::now(), std::chrono::steady_clock::now());
    if (set) {
        log_.write(LogLevel::warn,
                   LogLine("clock-set")
                       .number("seconds", set->count())
                       .words("next", "times of receipt and retention follow the system's clock"));
    }
}

void Service::shut_down() {
    if (std::exchange(stopping_, true)) {
        // Asked twice: who asks does not want to wait.
        connections_.abort_all(net::SessionEnd::shutdown);
        intake_.refuse_waiting();
        return;
    }
    supervisor_.stopping();
    log_.write(
        LogLevel::info,
        LogLine("stopping").number("sessions", static_cast<std::int64_t>(connections_.size())));
    listeners_.clear();
    monitor_.shut_down();
    environment_.shut_down();
    drain_timer_.expires_after(kDrain);
    drain_timer_.async_wait([this](boost::system::error_code error) {
        if (error) {
            return;
        }
        connections_.abort_all(net::SessionEnd::shutdown);
        intake_.refuse_waiting();
        drain_timer_.expires_after(kCommitAfterDrain);
        drain_timer_.async_wait([this](boost::system::error_code late) {
            if (!late) {
                io_.stop();
            }
        });
    });
    connections_.shut_down();
    stop_if_drained();
}

void Service::stop_if_drained() {
    if (stopping_ && connections_.size() == 0 && deliveries_.pending() == 0) {
        io_.stop();
    }
}

void Service::stop() {
    periodic_.clear();
    http_.clear();
    housekeeping_.stop();
    intake_.stop();
    write_refusals();
    writer_.stop();
    log_.write(LogLevel::info, LogLine("stopped"));
}

}  // namespace

int serve(const Config& config, const std::function<Config()>& reload) {
    return std::make_unique<Service>(config, reload)->run();
}

}  // namespace dmarcbox
