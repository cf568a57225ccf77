#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

namespace dmarcbox::smtp {

/// ESMTP parameters of MAIL that we announce: SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC
/// 6531).
struct MailParameters {
    std::uint64_t size = 0;  ///< 0: not declared
    bool smtputf8 = false;
};

enum class ParameterError : std::uint8_t {
    unknown,  ///< 555 5.5.4
    value,    ///< 501 5.5.4: malformed, repeated, or a value that cannot be
};

/// Blank-separated `KEYWORD` or `KEYWORD=value`, keywords in any case. The first fault decides.
[[nodiscard]] std::variant<MailParameters, ParameterError> parse_mail_parameters(
    std::string_view text);

/// RCPT has no parameter that we announce: whatever is well-formed is unknown.
[[nodiscard]] ParameterError refuse_recipient_parameters(std::string_view text);

}  // namespace dmarcbox::smtp
