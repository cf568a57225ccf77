#include "server/log_limiter.hpp"

#include <utility>

#include "schema/ip_address.hpp"

namespace dmarcbox {

std::optional<std::uint64_t> LogLimiter::admit(std::string_view event,
                                               std::string_view peer,
                                               std::string_view reason,
                                               Clock::time_point now) {
    const auto ip = schema::parse_ip(peer);
    std::string key(event);
    key.append(" ").append(reason).append(" ").append(ip ? ip->address.network()
                                                         : std::string(peer));
    auto found = seen_.find(key);
    if (found == seen_.end() && seen_.size() >= kMaxKeys) {
        forget_old(now);
        if (seen_.size() >= kMaxKeys) {
            key = std::string(event) + " (others)";
            found = seen_.find(key);
        }
    }
    if (found == seen_.end()) {
        seen_.emplace(std::move(key), Seen{now, 0});
        return 0;
    }
    if (now - found->second.since < kWindow) {
        ++found->second.suppressed;
        return std::nullopt;
    }
    found->second.since = now;
    return std::exchange(found->second.suppressed, 0);
}

void LogLimiter::forget_old(Clock::time_point now) {
    if (now - forgot_at_ < std::chrono::seconds(1)) {
        return;  // looking through all of them has its price, which a flood must not make us pay
    }
    forgot_at_ = now;
    std::erase_if(seen_, [now](const auto& entry) { return now - entry.second.since >= kWindow; });
}

}  // namespace dmarcbox
