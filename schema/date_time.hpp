#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dmarcbox::schema {

/// RFC 5322 date-time with the obsolete zones and the liberties mail takes (missing weekday,
/// two-digit years, comments, missing seconds, missing zone read as UTC). Unix seconds UTC.
[[nodiscard]] std::optional<std::int64_t> parse_mail_date(std::string_view text);

/// RFC 3339 date-time; a missing zone is read as UTC, a blank instead of `T` is accepted. Unix
/// seconds UTC.
[[nodiscard]] std::optional<std::int64_t> parse_rfc3339(std::string_view text);

/// `YYYY-MM-DD` of Unix seconds UTC, years 1 to 9999 (outside: clamped).
[[nodiscard]] std::string day_of(std::int64_t unix_seconds);

/// `YYYY-MM-DDTHH:MM:SSZ` of Unix seconds UTC.
[[nodiscard]] std::string format_utc(std::int64_t unix_seconds);

}  // namespace dmarcbox::schema
