#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "schema/failure_report.hpp"
#include "schema/limits.hpp"
#include "schema/parse_error.hpp"

namespace dmarcbox::schema {

/// What a failure report mail holds, header fields already decoded.
struct FailureParts {
    std::vector<HeaderField> fields;   ///< of message/feedback-report, or of the plain-text form
    std::vector<HeaderField> headers;  ///< of the sample; empty if there was none
    std::string fields_text;           ///< part 2 as sent, for the hash
    std::string headers_text;          ///< the sample's header as sent, for the hash
    bool plain_text = false;           ///< the substitutes of Exim, cPanel, SpamExperts, MailWatch
};

/// Reads a failure report (RFC 5965, RFC 6591, RFC 9991). Values missing in part 2 are derived from
/// the sample. Errors: no_report with code `feedback` and the feedback type as detail for abuse and
/// other types; broken if there is no field at all. Never throws on input.
[[nodiscard]] tl::expected<FailureReport, ParseError> parse_failure(FailureParts parts,
                                                                    const Limits& limits);

/// The plain-text form: `A message claiming to be from you has failed the published DMARC policy`.
struct PlainFailure {
    std::vector<HeaderField>
        fields;                ///< Sender Domain, Sender IP Address, Received Date, ... as written
    std::string headers_text;  ///< what follows the `copy of the headers` line; may be empty
    /// Where that stands in the text, with its quote marks; npos if there is no such line. What
    /// follows it is no header any more.
    std::size_t copy_begin = std::string_view::npos;
    std::size_t copy_end = std::string_view::npos;
};

/// Nullopt if the text is something else. Any line ending, re-wrapped first line, any case.
[[nodiscard]] std::optional<PlainFailure> find_plain_failure(std::string_view text);

}  // namespace dmarcbox::schema
