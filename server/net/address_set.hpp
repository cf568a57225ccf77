#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "schema/ip_address.hpp"

namespace dmarcbox::net {

/// Addresses and CIDR ranges of the configuration.
class AddressSet {
  public:
    AddressSet() = default;
    /// Throws std::invalid_argument naming the entry.
    explicit AddressSet(const std::vector<std::string>& ranges);

    /// False for text that is no address.
    [[nodiscard]] bool contains(std::string_view ip) const;
    [[nodiscard]] bool empty() const { return ranges_.empty(); }

  private:
    std::vector<schema::IpRange> ranges_;
};

}  // namespace dmarcbox::net
