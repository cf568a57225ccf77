#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "schema/tls_parser.hpp"
#include "tests/fuzz/report_limits.hpp"

namespace {

using namespace dmarcbox;

constexpr schema::Limits kLimits{.max_parse_bytes = std::size_t{1} << 20U,
                                 .max_text_bytes = 256,
                                 .max_records = 100,
                                 .max_header_fields = 100,
                                 .max_findings = 10};

constexpr std::int64_t kEndOfTime = 253'402'300'799;  // year 9999

void check(const schema::TlsPolicy& policy) {
    for (const auto& text :
         {policy.policy_type, policy.policy_domain, policy.policy_string, policy.mx_host}) {
        fuzz::require_text(text, kLimits);
    }
    fuzz::require(!policy.mx_host.ends_with('.') && policy.mx_host.find(".\n") == std::string::npos,
                  "hosts have no final dot");
    fuzz::require(policy.success_count >= 0 && policy.failure_count >= 0, "counts are counts");
    for (const auto& failure : policy.failures) {
        for (const auto& text :
             {failure.result_type, failure.sending_mta_ip, failure.receiving_mx_hostname,
              failure.receiving_mx_helo, failure.receiving_ip, failure.additional_information,
              failure.failure_reason_code}) {
            fuzz::require_text(text, kLimits);
        }
        fuzz::require(failure.failed_session_count >= 0, "counts are counts");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string json =
        schema::replace_bad_utf8(std::string_view(reinterpret_cast<const char*>(data), size));
    static_cast<void>(schema::looks_like_tls(json));
    std::size_t end = 0;
    for (const auto piece : schema::split_tls(json)) {
        const auto begin = static_cast<std::size_t>(piece.data() - json.data());
        fuzz::require(begin >= end && begin + piece.size() <= json.size(),
                      "pieces are in order and in the text");
        end = begin + piece.size();
    }
    const auto report = schema::parse_tls(json, "example.org", kLimits, {});
    const auto again = schema::parse_tls(json, "example.org", kLimits, {});
    fuzz::require(report.has_value() == again.has_value(), "the same text, the same result");
    if (!report) {
        return 0;
    }
    fuzz::require(report->content_sha256 == again->content_sha256, "the same text, the same hash");
    for (const auto& text : {report->org_name, report->contact_info, report->report_id}) {
        fuzz::require_text(text, kLimits);
    }
    for (const auto& time : {report->begin_at, report->end_at}) {
        fuzz::require(!time || (*time >= -kEndOfTime && *time <= kEndOfTime),
                      "times can be reckoned with");
    }
    std::size_t failures = 0;
    for (const auto& policy : report->policies) {
        failures += policy.failures.size();
        check(policy);
    }
    fuzz::require(report->policies.size() <= kLimits.max_records && failures <= kLimits.max_records,
                  "policies and failures are within their cap");
    fuzz::require_findings(report->findings, kLimits);
    return 0;
}
