#include "server/net/connection.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "../storage/support.hpp"
#include "server/net/connection_table.hpp"
#include "server/net/mail_environment.hpp"

using namespace dmarcbox;
using namespace std::chrono_literals;
using net::Connection;

namespace {

constexpr std::string_view kToData =
    "EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<rua@reports.example>\r\nDATA\r\n";

smtp::SessionConfig session_config() {
    smtp::SessionConfig config;
    config.hostname = "mx.reports.example";
    config.max_idle_commands = 1000000;
    return config;
}

Config config_for_one_connection() {
    Config config;
    config.smtp.max_connections = 1;
    return config;
}

/// What a service has around its connections, without threads of its own for the network.
struct Surroundings {
    storage::test::TempDir folder;
    storage::Writer writer{folder.file("reports.db"), {}};
    Intake intake{writer, {}, {.workers = 1}};
    boost::asio::io_context io{1};
    net::FileDescriptor nowhere{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
    Log log{{.descriptor = nowhere.get()}};
    Metrics metrics;
    net::DiskSpace space{folder.path(), 0};
    std::shared_ptr<net::BodyBudget> budget = std::make_shared<net::BodyBudget>(1U << 24U);
    net::MailEnvironment environment{
        net::recipients_of({"rua@reports.example"}), budget, space, folder.path(), intake, {}};
    net::Gate gate{config_for_one_connection()};
    net::Journal journal{log, metrics, {}};
    std::vector<bool> answered;  ///< for each message that the store decided on
    net::Deliveries deliveries{io, intake,
                               [this](const net::Delivery& delivery, const storage::Verdict&) {
                                   answered.push_back(*delivery.awaited);
                               }};
    std::array<char, 65536> buffer{};
};

net::Frontend frontend_of(Surroundings& around, smtp::Environment& environment) {
    return {.session = session_config(),
            .io = around.io,
            .environment = environment,
            .deliveries = around.deliveries,
            .journal = around.journal,
            .budget = *around.budget,
            .gate = around.gate,
            .read_buffer = around.buffer};
}

/// A client of one connection over a socket pair. Time passes when it says so.
class Client {
  public:
    Client(Surroundings& around, const net::Frontend& frontend, std::chrono::seconds age = 0s)
        : around_(around) {
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) ==
                0);
        ours_ = net::FileDescriptor(ends[0]);
        connection_ = std::make_shared<Connection>(
            frontend, net::FileDescriptor(ends[1]),
            net::SessionInfo{.id = "1", .ip = "192.0.2.1", .began = Connection::Clock::now() - age},
            net::AddressLimits::Place(), [this](Connection&) { closed_ = true; });
        connection_->start(false);
        around_.io.poll();
    }

    ~Client() {
        connection_->abort(net::SessionEnd::error);
        run();
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void send(std::string_view bytes) {
        CHECK(::send(ours_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0);
        run();
    }
    void run() {
        around_.io.restart();
        around_.io.poll();
    }
    /// Everything said since the last call.
    std::string said() {
        std::string text;
        std::array<char, 4096> some{};
        for (;;) {
            run();
            const auto got = ::recv(ours_.get(), some.data(), some.size(), 0);
            if (got <= 0) {
                return text;
            }
            text.append(some.data(), static_cast<std::size_t>(got));
        }
    }
    void after(std::chrono::seconds time) {
        connection_->tick(Connection::Clock::now() + time);
        run();
    }
    /// Until the replies fill the socket.
    void ask_without_reading() {
        std::string many;
        for (int i = 0; i < 500; ++i) {
            many += "HELP\r\n";
        }
        for (int i = 0; i < 100; ++i) {
            (void)::send(ours_.get(), many.data(), many.size(), MSG_NOSIGNAL);
            run();
        }
    }
    [[nodiscard]] bool closed() const { return closed_; }
    [[nodiscard]] Connection& connection() { return *connection_; }

  private:
    Surroundings& around_;
    net::FileDescriptor ours_;
    std::shared_ptr<Connection> connection_;
    bool closed_ = false;
};

constexpr std::string_view kTimeout = "421 4.4.2 Timeout, closing connection\r\n";

}  // namespace

TEST_CASE("recipients: an international domain is ours in each of its forms") {
    Surroundings around;
    around.environment.replace(
        net::recipients_of({"@BÜCHER.example", "rua@xn--mnchen-3ya.example.", "ruf@Example.ORG"}));
    using Verdict = smtp::Recipients::Verdict;
    const std::vector<std::pair<std::string, Verdict>> cases{
        {"rua@xn--bcher-kva.example", Verdict::accepted},
        {"rua@bücher.example", Verdict::accepted},
        {"rua@BÜCHER.example", Verdict::accepted},
        {"rua@münchen.example", Verdict::accepted},
        {"rua@MÜNCHEN.example", Verdict::accepted},
        {"rua@XN--mnchen-3ya.example", Verdict::accepted},
        {"other@münchen.example", Verdict::unknown},
        {"rua@munchen.example", Verdict::foreign},
        {"ruf@example.org", Verdict::accepted},
        {"ruf@exämple.org", Verdict::foreign},
    };
    for (const auto& [text, verdict] : cases) {
        INFO(text);
        const auto address = smtp::parse_path("<" + text + ">");
        REQUIRE(address);
        CHECK(around.environment.check_recipient(*address) == verdict);
    }
}

TEST_CASE("connection: a message slower than the least rate is ended after its grace") {
    Surroundings around;
    const auto frontend = frontend_of(around, around.environment);
    SUBCASE("slower") {
        Client client(around, frontend);
        client.send(kToData);
        client.said();
        client.send(std::string(30'000, 'x'));
        client.after(50s);
        CHECK(client.said().empty());
        client.after(70s);
        CHECK(client.said() == kTimeout);
        CHECK(around.metrics.timeouts.value({"rate"}) == 1);
        CHECK(around.metrics.timeouts.value({"data"}) == 0);
    }
    SUBCASE("fast enough") {
        Client client(around, frontend);
        client.send(kToData);
        client.said();
        client.send(std::string(50'000, 'x'));
        client.after(90s);
        CHECK(client.said().empty());
    }
    CHECK(around.budget->used() == 0);
}

TEST_CASE("connection: the longest session ends whatever it waits for") {
    Surroundings around;
    const auto frontend = frontend_of(around, around.environment);
    SUBCASE("a command") {
        Client client(around, frontend, 1700s);
        client.said();
        client.after(0s);
        CHECK(client.said().empty());
        client.after(110s);
        CHECK(client.said() == kTimeout);
        CHECK(around.metrics.timeouts.value({"session"}) == 1);
    }
    SUBCASE("a client that reads too little to take the reply, but something") {
        Client client(around, frontend, 1861s);
        client.ask_without_reading();
        CHECK_FALSE(client.closed());
        client.after(0s);
        CHECK(client.closed());
        CHECK(around.metrics.timeouts.value({"write"}) == 1);
    }
}

TEST_CASE("connection: silent clients make room when every connection is taken") {
    Surroundings around;
    const auto frontend = frontend_of(around, around.environment);
    Client silent(around, frontend);
    Client dripping(around, frontend);
    Client sending(around, frontend);
    dripping.send("NOO");
    sending.send(kToData);
    silent.said();
    dripping.said();
    sending.said();

    silent.after(20s);
    CHECK(silent.said().empty());
    CHECK(around.gate.enter_house(0).reason.empty());
    CHECK_FALSE(around.gate.enter_house(1).reason.empty());
    for (auto* const client : {&silent, &dripping, &sending}) {
        client->after(5s);
        CHECK(client->said().empty());
        client->after(20s);
    }
    CHECK(silent.said() == kTimeout);
    CHECK(dripping.said() == kTimeout);
    CHECK(sending.said().empty());

    CHECK(around.gate.full(Connection::Clock::now() + 50s));
    CHECK_FALSE(around.gate.full(Connection::Clock::now() + 70s));
}

TEST_CASE("connection: no verdict in 60 s is 451, and one that comes later is nobody's") {
    Surroundings around;
    const auto frontend = frontend_of(around, around.environment);
    std::promise<void> blocked;
    std::promise<void> release;
    REQUIRE(around.writer.run(
        [&](storage::Database&) {
            blocked.set_value();
            release.get_future().wait();
        },
        [](const char*) {}));
    blocked.get_future().wait();
    Client client(around, frontend);
    client.send(std::string(kToData) + "Subject: late\r\n\r\nx\r\n.\r\n");
    client.said();
    client.after(50s);
    CHECK(client.said().empty());
    client.after(70s);
    CHECK(client.said() == "451 4.3.2 Too busy, try again later\r\n");

    release.set_value();
    for (int i = 0; i < 500 && around.deliveries.pending() > 0; ++i) {
        std::this_thread::sleep_for(10ms);
        client.run();
    }
    CHECK(around.answered == std::vector<bool>{false});
    client.send("NOOP\r\n");
    CHECK(client.said() == "250 2.0.0 OK\r\n");
}

TEST_CASE("connection: a message that is not finished when the service must end is answered 421") {
    Surroundings around;
    const auto frontend = frontend_of(around, around.environment);
    Client client(around, frontend);
    client.send(std::string(kToData) + "Subject: half\r\n");
    client.said();
    client.connection().shut_down();
    CHECK(client.said().empty());
    client.connection().abort(net::SessionEnd::shutdown);
    CHECK(client.said() == "421 4.3.2 Service shutting down\r\n");
    CHECK(client.closed());
}

TEST_CASE("connection: who takes no reply does not hold a stop back") {
    Surroundings around;
    const auto frontend = frontend_of(around, around.environment);
    Client client(around, frontend);
    client.ask_without_reading();
    client.connection().shut_down();
    client.after(1s);
    CHECK_FALSE(client.closed());
    client.after(10s);
    CHECK(client.closed());
}

TEST_CASE("connection: one whose step throws is closed, not left without a deadline") {
    class Broken : public smtp::Environment {
      public:
        Admission admit_message(std::uint64_t) override { return Admission::admitted; }
        smtp::Recipients::Verdict check_recipient(const smtp::Address&) override {
            throw std::bad_alloc();
        }
        std::unique_ptr<smtp::Body> new_body() override { return nullptr; }
    };
    Surroundings around;
    Broken broken;
    const auto frontend = frontend_of(around, broken);
    Client client(around, frontend);
    CHECK_THROWS_AS(client.send(kToData), std::bad_alloc);
    CHECK(client.closed());
}
