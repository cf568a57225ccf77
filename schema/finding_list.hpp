#pragma once

#include <cstddef>
#include <string_view>

#include "schema/finding.hpp"

namespace dmarcbox::schema {

/// Collects the findings of one document: each (code, detail) once, details clipped to 200 bytes,
/// at most `max` in all, the last of which then says how many more there were.
class FindingList {
  public:
    FindingList(std::size_t max, const FindingCode& more) : max_(max), more_(more) {}

    void add(const FindingCode& code, std::string_view detail = {});
    /// The findings in the order they came. The list is empty afterwards.
    [[nodiscard]] Findings take();

  private:
    std::size_t max_;
    FindingCode more_;
    std::size_t left_out_ = 0;
    Findings findings_;
};

/// A finding without part, its detail clipped to 200 bytes on a character.
[[nodiscard]] Finding make_finding(const FindingCode& code, std::string_view detail = {});

}  // namespace dmarcbox::schema
