#include "storage/days.hpp"

#include <algorithm>

#include "schema/date_time.hpp"

namespace dmarcbox::storage {

namespace {

constexpr std::int64_t kDay = 86400;
constexpr std::int64_t kHour = 3600;
constexpr std::int64_t k2010 = 1262304000;  // 2010-01-01: no DMARC report is older
constexpr std::int64_t kFuture = 2 * kDay;
constexpr std::int64_t kLongest = 31 * kDay;
constexpr std::int64_t kOneDayReport = 25 * kHour;  // a day where clocks are set back

// 10^12 a record times a million records times 31 days in seconds does not fit 64 bits.
__extension__ using Wide = __int128;

std::int64_t share(std::int64_t sum, std::int64_t seconds, std::int64_t length) {
    return static_cast<std::int64_t>(static_cast<Wide>(sum) * seconds / length);
}

// Reporters give the last second that is included, or the first that is not.
std::int64_t end_of(std::int64_t end_at) {
    return end_at % 60 == 59 ? end_at + 1 : end_at;
}

}  // namespace

bool ReportRange::plausible() const {
    return begin_at && end_at && *begin_at >= k2010 && *begin_at <= *end_at &&
           *end_at <= received_at + kFuture && end_of(*end_at) - *begin_at <= kLongest;
}

std::int64_t ReportRange::time() const {
    return begin_at && *begin_at >= k2010 && *begin_at <= received_at + kFuture ? *begin_at
                                                                                : received_at;
}

std::vector<DaySums> split_by_day(const ReportRange& range, const Sums& sums) {
    if (!range.plausible()) {
        return {{schema::day_of(range.time()), sums}};
    }
    const std::int64_t begin = *range.begin_at;
    const std::int64_t end = end_of(*range.end_at);
    const std::int64_t length = end - begin;
    if (length <= kOneDayReport) {
        const bool late = begin % kDay >= kDay - kHour;
        return {{schema::day_of(late ? begin + length / 2 : begin), sums}};
    }
    std::vector<DaySums> days;
    Sums rest = sums;
    for (std::int64_t from = begin; from < end;) {
        const std::int64_t until = std::min(end, (from / kDay + 1) * kDay);
        DaySums day{schema::day_of(from), {}};
        if (!days.empty()) {
            for (std::size_t i = 0; i < sums.size(); ++i) {
                day.sums.at(i) = share(sums.at(i), until - from, length);
                rest.at(i) -= day.sums.at(i);
            }
        }
        days.push_back(std::move(day));
        from = until;
    }
    // The rest goes to the first day; what would exceed its messages to the next with room.
    days.front().sums.front() = rest.front();
    for (std::size_t i = 1; i < sums.size(); ++i) {
        for (auto& day : days) {
            const std::int64_t room = day.sums.front() - day.sums.at(i);
            const std::int64_t taken = std::min(rest.at(i), room);
            day.sums.at(i) += taken;
            rest.at(i) -= taken;
        }
    }
    return days;
}

}  // namespace dmarcbox::storage
