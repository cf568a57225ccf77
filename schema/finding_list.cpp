#include "schema/finding_list.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "schema/scalar_text.hpp"

namespace dmarcbox::schema {
namespace {

constexpr std::size_t kMaxDetail = 200;  // finding.hpp

}  // namespace

Finding make_finding(const FindingCode& code, std::string_view detail) {
    return {code, {}, std::string(cut_text(detail, kMaxDetail))};
}

void FindingList::add(const FindingCode& code, std::string_view detail) {
    const auto clipped = cut_text(detail, kMaxDetail);
    const bool known = std::any_of(findings_.begin(), findings_.end(), [&](const Finding& finding) {
        // The same constant: millions of repeats are told apart without reading their names.
        return finding.code.code.data() == code.code.data() && finding.detail == clipped;
    });
    if (known) {
        return;
    }
    if (findings_.size() < max_) {
        findings_.push_back(make_finding(code, clipped));
    } else {
        ++left_out_;
    }
}

Findings FindingList::take() {
    if (left_out_ > 0 && !findings_.empty()) {
        findings_.back() = make_finding(more_, std::to_string(left_out_ + 1) + " more");
    }
    left_out_ = 0;
    return std::exchange(findings_, {});
}

}  // namespace dmarcbox::schema
