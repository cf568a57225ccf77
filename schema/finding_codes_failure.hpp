#pragma once

#include <array>

#include "schema/finding.hpp"

namespace dmarcbox::schema {

/// Stage "failure": reading a feedback report (RFC 5965, RFC 6591, RFC 9991) and its sample.
namespace failure {

/// Feedback of another type than auth-failure: no failure report. Detail: the type.
inline constexpr FindingCode kFeedback{"feedback", "failure", false};
/// The machine-readable part has no field at all.
inline constexpr FindingCode kNoFields{"no_fields", "failure", true};
/// The plain-text form of Exim, cPanel, SpamExperts or MailWatch instead of a feedback report.
inline constexpr FindingCode kPlainTextForm{"plain_text_form", "failure", false};
/// A required field is missing. Detail: its name.
inline constexpr FindingCode kMissingField{"missing_field", "failure", false};
/// A value was taken from the sample, since part 2 has none. Detail: column and source.
inline constexpr FindingCode kDerived{"derived", "failure", false};
/// A field that may be there once is there again; the first is in the column. Detail: its name.
inline constexpr FindingCode kRepeatedField{"repeated_field", "failure", false};
/// Received-Date, the historic name of Arrival-Date, beside it or instead of it.
inline constexpr FindingCode kReceivedDate{"received_date", "failure", false};
/// A date that no reader of mail dates understands, or in a zone that it does not know, left out.
/// Detail: as sent.
inline constexpr FindingCode kBadDate{"bad_date", "failure", false};
/// A date in another form than RFC 5322; without a zone it is read as UTC. Detail: as sent.
inline constexpr FindingCode kOddDate{"odd_date", "failure", false};
/// Version is not 1. Detail: as sent.
inline constexpr FindingCode kOddVersion{"odd_version", "failure", false};
/// Auth-Failure outside RFC 6591 and RFC 9991, kept in lower case. Detail: as sent.
inline constexpr FindingCode kOddAuthFailure{"odd_auth_failure", "failure", false};
/// Delivery-Result outside RFC 6591, kept in lower case. Detail: as sent.
inline constexpr FindingCode kOddDeliveryResult{"odd_delivery_result", "failure", false};
/// Source-IP with brackets, port, zone or a comment, which were dropped. Detail: as sent.
inline constexpr FindingCode kIpForm{"ip_form", "failure", false};
/// Source-IP holds no address; its first word is kept. Detail: as sent.
inline constexpr FindingCode kBadIp{"bad_ip", "failure", false};
/// Source-Port is no port number, left out. Detail: as sent.
inline constexpr FindingCode kBadPort{"bad_port", "failure", false};
/// Incidents is no number, negative or above 10^12, stored as 0. Detail: as sent.
inline constexpr FindingCode kBadCount{"bad_count", "failure", false};
/// The reported message, or its header, is missing (RFC 5965 section 2 d).
inline constexpr FindingCode kNoSample{"no_sample", "failure", false};
/// A value was longer than max_text_bytes. Detail: the field.
inline constexpr FindingCode kCut{"cut", "failure", false};
/// More than max_header_fields fields; the rest is left out. Detail: which part.
inline constexpr FindingCode kTooManyFields{"too_many_fields", "failure", false};
/// More findings than max_findings. Detail: how many more.
inline constexpr FindingCode kMoreFindings{"more_findings", "failure", false};

}  // namespace failure

/// Stage "tls": reading an SMTP TLS report (RFC 8460 section 4.4).
namespace tls {

/// JSON, but without the keys of a TLS report.
inline constexpr FindingCode kNoReport{"no_report", "tls", false};
/// Not JSON. Detail: the parser's message and the offset.
inline constexpr FindingCode kBadJson{"bad_json", "tls", true};
/// Tree and report need more than max_parse_bytes, or there are more than max_records details.
inline constexpr FindingCode kMemory{"memory", "tls", true};
/// The time for this message was over.
inline constexpr FindingCode kTime{"time", "tls", true};
/// Comments or trailing commas, which JSON does not have, were skipped.
inline constexpr FindingCode kJsonExtension{"json_extension", "tls", false};
/// Raw control characters inside strings were read as blanks.
inline constexpr FindingCode kControlCharacter{"control_character", "tls", false};
/// Bytes after the end of the object were left out. Detail: how many.
inline constexpr FindingCode kTrailingBytes{"trailing_bytes", "tls", false};
/// Several reports one behind the other, or an array of one or more, read one by one. Detail: how
/// many.
inline constexpr FindingCode kSeveralReports{"several_reports", "tls", false};
/// A second report behind the first, which could not be told from it: only the first was read.
inline constexpr FindingCode kSecondReport{"second_report", "tls", true};
/// Half a character (`\ud800` alone) was read as U+FFFD.
inline constexpr FindingCode kBadCharacter{"bad_character", "tls", false};
/// A member that RFC 8460 does not have there, left out. Detail: its path.
inline constexpr FindingCode kUnknownField{"unknown_field", "tls", false};
/// A member in upper case or with `_` for `-`, read as meant. Detail: its path.
inline constexpr FindingCode kMisspeltField{"misspelt_field", "tls", false};
/// A required member is missing, null or empty. Detail: its path.
inline constexpr FindingCode kMissingField{"missing_field", "tls", false};
/// A value has another JSON type than the RFC says and was read as meant. Detail: its path.
inline constexpr FindingCode kOddType{"odd_type", "tls", false};
/// An entry that is no object was skipped. Detail: its path.
inline constexpr FindingCode kSkippedEntry{"skipped_entry", "tls", false};
/// policy-type outside RFC 8460, kept in lower case. Detail: as sent.
inline constexpr FindingCode kOddPolicyType{"odd_policy_type", "tls", false};
/// result-type outside RFC 8460 section 4.3, kept in lower case. Detail: as sent.
inline constexpr FindingCode kOddResultType{"odd_result_type", "tls", false};
/// The policy's domain was taken from the TLS-Report-Domain field of the mail.
inline constexpr FindingCode kDomainFromHeader{"domain_from_header", "tls", false};
/// The TLS-Report-Submitter field of the mail is not the domain of contact-info (RFC 8460 section
/// 5.3). Detail: both.
inline constexpr FindingCode kSubmitterDiffers{"submitter_differs", "tls", false};
/// A host or domain name with a final dot, which was dropped. Detail: as sent.
inline constexpr FindingCode kTrailingDot{"trailing_dot", "tls", false};
/// An address with brackets, port, zone or a comment, which were dropped. Detail: as sent.
inline constexpr FindingCode kIpForm{"ip_form", "tls", false};
/// No address; kept as sent. Detail: as sent.
inline constexpr FindingCode kBadIp{"bad_ip", "tls", false};
/// A session count is no number, negative or above 10^12, stored as 0. Detail: path, as sent.
inline constexpr FindingCode kBadCount{"bad_count", "tls", false};
/// total-failure-session-count is missing; the sum of the details stands for it.
inline constexpr FindingCode kMissingTotal{"missing_total", "tls", false};
/// The details do not add up to the total; both are kept as sent. Detail: both numbers.
inline constexpr FindingCode kSumMismatch{"sum_mismatch", "tls", false};
/// A date that is not RFC 3339 and was not understood, left out. Detail: as sent.
inline constexpr FindingCode kBadDate{"bad_date", "tls", false};
/// A date in another form than RFC 3339: in seconds, milliseconds or microseconds, a day alone, a
/// date of mail; without a zone, or in one that is not known, it is read as UTC. Detail: as sent.
inline constexpr FindingCode kOddDate{"odd_date", "tls", false};
/// The range ends before it begins, begins before 2010, or is longer than 31 days.
inline constexpr FindingCode kOddRange{"odd_range", "tls", false};
/// A value was longer than max_text_bytes. Detail: its path.
inline constexpr FindingCode kCut{"cut", "tls", false};
/// More findings than max_findings. Detail: how many more.
inline constexpr FindingCode kMoreFindings{"more_findings", "tls", false};

}  // namespace tls

/// All codes of stage "failure".
inline constexpr std::array kFailureFindingCodes{
    failure::kFeedback,      failure::kNoFields,       failure::kPlainTextForm,
    failure::kMissingField,  failure::kDerived,        failure::kRepeatedField,
    failure::kReceivedDate,  failure::kBadDate,        failure::kOddDate,
    failure::kOddVersion,    failure::kOddAuthFailure, failure::kOddDeliveryResult,
    failure::kIpForm,        failure::kBadIp,          failure::kBadPort,
    failure::kBadCount,      failure::kNoSample,       failure::kCut,
    failure::kTooManyFields, failure::kMoreFindings,
};

/// All codes of stage "tls".
inline constexpr std::array kTlsFindingCodes{
    tls::kNoReport,
    tls::kBadJson,
    tls::kMemory,
    tls::kTime,
    tls::kJsonExtension,
    tls::kControlCharacter,
    tls::kTrailingBytes,
    tls::kSeveralReports,
    tls::kSecondReport,
    tls::kBadCharacter,
    tls::kUnknownField,
    tls::kMisspeltField,
    tls::kMissingField,
    tls::kOddType,
    tls::kSkippedEntry,
    tls::kOddPolicyType,
    tls::kOddResultType,
    tls::kDomainFromHeader,
    tls::kSubmitterDiffers,
    tls::kTrailingDot,
    tls::kIpForm,
    tls::kBadIp,
    tls::kBadCount,
    tls::kMissingTotal,
    tls::kSumMismatch,
    tls::kBadDate,
    tls::kOddDate,
    tls::kOddRange,
    tls::kCut,
    tls::kMoreFindings,
};

}  // namespace dmarcbox::schema
