#pragma once

#include <array>

#include "schema/finding.hpp"

namespace dmarcbox::finding {

/// Memory ran out while the message was read, or its reports together hold max_parse_bytes.
inline constexpr schema::FindingCode kMemory{"memory", "ingest", true};
/// The CPU time for one message (parse_seconds) was used up; later parts were not read.
inline constexpr schema::FindingCode kTime{"time", "ingest", true};
/// A library failed in a way nobody foresaw. Detail: what it said.
inline constexpr schema::FindingCode kInternal{"internal", "ingest", true};
/// More findings than max_findings. Detail: how many more.
inline constexpr schema::FindingCode kMoreFindings{"more_findings", "ingest", false};
/// The attached file's name is not receiver!domain!begin!end with the domain and times of the
/// report in it (RFC 7489 section 7.2.1.1, RFC 9990). Detail: the name.
inline constexpr schema::FindingCode kOddFileName{"odd_file_name", "ingest", false};
/// The first Authentication-Results field, which a relay in front may have set, says dmarc=fail:
/// the report may be forged (RFC 9990 section 7). Kept and counted; nobody is asked while mail
/// comes in.
inline constexpr schema::FindingCode kDmarcFail{"dmarc_fail", "ingest", false};

/// A mail as a part of another type than message/rfc822, read like an attached one.
inline constexpr schema::FindingCode kMailAsFile{"mail_as_file", "ingest", false};
/// A mail as a file in an archive, read like an attached one.
inline constexpr schema::FindingCode kMailInArchive{"mail_in_archive", "ingest", false};
/// Mails in an archive that are not read: several in one mbox file, or in an archive inside a mail
/// that came out of one. Detail: which.
inline constexpr schema::FindingCode kMailsNotRead{"mails_not_read", "ingest", true};

/// All codes of stage "ingest", for the test that compares them with schema/README.md.
inline constexpr std::array kAll{kMemory,       kTime,          kInternal,
                                 kMoreFindings, kOddFileName,   kDmarcFail,
                                 kMailAsFile,   kMailInArchive, kMailsNotRead};

}  // namespace dmarcbox::finding
