#include "server/net/gate.hpp"

#include <utility>

namespace dmarcbox::net {
namespace {

// 4xx, as all that is our own limit: the reporter comes again.
constexpr std::string_view kTooManyAtAll = "421 4.3.2 Too many connections, try again later\r\n";
constexpr std::string_view kTooManyOfYours =
    "421 4.7.0 Too many connections from your address, try again later\r\n";
constexpr std::string_view kTooFast =
    "421 4.7.0 Too many connections a minute from your address, try again later\r\n";

// Refused peers come again, mostly within a minute.
constexpr std::chrono::seconds kFullFor{60};

}  // namespace

Gate::Gate(const Config& config)
    : max_connections_(config.smtp.max_connections),
      proxies_(config.proxy_protocol.trusted),
      limits_({.max_connections = config.smtp.max_connections_per_address,
               .max_per_minute = config.smtp.max_connections_per_minute_per_address,
               .exempt = AddressSet(config.smtp.limits_exempt)}) {}

Gate::Answer Gate::enter_house(std::size_t open) {
    if (open >= max_connections_) {
        refused_at_ = AddressLimits::Clock::now();
        return {"connections", kTooManyAtAll, {}};
    }
    return {};
}

bool Gate::full(AddressLimits::Clock::time_point now) const {
    return refused_at_ && now - *refused_at_ < kFullFor;
}

Gate::Answer Gate::enter(std::string_view ip) {
    auto answer = limits_.enter(ip, AddressLimits::Clock::now());
    switch (answer.verdict) {
        case AddressLimits::Verdict::too_many:
            return {"address_connections", kTooManyOfYours, {}};
        case AddressLimits::Verdict::too_fast:
            return {"address_rate", kTooFast, {}};
        case AddressLimits::Verdict::admitted:
            break;
    }
    return {{}, {}, std::move(answer.place)};
}

}  // namespace dmarcbox::net
