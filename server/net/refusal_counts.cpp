#include "server/net/refusal_counts.hpp"

#include "server/terminal.hpp"

namespace dmarcbox::net {

void RefusalCounts::add(std::string_view reason, std::string_view domain) {
    // A sender's text goes into a table that people read.
    std::pair key{std::string(reason), escape_for_terminal(domain.substr(0, 255))};
    if (counts_.size() >= kMaxKeys && !counts_.contains(key)) {
        key.second = "(other)";
    }
    ++counts_[std::move(key)];
}

std::vector<storage::Refusal> RefusalCounts::take() {
    std::vector<storage::Refusal> list;
    list.reserve(counts_.size());
    for (const auto& [key, count] : counts_) {
        list.push_back({key.first, key.second, count});
    }
    counts_.clear();
    return list;
}

}  // namespace dmarcbox::net
