#pragma once

#include <variant>

#include "schema/aggregate_report.hpp"
#include "schema/failure_report.hpp"
#include "schema/tls_report.hpp"

namespace dmarcbox::schema {

using Report = std::variant<AggregateReport, FailureReport, TlsReport>;

}  // namespace dmarcbox::schema
