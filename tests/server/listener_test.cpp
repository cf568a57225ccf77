#include "server/net/listener.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <new>
#include <string>
#include <vector>

#include "server/net/endpoint.hpp"

using namespace dmarcbox::net;
using namespace std::chrono_literals;

TEST_CASE("listener: a connection that cannot be served does not end the listening") {
    boost::asio::io_context io{1};
    auto socket = bind_socket("127.0.0.1:0", Service::smtp);
    const auto where = Endpoint::parse(socket.where);
    REQUIRE(where.has_value());
    int accepted = 0;
    const Listener listener(
        io, std::move(socket),
        [&](FileDescriptor, const Endpoint&) {
            if (++accepted == 1) {
                throw std::bad_alloc();
            }
        },
        [](int) {});
    std::vector<FileDescriptor> clients;
    for (int i = 0; i < 3; ++i) {
        clients.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(::connect(clients.back().get(), where->address(), where->length()) == 0);
    }
    CHECK_THROWS_AS(io.run_for(5s), std::bad_alloc);
    for (int i = 0; i < 100 && accepted < 3; ++i) {
        io.run_for(50ms);
    }
    CHECK(accepted == 3);
}

TEST_CASE("listener: a peer that is gone before it is accepted has its address") {
    boost::asio::io_context io{1};
    auto socket = bind_socket("127.0.0.1:0", Service::smtp);
    const auto where = Endpoint::parse(socket.where);
    REQUIRE(where.has_value());
    {
        const FileDescriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const linger reset{1, 0};
        ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        REQUIRE(::connect(client.get(), where->address(), where->length()) == 0);
    }
    std::string peer = "none";
    const Listener listener(
        io, std::move(socket),
        [&](FileDescriptor, const Endpoint& endpoint) {
            peer = endpoint.ip();
            io.stop();
        },
        [](int) {});
    io.run_for(5s);
    CHECK(peer == "127.0.0.1");
}
