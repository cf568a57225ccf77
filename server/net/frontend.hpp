#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>

#include "server/net/body_budget.hpp"
#include "server/net/delivery.hpp"
#include "server/net/gate.hpp"
#include "server/net/journal.hpp"
#include "server/net/listening_socket.hpp"
#include "server/smtp/session.hpp"

namespace dmarcbox::net {

class TlsContext;

/// What the connections of one listener share; outlives them. Network thread.
struct Frontend {
    Service service = Service::smtp;
    smtp::SessionConfig session;
    std::chrono::seconds session_timeout{1800};
    std::chrono::seconds idle_timeout_when_full{10};
    std::uint32_t min_data_rate = 500;  ///< bytes a second; 0: any

    boost::asio::io_context& io;
    smtp::Environment& environment;
    Deliveries& deliveries;
    Journal& journal;
    BodyBudget& budget;
    Gate& gate;
    TlsContext* tls = nullptr;  ///< null: no certificate
    /// One for all: a connection reads into it and hands the bytes on before it returns.
    std::span<char> read_buffer;
};

}  // namespace dmarcbox::net
