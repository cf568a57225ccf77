#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

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

/// True if the text holds an element whose local name is `feedback` near its beginning: worth
/// parse_aggregate, and unreadable rather than "other" if that fails.
[[nodiscard]] bool looks_like_aggregate(std::string_view xml);

}  // namespace dmarcbox::schema
