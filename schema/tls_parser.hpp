#pragma once

#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "schema/limits.hpp"
#include "schema/parse_error.hpp"
#include "schema/tls_report.hpp"

namespace dmarcbox::schema {

/// Reads an SMTP TLS report (RFC 8460 section 4.4). `json` is valid UTF-8. `report_domain` is the
/// mail's TLS-Report-Domain field, used where a policy has no domain; may be empty. Errors:
/// no_report (JSON without the keys of a TLS report), broken, memory, time. Never throws on input.
[[nodiscard]] tl::expected<TlsReport, ParseError> parse_tls(std::string_view json,
                                                            std::string_view report_domain,
                                                            const Limits& limits,
                                                            const Expired& expired);

/// A text of several JSON objects one behind the other, or an array of them, cut into one for each,
/// in order. Empty if there is only one without an array, or more than a hundred, or something else
/// stands there.
[[nodiscard]] std::vector<std::string_view> split_tls(std::string_view json);

/// True if the text holds a key of a TLS report ("organization-name", "date-range" or "policies",
/// in whatever case, `_` for `-`).
[[nodiscard]] bool looks_like_tls(std::string_view json);

}  // namespace dmarcbox::schema
