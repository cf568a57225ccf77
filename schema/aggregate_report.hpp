#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/finding.hpp"

namespace dmarcbox::schema {

/// SHA-256, 32 bytes.
using Digest = std::array<std::uint8_t, 32>;

// In all report structs an empty string is an absent value: no column ever holds ''. Strings are
// UTF-8, trimmed, inner white space collapsed, at most max_text_bytes. Times are Unix seconds UTC.

/// Policy override reason: type is the RFC token in lower case, or the text as sent where unknown.
struct OverrideReason {
    std::string type;
    std::string comment;
};

struct DkimAuthResult {
    std::string domain;
    std::string selector;
    std::string result;
    std::string human_result;
};

struct SpfAuthResult {
    std::string domain;
    std::string scope;
    std::string result;
    std::string human_result;
};

/// A (d=, s=) pair; the selector may be empty where the reporter gives none. Domain in lower case.
struct SigningKey {
    std::string domain;
    std::string selector;
    friend auto operator<=>(const SigningKey&, const SigningKey&) = default;
};

/// What a record shows about who sent the mail, as far as it can be told without other reports.
/// The store settles `own_failed_keys` against keys seen passing (own-signature-broken), else keeps
/// `token`.
struct Evidence {
    std::string token;                        ///< schema/README.md lists the tokens
    bool final = true;                        ///< false: own_failed_keys decide first
    bool foreign_pass = false;                ///< a DKIM or SPF result of another domain passes
    std::vector<SigningKey> own_failed_keys;  ///< own DKIM fail, neutral or policy
};

/// One record element (RFC 7489 appendix C, RFC 9990). `dkim` and `spf` are the aligned results.
struct AggregateRecord {
    std::string
        source_ip;  ///< canonical text (RFC 5952, IPv4-mapped as IPv4), or as sent if no address
    std::int64_t count = 0;
    std::string disposition;
    std::string dkim;
    std::string spf;
    std::string header_from;
    std::string envelope_from;  ///< `<>` where present and empty
    std::string envelope_to;
    std::vector<OverrideReason> reasons;
    std::vector<DkimAuthResult> dkim_results;
    std::vector<SpfAuthResult> spf_results;
    Evidence evidence;

    [[nodiscard]] bool passed() const { return dkim == "pass" || spf == "pass"; }
};

/// An aggregate report; members carry the column names of table aggregate_reports.
struct AggregateReport {
    std::string org_name;
    std::string org_email;
    std::string extra_contact_info;
    std::string report_id;
    std::optional<std::int64_t> begin_at;
    std::optional<std::int64_t> end_at;
    std::string domain;  ///< lower case, no final dot
    std::string adkim;
    std::string aspf;
    std::string p;
    std::string sp;
    std::string np;
    std::optional<std::int64_t> pct;
    std::string fo;
    std::string testing;  ///< y or n
    std::string discovery_method;
    std::string version;
    std::string xml_namespace;
    std::string generator;
    std::string errors;             ///< several joined by newline
    std::int64_t record_count = 0;  ///< record elements, skipped null records included
    std::vector<AggregateRecord> records;
    std::vector<SigningKey> passing_keys;  ///< own keys that pass in this report, sorted, each once
    Digest content_sha256{};
    Findings findings;

    /// Sum of `count` over records; cannot overflow, since a count is at most 10^12 and records are
    /// capped.
    [[nodiscard]] std::int64_t message_count() const;
};

}  // namespace dmarcbox::schema
