#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "schema/aggregate_report.hpp"
#include "schema/limits.hpp"
#include "schema/parse_error.hpp"

namespace dmarcbox::schema {

/// Reads an aggregate report: the pre-standard 0.1 schema, RFC 7489 and RFC 9990, by local name,
/// any order. `xml` is valid UTF-8 without byte order mark and is consumed. Recoverable malformed
/// XML is repaired with a finding; no DTD is read, no entity expanded. The result has evidence,
/// passing_keys and content_sha256 filled. Errors: no_report (root is something else), broken,
/// memory, time. Never throws on input.
[[nodiscard]] tl::expected<AggregateReport, ParseError> parse_aggregate(std::string xml,
                                                                        const Limits& limits,
                                                                        const Expired& expired);

/// A document that holds several reports, cut into one text for each, in order: roots beside each
/// other, or children of one element. The last may break off, or have text behind it. Empty if
/// there is only one whole report, or more than a hundred, or they cannot be told apart. Text only:
/// a piece may turn out to be no report.
[[nodiscard]] std::vector<std::string_view> split_aggregates(std::string_view xml);

/// True if the text holds an element whose local name is `feedback` near its beginning, behind
/// words only if some of a report follows: worth parse_aggregate, and unreadable rather than
/// "other" if that fails.
[[nodiscard]] bool looks_like_aggregate(std::string_view xml);

}  // namespace dmarcbox::schema
