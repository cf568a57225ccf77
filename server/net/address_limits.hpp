#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "server/net/address_set.hpp"

namespace dmarcbox::net {

/// Connections per peer: at a time, and new ones in a minute. A peer is an IPv4 address or an IPv6
/// /64, which is what one customer has. Not thread-safe.
class AddressLimits {
  public:
    using Clock = std::chrono::steady_clock;
    struct Settings {
        std::uint32_t max_connections = 20;
        std::uint32_t max_per_minute = 120;
        AddressSet exempt;
    };
    /// Peers remembered for their rate; past it the oldest minute is forgotten, and then nobody new
    /// is counted. 65,536 of them are 8 MiB.
    static constexpr std::size_t kMaxPeers = 65536;

    explicit AddressLimits(Settings settings) : state_(std::make_shared<State>()) {
        state_->settings = std::move(settings);
    }

  private:
    using Key = std::array<std::uint8_t, 16>;
    struct Peer {
        std::uint32_t connections = 0;
        std::uint32_t in_this_minute = 0;
        Clock::time_point minute_began;
    };
    struct State {
        Settings settings;
        std::map<Key, Peer> peers;
        Clock::time_point forgot_at;
    };

  public:
    /// One connection of a peer; leaves when it goes.
    class Place {
      public:
        Place() = default;
        Place(Place&& other) noexcept = default;
        Place& operator=(Place&& other) noexcept;
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;
        ~Place() { leave(); }

      private:
        friend class AddressLimits;
        Place(std::shared_ptr<State> state, const Key& key) : state_(std::move(state)), key_(key) {}
        void leave();
        std::shared_ptr<State> state_;
        Key key_{};
    };

    enum class Verdict { admitted, too_many, too_fast };
    struct Answer {
        Verdict verdict = Verdict::admitted;
        Place place;  ///< keep it as long as the connection lives
    };
    /// Counts the attempt, also a refused one. Text that is no address (unix sockets) and exempt
    /// peers are always admitted.
    [[nodiscard]] Answer enter(std::string_view ip, Clock::time_point now);

    [[nodiscard]] std::size_t peers() const { return state_->peers.size(); }

  private:
    void forget_idle(Clock::time_point now);

    std::shared_ptr<State> state_;
};

}  // namespace dmarcbox::net
