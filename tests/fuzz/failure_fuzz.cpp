#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "schema/failure_parser.hpp"
#include "tests/fuzz/report_limits.hpp"

namespace {

using namespace dmarcbox;

constexpr schema::Limits kLimits{.max_parse_bytes = std::size_t{1} << 20U,
                                 .max_text_bytes = 64,
                                 .max_records = 1000,
                                 .max_header_fields = 20,
                                 .max_findings = 5};

void check(const schema::FailureParts& parts) {
    const auto report = schema::parse_failure(parts, kLimits);
    const auto again = schema::parse_failure(parts, kLimits);
    fuzz::require(report.has_value() == again.has_value(), "the same fields, the same result");
    if (!report) {
        return;
    }
    fuzz::require(report->content_sha256 == again->content_sha256,
                  "the same fields, the same hash");
    for (const auto& text :
         {report->feedback_type, report->auth_failure, report->delivery_result,
          report->identity_alignment, report->source_ip, report->reporting_mta,
          report->reported_domain, report->original_mail_from, report->original_rcpt_to,
          report->dkim_domain, report->dkim_selector, report->dkim_identity,
          report->authentication_results, report->user_agent, report->sample_from,
          report->sample_to, report->sample_subject, report->sample_message_id}) {
        fuzz::require_text(text, kLimits);
    }
    fuzz::require(report->incidents >= 0, "incidents are a count");
    fuzz::require(
        !report->source_port || (*report->source_port >= 0 && *report->source_port <= 65535),
        "a port is a port");
    fuzz::require(report->fields.size() <= kLimits.max_header_fields &&
                      report->headers.size() <= kLimits.max_header_fields,
                  "fields are within their cap");
    fuzz::require_findings(report->findings, kLimits);
}

/// `name:value` lines; those behind an empty line are the sample's.
schema::FailureParts parts_of(std::string_view text) {
    schema::FailureParts parts;
    bool sample = false;
    for (std::size_t at = 0; at < text.size();) {
        const auto line = text.substr(at, text.find('\n', at) - at);
        const auto colon = line.find(':');
        sample = sample || line.empty();
        if (colon != std::string_view::npos) {
            const std::string value(line.substr(colon + 1));
            (sample ? parts.headers : parts.fields)
                .push_back({std::string(line.substr(0, colon)), value, value});
        }
        at += line.size() + 1;
    }
    return parts;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string text =
        schema::replace_bad_utf8(std::string_view(reinterpret_cast<const char*>(data), size));
    std::replace(text.begin(), text.end(), '\0', ' ');  // as mime hands fields on
    if (const auto plain = schema::find_plain_failure(text)) {
        fuzz::require(plain->copy_begin == std::string_view::npos ||
                          (plain->copy_begin <= plain->copy_end && plain->copy_end <= text.size()),
                      "the copy of the headers is in the text");
        check({plain->fields, {}, {}, plain->headers_text, true});
    }
    check(parts_of(text));
    return 0;
}
