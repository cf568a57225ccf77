#pragma once

#include <string_view>
#include <vector>

#include "schema/aggregate_report.hpp"

namespace dmarcbox::schema {

/// Fills `evidence` of each record and `passing_keys` of the report. Pure: what other reports know
/// (own-signature-broken) is left open, see Evidence. First match of the table in schema/README.md
/// wins.
void classify_records(AggregateReport& report);

}  // namespace dmarcbox::schema
