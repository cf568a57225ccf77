#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schema/aggregate_report.hpp"
#include "schema/finding.hpp"

namespace dmarcbox::schema {

/// A header field, decoded.
struct HeaderField {
    std::string name;
    std::string value;  ///< unfolded, UTF-8
    std::string raw;    ///< as sent after the colon, folds kept
};

/// A DMARC failure report (RFC 6591, RFC 9991); members carry the column names of table
/// failure_reports.
struct FailureReport {
    std::string feedback_type;
    std::string auth_failure;
    std::string delivery_result;
    std::string identity_alignment;
    std::optional<std::int64_t> arrived_at;
    std::string source_ip;
    std::optional<std::int64_t> source_port;
    std::string reporting_mta;
    std::string reported_domain;
    std::string original_mail_from;
    std::string original_rcpt_to;
    std::string dkim_domain;
    std::string dkim_selector;
    std::string dkim_identity;
    std::string authentication_results;
    std::int64_t incidents = 1;
    std::string user_agent;
    std::string sample_from;
    std::string sample_to;
    std::string sample_subject;
    std::optional<std::int64_t> sample_date_at;
    std::string sample_message_id;
    std::vector<HeaderField>
        fields;  ///< of the machine-readable part, in order, repeated ones kept
    std::vector<HeaderField> headers;  ///< of the sample, in order
    Digest content_sha256{};           ///< part 2 and the sample's header as sent
    Findings findings;
};

}  // namespace dmarcbox::schema
