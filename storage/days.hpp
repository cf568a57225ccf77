#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dmarcbox::storage {

/// The range of a report and when it was received. Unix seconds UTC.
struct ReportRange {
    std::optional<std::int64_t> begin_at;
    std::optional<std::int64_t> end_at;
    std::int64_t received_at = 0;

    /// begin <= end, begin after 2010, end at most 2 days after receipt, at most 31 days long.
    [[nodiscard]] bool plausible() const;
    /// begin_at if that alone is plausible, else the receipt.
    [[nodiscard]] std::int64_t time() const;
};

/// What is summed of a report: messages, passed, dkim_passed, spf_passed, quarantined, rejected.
using Sums = std::array<std::int64_t, 6>;

struct DaySums {
    std::string day;  ///< YYYY-MM-DD
    Sums sums{};
};

/// The days that a report counts on. A range of at most 25 h counts on the day of its begin (of its
/// middle, if it begins in the last hour of a day); a longer one is split by overlap in seconds,
/// rounded down, the rest to the first day. Days add up to `sums`, and what holds between the sums
/// of the report holds on each day: no more DKIM or SPF passes than passed, no more passed than
/// these two or than messages, no more quarantined and rejected than messages. Where rounding would
/// break that, passes (or actions) follow the messages of a day instead of its seconds. A range
/// that is not plausible counts on one day.
[[nodiscard]] std::vector<DaySums> split_by_day(const ReportRange& range, const Sums& sums);

}  // namespace dmarcbox::storage
