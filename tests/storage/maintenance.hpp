#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/database.hpp"
#include "storage/retention.hpp"
#include "storage/submission.hpp"
#include "support.hpp"

namespace dmarcbox::storage::test {

/// Of example.org and 203.0.113.201, with personal data.
[[nodiscard]] schema::FailureReport failure_report();

/// Of example.org and the day of kBegin; 3 of 5 failed sessions have details.
[[nodiscard]] schema::TlsReport tls_report();

/// As message(), with an original that is compressed: `name` and 1000 dots.
[[nodiscard]] Submission compressed(std::string_view name,
                                    std::vector<schema::Report> reports,
                                    int day = 0);

/// Eight messages: an aggregate report, the same again, another content under its identity, a
/// failure report, a TLS report, an unreadable mail, a mail without report, and a report 40 days
/// later.
void add_one_of_each(Store& store);

/// Rules by which nothing goes.
[[nodiscard]] RetentionRules keep_all();

/// All steps of a prune.
PruneResult prune_all(Database& database, const RetentionRules& rules, std::int64_t now);

/// Originals, aggregate reports, their records, TLS reports, failure reports, days of refusals; a
/// blank after each.
[[nodiscard]] std::string figures(const PruneResult& r);

/// What verify() finds, a line each.
[[nodiscard]] std::string problems(Database& database);

}  // namespace dmarcbox::storage::test
