#include "server/net/address_limits.hpp"

#include <algorithm>
#include <utility>

namespace dmarcbox::net {
namespace {

constexpr std::chrono::minutes kMinute{1};
// Looking through all peers takes a millisecond; a flood must not pay with it per connection.
constexpr std::chrono::seconds kForgetAgain{1};
constexpr std::size_t kIpv6Prefix = 8;  // bytes of a /64

}  // namespace

AddressLimits::Place& AddressLimits::Place::operator=(Place&& other) noexcept {
    if (this != &other) {
        leave();
        state_ = std::move(other.state_);
        key_ = other.key_;
    }
    return *this;
}

void AddressLimits::Place::leave() {
    const auto state = std::exchange(state_, nullptr);
    if (!state) {
        return;
    }
    // The entry stays for its rate until it is forgotten.
    const auto found = state->peers.find(key_);
    if (found != state->peers.end() && found->second.connections > 0) {
        --found->second.connections;
    }
}

AddressLimits::Answer AddressLimits::enter(std::string_view ip, Clock::time_point now) {
    const auto parsed = schema::parse_ip(ip);
    if (!parsed || state_->settings.exempt.contains(ip)) {
        return {};
    }
    Key key = parsed->address.bytes;
    if (!parsed->address.is_v4()) {
        std::fill(key.begin() + kIpv6Prefix, key.end(), std::uint8_t{0});
    }
    auto found = state_->peers.find(key);
    if (found == state_->peers.end()) {
        if (state_->peers.size() >= kMaxPeers && now - state_->forgot_at >= kForgetAgain) {
            state_->forgot_at = now;
            forget_idle(now);
        }
        if (state_->peers.size() >= kMaxPeers) {
            return {};
        }
        found = state_->peers.emplace(key, Peer{0, 0, now}).first;
    }
    Peer& peer = found->second;
    if (now - peer.minute_began >= kMinute) {
        peer.minute_began = now;
        peer.in_this_minute = 0;
    }
    if (++peer.in_this_minute > state_->settings.max_per_minute) {
        return {Verdict::too_fast, {}};
    }
    if (peer.connections >= state_->settings.max_connections) {
        return {Verdict::too_many, {}};
    }
    ++peer.connections;
    return {Verdict::admitted, Place(state_, key)};
}

void AddressLimits::forget_idle(Clock::time_point now) {
    std::erase_if(state_->peers, [now](const auto& entry) {
        return entry.second.connections == 0 && now - entry.second.minute_began >= kMinute;
    });
}

}  // namespace dmarcbox::net
