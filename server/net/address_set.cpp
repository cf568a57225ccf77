#include "server/net/address_set.hpp"

#include <algorithm>
#include <stdexcept>

namespace dmarcbox::net {

AddressSet::AddressSet(const std::vector<std::string>& ranges) {
    for (const auto& text : ranges) {
        const auto range = schema::parse_ip_range(text);
        if (!range) {
            throw std::invalid_argument(text + ": is no address or CIDR range");
        }
        ranges_.push_back(*range);
    }
}

bool AddressSet::contains(std::string_view ip) const {
    if (ranges_.empty()) {
        return false;
    }
    const auto parsed = schema::parse_ip(ip);
    return parsed && std::any_of(ranges_.begin(), ranges_.end(), [&](const auto& range) {
               return range.contains(parsed->address);
           });
}

}  // namespace dmarcbox::net
