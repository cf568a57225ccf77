#include "schema/aggregate_report.hpp"

#include <numeric>

namespace dmarcbox::schema {

std::int64_t AggregateReport::message_count() const {
    return std::accumulate(
        records.begin(), records.end(), std::int64_t{0},
        [](std::int64_t sum, const AggregateRecord& record) { return sum + record.count; });
}

}  // namespace dmarcbox::schema
