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

constexpr std::size_t kMessages = 0;
constexpr std::size_t kPassed = 1;
constexpr std::size_t kDkim = 2;
constexpr std::size_t kSpf = 3;
constexpr std::size_t kQuarantined = 4;
constexpr std::size_t kRejected = 5;

/// Where parts rounded down by themselves would break what holds for the report, deals its sums out
/// with its messages. Each group is dealt among those it is a part of (passed among messages, DKIM
/// among passed, SPF among what DKIM leaves and what both pass, rejected among what is not
/// quarantined), so that what holds for the report holds for each day.
class Split {
  public:
    explicit Split(const Sums& all) : all_(all) {
        const std::int64_t only_spf = all[kPassed] - all[kDkim];
        nested_ = all[kPassed] <= all[kMessages] && only_spf >= 0 && all[kSpf] >= only_spf &&
                  all[kSpf] <= all[kPassed] && all[kQuarantined] + all[kRejected] <= all[kMessages];
    }

    /// What belongs to the next so many messages.
    Sums next(std::int64_t messages) {
        const Sums before = dealt_;
        dealt_[kMessages] += messages;
        deal(kPassed, kMessages);
        deal(kQuarantined, kMessages);
        if (nested_) {
            deal(kDkim, kPassed);
            const std::int64_t only_spf = all_[kPassed] - all_[kDkim];
            dealt_[kSpf] = dealt_[kPassed] - dealt_[kDkim] +
                           part(all_[kSpf] - only_spf, dealt_[kDkim], all_[kDkim]);
            dealt_[kRejected] = part(all_[kRejected], dealt_[kMessages] - dealt_[kQuarantined],
                                     all_[kMessages] - all_[kQuarantined]);
        } else {
            for (const std::size_t sum : {kDkim, kSpf, kRejected}) {
                deal(sum, kMessages);
            }
        }
        Sums day = dealt_;
        for (std::size_t i = 0; i < day.size(); ++i) {
            day.at(i) -= before.at(i);
        }
        return day;
    }

    /// Whether passes are on this day as they are in the report.
    [[nodiscard]] bool passes_hold(const Sums& day) const {
        return std::max({day[kPassed], day[kDkim], day[kSpf]}) <= day[kMessages] &&
               (!nested_ || (day[kDkim] <= day[kPassed] && day[kSpf] <= day[kPassed] &&
                             day[kPassed] <= day[kDkim] + day[kSpf]));
    }
    /// Whether what was done to the mail is on this day as it is in the report.
    [[nodiscard]] bool actions_hold(const Sums& day) const {
        return std::max(day[kQuarantined], day[kRejected]) <= day[kMessages] &&
               (!nested_ || day[kQuarantined] + day[kRejected] <= day[kMessages]);
    }

  private:
    static std::int64_t part(std::int64_t sum, std::int64_t of, std::int64_t whole) {
        return whole == 0 ? 0 : share(sum, of, whole);
    }
    void deal(std::size_t sum, std::size_t among) {
        dealt_.at(sum) = part(all_.at(sum), dealt_.at(among), all_.at(among));
    }

    const Sums all_;
    Sums dealt_{};
    bool nested_ = false;  ///< not so only where a sum was capped
};

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
        for (std::size_t i = 0; i < sums.size() && !days.empty(); ++i) {
            day.sums.at(i) = share(sums.at(i), until - from, length);
            rest.at(i) -= day.sums.at(i);
        }
        days.push_back(std::move(day));
        from = until;
    }
    days.front().sums = rest;
    Split split(sums);
    const auto all = [&](auto rule) {
        return std::all_of(days.begin(), days.end(),
                           [&](const DaySums& day) { return (split.*rule)(day.sums); });
    };
    const bool passes = all(&Split::passes_hold);
    const bool actions = all(&Split::actions_hold);
    // From the last day on, so that the first gets the rest of everything.
    for (auto day = days.rbegin(); day != days.rend() && !(passes && actions); ++day) {
        const Sums dealt = split.next(day->sums[kMessages]);
        for (const std::size_t sum : {kPassed, kDkim, kSpf}) {
            day->sums.at(sum) = passes ? day->sums.at(sum) : dealt.at(sum);
        }
        for (const std::size_t sum : {kQuarantined, kRejected}) {
            day->sums.at(sum) = actions ? day->sums.at(sum) : dealt.at(sum);
        }
    }
    return days;
}

}  // namespace dmarcbox::storage
