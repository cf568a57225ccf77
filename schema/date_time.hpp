#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dmarcbox::schema {

/// A date of mail and how far it can be relied on.
struct MailDate {
    std::int64_t time = 0;    ///< Unix seconds UTC
    bool standard = false;    ///< in the form of RFC 5322, obsolete forms (section 4) included
    bool zone_known = false;  ///< false: what stands in the place of a zone was taken for UTC
};

/// RFC 5322 date-time with the obsolete zones and the liberties mail takes: weekdays and months in
/// full, two-digit years, twelve-hour clocks, asctime, quoted zones, names of zones that mean one
/// offset, text behind the zone. A missing zone is UTC.
[[nodiscard]] std::optional<MailDate> read_mail_date(std::string_view text);

/// Its time alone, whether the zone is known or not.
[[nodiscard]] std::optional<std::int64_t> parse_mail_date(std::string_view text);

/// RFC 3339 date-time; a missing zone is read as UTC, a blank instead of `T` is accepted. Unix
/// seconds UTC.
[[nodiscard]] std::optional<std::int64_t> parse_rfc3339(std::string_view text);

/// `YYYY-MM-DD` of Unix seconds UTC, years 1 to 9999 (outside: clamped).
[[nodiscard]] std::string day_of(std::int64_t unix_seconds);

/// `YYYY-MM-DDTHH:MM:SSZ` of Unix seconds UTC.
[[nodiscard]] std::string format_utc(std::int64_t unix_seconds);

}  // namespace dmarcbox::schema
