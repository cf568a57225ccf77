#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "server/config.hpp"
#include "server/net/address_limits.hpp"
#include "server/net/address_set.hpp"

namespace dmarcbox::net {

/// Who may have a session: the limits on connections, and the peers whose PROXY header is believed.
/// Network thread.
class Gate {
  public:
    explicit Gate(const Config& config);

    /// The peer is a proxy: the address comes in a PROXY header, before anything else.
    [[nodiscard]] bool expects_proxy_header(std::string_view ip) const {
        return proxies_.contains(ip);
    }

    struct Answer {
        std::string_view reason;  ///< empty: come in. Else for log and metrics
        std::string_view reply;   ///< with CRLF
        AddressLimits::Place place;
    };
    /// With `open` connections there already.
    [[nodiscard]] Answer enter_house(std::size_t open);
    /// A peer was refused by enter_house() within the last minute.
    [[nodiscard]] bool full(AddressLimits::Clock::time_point now) const;
    [[nodiscard]] Answer enter(std::string_view ip);

  private:
    std::size_t max_connections_;
    std::optional<AddressLimits::Clock::time_point> refused_at_;
    AddressSet proxies_;
    AddressLimits limits_;
};

}  // namespace dmarcbox::net
