#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/refusals.hpp"

namespace dmarcbox::net {

/// Refused mail by reason and domain of the recipient, gathered for table refusals. Not
/// thread-safe.
class RefusalCounts {
  public:
    /// Between two writes; further domains count under `(other)`, as in the table.
    static constexpr std::size_t kMaxKeys = 1000;

    void add(std::string_view reason, std::string_view domain);
    /// What was gathered; empty afterwards.
    [[nodiscard]] std::vector<storage::Refusal> take();
    [[nodiscard]] bool empty() const { return counts_.empty(); }

  private:
    std::map<std::pair<std::string, std::string>, std::int64_t> counts_;
};

}  // namespace dmarcbox::net
