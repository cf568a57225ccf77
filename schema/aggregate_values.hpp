#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "schema/finding_list.hpp"

namespace dmarcbox::schema {

/// The enumerations of aggregate reports. Each knows its RFC tokens, its synonyms, and the finding
/// for what is neither.
enum class Vocabulary {
    alignment_mode,
    policy,
    testing,
    discovery_method,
    disposition,
    evaluation,
    dkim_result,
    spf_result,
    scope,
    reason,
};

/// The RFC token that `text` (trimmed) means, with a finding unless it is that token. Unknown text:
/// in lower case; for reasons as sent; for testing, which is y or n, empty.
void read_token(std::string& out,
                std::string_view text,
                Vocabulary vocabulary,
                FindingList& findings);

/// Unix seconds: an integer, one with a fraction, milliseconds (13 digits), microseconds (16), ISO
/// 8601 (a date alone is its midnight) or a date of mail, all but the first with a finding. Nullopt
/// with a finding if it is neither or beyond the year 9999.
[[nodiscard]] std::optional<std::int64_t> read_time(std::string_view text, FindingList& findings);

/// 0 with a finding if it is no number, negative or above 10^12.
[[nodiscard]] std::int64_t read_count(std::string_view text, FindingList& findings);

/// Nullopt with a finding if it is no number; kept with a finding outside 0 to 100.
[[nodiscard]] std::optional<std::int64_t> read_percentage(std::string_view text,
                                                          FindingList& findings);

/// Canonical text of an address; as sent with a finding if it is none.
void read_ip(std::string& out, std::string_view text, FindingList& findings);

}  // namespace dmarcbox::schema
