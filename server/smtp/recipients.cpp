#include <algorithm>
#include <stdexcept>

#include "server/smtp/address.hpp"
#include "server/smtp/ascii.hpp"

namespace dmarcbox::smtp {
namespace {

bool contains(const std::vector<std::string>& sorted, const std::string& value) {
    return std::binary_search(sorted.begin(), sorted.end(), value);
}

void sort_unique(std::vector<std::string>& values) {
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    values.shrink_to_fit();
}

}  // namespace

Recipients::Recipients(const std::vector<std::string>& accept) {
    for (const auto& entry : accept) {
        const bool whole_domain = entry.starts_with('@');
        const auto address = parse_path(whole_domain ? "<any" + entry + ">" : "<" + entry + ">");
        if (!address || address->null() || address->domain.empty()) {
            throw std::invalid_argument("accept: \"" + entry +
                                        "\" is neither local-part@domain nor @domain");
        }
        domains_.push_back(address->domain);
        if (whole_domain) {
            whole_domains_.push_back(address->domain);
        } else {
            mailboxes_.push_back(to_lower(address->local_part) + "@" + address->domain);
        }
    }
    sort_unique(mailboxes_);
    sort_unique(whole_domains_);
    sort_unique(domains_);
}

Recipients::Verdict Recipients::check(const Address& address) const {
    const auto local_part = to_lower(address.local_part);
    if (address.domain.empty()) {
        return local_part == "postmaster" ? Verdict::accepted : Verdict::unknown;
    }
    if (!contains(domains_, address.domain)) {
        return Verdict::foreign;
    }
    const auto accepted = [&](std::string_view local) {
        return local == "postmaster" ||
               contains(mailboxes_, std::string(local) + "@" + address.domain);
    };
    if (accepted(local_part)) {
        return Verdict::accepted;
    }
    // user%other@ours, other!user@ours, "user@other"@ours: a relay test that got 250 here would
    // list us as an open relay, although nothing is ever relayed.
    if (local_part.find_first_of("%!@") != std::string::npos) {
        return Verdict::foreign;
    }
    if (contains(whole_domains_, address.domain)) {
        return Verdict::accepted;
    }
    for (auto plus = local_part.rfind('+'); plus != std::string::npos && plus > 0;
         plus = local_part.rfind('+', plus - 1)) {
        if (accepted(std::string_view(local_part).substr(0, plus))) {
            return Verdict::accepted;
        }
    }
    return Verdict::unknown;
}

}  // namespace dmarcbox::smtp
