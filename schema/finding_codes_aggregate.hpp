#pragma once

#include <array>

#include "schema/finding.hpp"

namespace dmarcbox::schema {

/// Stage "xml": from text to elements.
namespace xml {

/// Well enough formed, but the root is no `feedback`. Detail: the root.
inline constexpr FindingCode kNoReport{"no_report", "xml", false};
/// Not XML, not even after repair; a truncated report too. Detail: what and at which byte.
inline constexpr FindingCode kNotWellFormed{"not_well_formed", "xml", true};
/// Tree and report need more than max_parse_bytes.
inline constexpr FindingCode kMemory{"memory", "xml", true};
/// The time for this message was over.
inline constexpr FindingCode kTime{"time", "xml", true};
/// Control characters or NUL bytes, which XML does not allow, were read as blanks.
inline constexpr FindingCode kControlCharacter{"control_character", "xml", false};
/// `&` that begins no reference of XML was read as text. Detail: what follows it.
inline constexpr FindingCode kRawAmpersand{"raw_ampersand", "xml", false};
/// `<` that begins no element was read as text. Detail: what follows it.
inline constexpr FindingCode kRawLessThan{"raw_less_than", "xml", false};
/// A document type declaration, of which nothing was read or expanded.
inline constexpr FindingCode kDoctype{"doctype", "xml", false};
/// Text before the report, or anything before the XML declaration. Detail: its beginning.
inline constexpr FindingCode kTextBeforeRoot{"text_before_root", "xml", false};
/// Text or loose markup behind the report. Detail: its beginning.
inline constexpr FindingCode kTextAfterRoot{"text_after_root", "xml", false};
/// The report stands inside another element, which may be unclosed. Detail: that element.
inline constexpr FindingCode kWrapped{"wrapped", "xml", false};
/// A root element beside the report, left out. Detail: its name.
inline constexpr FindingCode kSecondRoot{"second_root", "xml", false};
/// Several reports in one document, read one by one. Detail: how many.
inline constexpr FindingCode kSeveralReports{"several_reports", "xml", false};
/// A second report in the same document, which could not be told from the first: only the first was
/// read.
inline constexpr FindingCode kSecondReport{"second_report", "xml", true};
/// References to characters that XML does not allow, such as `&#0;`, were read as U+FFFD. Detail:
/// the reference.
inline constexpr FindingCode kBadCharacter{"bad_character", "xml", false};

}  // namespace xml

/// Stage "aggregate": from elements to a report (RFC 7489 appendix C, RFC 9990).
namespace aggregate {

/// An element that no version of the format has there, left out. Detail: its path.
inline constexpr FindingCode kUnknownElement{"unknown_element", "aggregate", false};
/// An element under another name than the format's, read as meant. Detail: the name.
inline constexpr FindingCode kMisspeltElement{"misspelt_element", "aggregate", false};
/// An element that may be there once is there again; the first counts. Detail: its path.
inline constexpr FindingCode kRepeatedElement{"repeated_element", "aggregate", false};
/// A required element is missing or empty. Detail: its path.
inline constexpr FindingCode kMissingElement{"missing_element", "aggregate", false};
/// A DKIM or SPF result without any value, left out. Detail: its path.
inline constexpr FindingCode kEmptyResult{"empty_result", "aggregate", false};
/// Text between elements, left out. Detail: the element around it.
inline constexpr FindingCode kStrayText{"stray_text", "aggregate", false};
/// The report has no record element.
inline constexpr FindingCode kNoRecords{"no_records", "aggregate", false};
/// A record without source address and without messages, counted but not kept.
inline constexpr FindingCode kNullRecord{"null_record", "aggregate", false};
/// A record with messages but without source address.
inline constexpr FindingCode kNoSourceIp{"no_source_ip", "aggregate", false};
/// source_ip with brackets, zone, port, leading zeros or a comment, which were dropped. Detail: as
/// sent.
inline constexpr FindingCode kIpForm{"ip_form", "aggregate", false};
/// source_ip is no address, or several, kept as sent. Detail: as sent.
inline constexpr FindingCode kBadIp{"bad_ip", "aggregate", false};
/// count is no number, negative or above 10^12, stored as 0. Detail: as sent.
inline constexpr FindingCode kBadCount{"bad_count", "aggregate", false};
/// begin or end is no time, left out. Detail: as sent.
inline constexpr FindingCode kBadTime{"bad_time", "aggregate", false};
/// begin or end with a fraction, which was cut. Detail: as sent.
inline constexpr FindingCode kTimeFraction{"time_fraction", "aggregate", false};
/// begin or end in milliseconds. Detail: as sent.
inline constexpr FindingCode kTimeMilliseconds{"time_milliseconds", "aggregate", false};
/// begin or end as ISO 8601 date. Detail: as sent.
inline constexpr FindingCode kTimeIso8601{"time_iso8601", "aggregate", false};
/// pct is no number from 0 to 100; left out if no number. Detail: as sent.
inline constexpr FindingCode kBadPct{"bad_pct", "aggregate", false};
/// An enumerated value with upper-case letters. Detail: as sent.
inline constexpr FindingCode kUpperCase{"upper_case", "aggregate", false};
/// A known synonym was mapped (hardfail: fail, unknown: temperror, error: permerror, relaxed: r,
/// yes: y ...). Detail: as sent.
inline constexpr FindingCode kSynonym{"synonym", "aggregate", false};
/// p, sp or np outside the RFCs, kept in lower case. Detail: as sent.
inline constexpr FindingCode kOddPolicy{"odd_policy", "aggregate", false};
/// adkim or aspf outside the RFCs, kept in lower case. Detail: as sent.
inline constexpr FindingCode kOddAlignmentMode{"odd_alignment_mode", "aggregate", false};
/// testing is neither y nor n, left out. Detail: as sent.
inline constexpr FindingCode kOddTesting{"odd_testing", "aggregate", false};
/// discovery_method outside RFC 9990, kept in lower case. Detail: as sent.
inline constexpr FindingCode kOddDiscoveryMethod{"odd_discovery_method", "aggregate", false};
/// disposition outside the RFCs, kept in lower case. Detail: as sent.
inline constexpr FindingCode kOddDisposition{"odd_disposition", "aggregate", false};
/// Disposition `pass` in a report that shows nothing else of RFC 9990, which brought it.
inline constexpr FindingCode kEarlyPass{"early_pass", "aggregate", false};
/// policy_evaluated dkim or spf is neither pass nor fail, kept in lower case. Detail: as sent.
inline constexpr FindingCode kOddEvaluation{"odd_evaluation", "aggregate", false};
/// DKIM result outside the RFCs, kept in lower case. Detail: as sent.
inline constexpr FindingCode kOddDkimResult{"odd_dkim_result", "aggregate", false};
/// SPF result outside the RFCs, kept in lower case. Detail: as sent.
inline constexpr FindingCode kOddSpfResult{"odd_spf_result", "aggregate", false};
/// SPF scope outside the RFCs, kept in lower case. Detail: as sent.
inline constexpr FindingCode kOddScope{"odd_scope", "aggregate", false};
/// Override reason outside the RFCs, kept as sent. Detail: as sent.
inline constexpr FindingCode kOddReason{"odd_reason", "aggregate", false};
/// The reason's type as text of `reason` itself. Detail: as sent.
inline constexpr FindingCode kReasonText{"reason_text", "aggregate", false};
/// A reason without type and comment, left out.
inline constexpr FindingCode kEmptyReason{"empty_reason", "aggregate", false};
/// A domain written `NULL`, read as absent. Detail: the element.
inline constexpr FindingCode kNullDomain{"null_domain", "aggregate", false};
/// An address where a domain belongs: its domain was read. Detail: the element.
inline constexpr FindingCode kAddressForDomain{"address_for_domain", "aggregate", false};
/// An address where a domain belongs, but no domain in it: read as absent. Detail: as sent.
inline constexpr FindingCode kBadDomain{"bad_domain", "aggregate", false};
/// A domain with dots behind it, which were dropped. Detail: the element.
inline constexpr FindingCode kTrailingDot{"trailing_dot", "aggregate", false};
/// An element of the format's name in a namespace of its own, beside one of the report's or where
/// the format has none: an extension, left out. Detail: its path.
inline constexpr FindingCode kForeignElement{"foreign_element", "aggregate", false};
/// Elements of the format in another namespace than the report's, which has none of that name
/// there: read as meant. Detail: the namespace.
inline constexpr FindingCode kOddNamespace{"odd_namespace", "aggregate", false};
/// count with a fraction of zero. Detail: as sent.
inline constexpr FindingCode kCountFraction{"count_fraction", "aggregate", false};
/// begin or end as a date of mail (RFC 5322). Detail: as sent.
inline constexpr FindingCode kTimeMailDate{"time_mail_date", "aggregate", false};
/// begin or end in microseconds. Detail: as sent.
inline constexpr FindingCode kTimeMicroseconds{"time_microseconds", "aggregate", false};
/// A value was longer than max_text_bytes. Detail: its path.
inline constexpr FindingCode kCut{"cut", "aggregate", false};
/// More than max_records record elements.
inline constexpr FindingCode kTooManyRecords{"too_many_records", "aggregate", true};
/// More findings than max_findings. Detail: how many more.
inline constexpr FindingCode kMoreFindings{"more_findings", "aggregate", false};

}  // namespace aggregate

/// All codes of stage "xml".
inline constexpr std::array kXmlFindingCodes{
    xml::kNoReport,         xml::kNotWellFormed, xml::kMemory,       xml::kTime,
    xml::kControlCharacter, xml::kRawAmpersand,  xml::kRawLessThan,  xml::kDoctype,
    xml::kTextBeforeRoot,   xml::kTextAfterRoot, xml::kWrapped,      xml::kSecondRoot,
    xml::kSeveralReports,   xml::kSecondReport,  xml::kBadCharacter,
};

/// All codes of stage "aggregate".
inline constexpr std::array kAggregateFindingCodes{
    aggregate::kUnknownElement,
    aggregate::kMisspeltElement,
    aggregate::kRepeatedElement,
    aggregate::kMissingElement,
    aggregate::kEmptyResult,
    aggregate::kStrayText,
    aggregate::kNoRecords,
    aggregate::kNullRecord,
    aggregate::kNoSourceIp,
    aggregate::kIpForm,
    aggregate::kBadIp,
    aggregate::kBadCount,
    aggregate::kBadTime,
    aggregate::kTimeFraction,
    aggregate::kTimeMilliseconds,
    aggregate::kTimeIso8601,
    aggregate::kBadPct,
    aggregate::kUpperCase,
    aggregate::kSynonym,
    aggregate::kOddPolicy,
    aggregate::kOddAlignmentMode,
    aggregate::kOddTesting,
    aggregate::kOddDiscoveryMethod,
    aggregate::kOddDisposition,
    aggregate::kEarlyPass,
    aggregate::kOddEvaluation,
    aggregate::kOddDkimResult,
    aggregate::kOddSpfResult,
    aggregate::kOddScope,
    aggregate::kOddReason,
    aggregate::kReasonText,
    aggregate::kEmptyReason,
    aggregate::kNullDomain,
    aggregate::kAddressForDomain,
    aggregate::kBadDomain,
    aggregate::kTrailingDot,
    aggregate::kForeignElement,
    aggregate::kOddNamespace,
    aggregate::kCountFraction,
    aggregate::kTimeMailDate,
    aggregate::kTimeMicroseconds,
    aggregate::kCut,
    aggregate::kTooManyRecords,
    aggregate::kMoreFindings,
};

}  // namespace dmarcbox::schema
