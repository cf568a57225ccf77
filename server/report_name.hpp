#pragma once

#include <string_view>

#include "schema/aggregate_report.hpp"

namespace dmarcbox {

/// True if a file name has the form receiver!domain!begin!end[!id].extension with the domain and
/// times of the report (RFC 7489 section 7.2.1.1, RFC 9990). The end may differ by one second, and
/// values that the report lacks are not compared.
[[nodiscard]] bool is_report_name(std::string_view file_name,
                                  const schema::AggregateReport& report);

}  // namespace dmarcbox
