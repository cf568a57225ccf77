#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schema/aggregate_report.hpp"
#include "schema/finding.hpp"

namespace dmarcbox::schema {

struct TlsFailure {
    std::string result_type;
    std::string sending_mta_ip;
    std::string receiving_mx_hostname;
    std::string receiving_mx_helo;
    std::string receiving_ip;
    std::int64_t failed_session_count = 0;
    std::string additional_information;
    std::string failure_reason_code;
};

struct TlsPolicy {
    std::string policy_type;    ///< tlsa, sts, no-policy-found; unknown ones in lower case
    std::string policy_domain;  ///< lower case, no final dot
    std::string policy_string;  ///< several joined by newline
    std::string mx_host;        ///< several joined by newline
    std::int64_t success_count = 0;
    std::int64_t failure_count = 0;
    std::vector<TlsFailure> failures;
};

/// An SMTP TLS report (RFC 8460); members carry the column names of table tls_reports.
struct TlsReport {
    std::string org_name;
    std::string contact_info;
    std::string report_id;
    std::optional<std::int64_t> begin_at;
    std::optional<std::int64_t> end_at;
    std::vector<TlsPolicy> policies;
    Digest content_sha256{};
    Findings findings;
};

}  // namespace dmarcbox::schema
