#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "schema/date_time.hpp"
#include "storage/submission.hpp"

namespace dmarcbox::test {
namespace submission_text {

/// One line per value: control characters are escaped, so that a golden file stays text.
class Writer {
  public:
    void line(int depth, std::string_view text) {
        out_.append(static_cast<std::size_t>(depth) * 2, ' ');
        for (const char c : text) {
            constexpr std::string_view kHex = "0123456789abcdef";
            const auto byte = static_cast<unsigned char>(c);
            if (c == '\r') {
                continue;  // folds are CRLF or LF as the mail was carried
            }
            if (byte < 0x20 || byte == 0x7f) {
                out_ += c == '\n' ? "\\n" : "\\x";
                if (c != '\n') {
                    out_ += kHex[byte >> 4U];
                    out_ += kHex[byte & 15U];
                }
            } else {
                out_ += c;
            }
        }
        out_ += '\n';
    }
    void value(int depth, std::string_view name, std::string_view text) {
        if (!text.empty()) {
            line(depth, std::string(name) + ": " + std::string(text));
        }
    }
    void number(int depth, std::string_view name, std::optional<std::int64_t> number) {
        if (number) {
            value(depth, name, std::to_string(*number));
        }
    }
    void time(int depth, std::string_view name, std::optional<std::int64_t> time) {
        if (time) {
            value(depth, name, schema::format_utc(*time));
        }
    }
    void hash(int depth, const schema::Digest& digest) {
        constexpr std::string_view kHex = "0123456789abcdef";
        std::string text;
        for (std::size_t i = 0; i < 8; ++i) {
            text += kHex[digest.at(i) >> 4U];
            text += kHex[digest.at(i) & 15U];
        }
        value(depth, "content_sha256", text);
    }
    void findings(int depth, const schema::Findings& findings) {
        for (const auto& finding : findings) {
            std::string text = finding.code.fault ? "FAULT " : "finding ";
            text.append(finding.code.stage).append(" ").append(finding.code.code);
            text += finding.part.empty() ? "" : " in " + finding.part;
            text += finding.detail.empty() ? "" : ": " + finding.detail;
            line(depth, text);
        }
    }
    [[nodiscard]] std::string take() { return std::move(out_); }

  private:
    std::string out_;
};

inline std::string or_dash(const std::string& text) {
    return text.empty() ? "-" : text;
}

inline void write(Writer& out, const schema::AggregateRecord& record) {
    out.line(1, "record " + or_dash(record.source_ip) + " count " + std::to_string(record.count) +
                    " disposition " + or_dash(record.disposition) + " dkim " +
                    or_dash(record.dkim) + " spf " + or_dash(record.spf) + " evidence " +
                    or_dash(record.evidence.token) + (record.evidence.final ? "" : " (open)"));
    out.value(2, "header_from", record.header_from);
    out.value(2, "envelope_from", record.envelope_from);
    out.value(2, "envelope_to", record.envelope_to);
    for (const auto& reason : record.reasons) {
        out.line(2, "reason " + or_dash(reason.type) +
                        (reason.comment.empty() ? "" : ": " + reason.comment));
    }
    for (const auto& dkim : record.dkim_results) {
        out.line(2, "dkim " + or_dash(dkim.domain) + " " + or_dash(dkim.selector) + " " +
                        or_dash(dkim.result) +
                        (dkim.human_result.empty() ? "" : ": " + dkim.human_result));
    }
    for (const auto& spf : record.spf_results) {
        out.line(2, "spf " + or_dash(spf.domain) + " " + or_dash(spf.scope) + " " +
                        or_dash(spf.result) +
                        (spf.human_result.empty() ? "" : ": " + spf.human_result));
    }
}

inline void write(Writer& out, const schema::AggregateReport& report) {
    out.line(0, "aggregate report");
    out.value(1, "org_name", report.org_name);
    out.value(1, "org_email", report.org_email);
    out.value(1, "extra_contact_info", report.extra_contact_info);
    out.value(1, "report_id", report.report_id);
    out.time(1, "begin_at", report.begin_at);
    out.time(1, "end_at", report.end_at);
    out.value(1, "domain", report.domain);
    out.value(1, "adkim", report.adkim);
    out.value(1, "aspf", report.aspf);
    out.value(1, "p", report.p);
    out.value(1, "sp", report.sp);
    out.value(1, "np", report.np);
    out.number(1, "pct", report.pct);
    out.value(1, "fo", report.fo);
    out.value(1, "testing", report.testing);
    out.value(1, "discovery_method", report.discovery_method);
    out.value(1, "version", report.version);
    out.value(1, "namespace", report.xml_namespace);
    out.value(1, "generator", report.generator);
    out.value(1, "errors", report.errors);
    out.number(1, "record_count", report.record_count);
    out.number(1, "message_count", report.message_count());
    out.hash(1, report.content_sha256);
    out.findings(1, report.findings);
    for (const auto& record : report.records) {
        write(out, record);
    }
}

inline void write(Writer& out, const schema::FailureReport& report) {
    out.line(0, "failure report");
    out.value(1, "feedback_type", report.feedback_type);
    out.value(1, "auth_failure", report.auth_failure);
    out.value(1, "delivery_result", report.delivery_result);
    out.value(1, "identity_alignment", report.identity_alignment);
    out.time(1, "arrived_at", report.arrived_at);
    out.value(1, "source_ip", report.source_ip);
    out.number(1, "source_port", report.source_port);
    out.value(1, "reporting_mta", report.reporting_mta);
    out.value(1, "reported_domain", report.reported_domain);
    out.value(1, "original_mail_from", report.original_mail_from);
    out.value(1, "original_rcpt_to", report.original_rcpt_to);
    out.value(1, "dkim_domain", report.dkim_domain);
    out.value(1, "dkim_selector", report.dkim_selector);
    out.value(1, "dkim_identity", report.dkim_identity);
    out.value(1, "authentication_results", report.authentication_results);
    out.number(1, "incidents", report.incidents);
    out.value(1, "user_agent", report.user_agent);
    out.value(1, "sample_from", report.sample_from);
    out.value(1, "sample_to", report.sample_to);
    out.value(1, "sample_subject", report.sample_subject);
    out.time(1, "sample_date_at", report.sample_date_at);
    out.value(1, "sample_message_id", report.sample_message_id);
    out.hash(1, report.content_sha256);
    out.findings(1, report.findings);
    for (const auto& field : report.fields) {
        out.line(1, "field " + field.name + ": " + field.value);
    }
    for (const auto& header : report.headers) {
        out.line(1, "header " + header.name + ": " + header.value);
    }
}

inline void write(Writer& out, const schema::TlsReport& report) {
    out.line(0, "TLS report");
    out.value(1, "org_name", report.org_name);
    out.value(1, "contact_info", report.contact_info);
    out.value(1, "report_id", report.report_id);
    out.time(1, "begin_at", report.begin_at);
    out.time(1, "end_at", report.end_at);
    out.hash(1, report.content_sha256);
    out.findings(1, report.findings);
    for (const auto& policy : report.policies) {
        out.line(1, "policy " + or_dash(policy.policy_type) + " " + or_dash(policy.policy_domain) +
                        " success " + std::to_string(policy.success_count) + " failure " +
                        std::to_string(policy.failure_count));
        out.value(2, "policy_string", policy.policy_string);
        out.value(2, "mx_host", policy.mx_host);
        for (const auto& failure : policy.failures) {
            out.line(2, "failure " + or_dash(failure.result_type) + " sessions " +
                            std::to_string(failure.failed_session_count));
            out.value(3, "sending_mta_ip", failure.sending_mta_ip);
            out.value(3, "receiving_mx_hostname", failure.receiving_mx_hostname);
            out.value(3, "receiving_mx_helo", failure.receiving_mx_helo);
            out.value(3, "receiving_ip", failure.receiving_ip);
            out.value(3, "additional_information", failure.additional_information);
            out.value(3, "failure_reason_code", failure.failure_reason_code);
        }
    }
}

}  // namespace submission_text

/// A submission as text for people: every value that becomes a column and is not absent, one to a
/// line, times in UTC. Sizes and hashes of the bytes are left out, hashes of reports are in.
[[nodiscard]] inline std::string text_of(const storage::Submission& submission) {
    submission_text::Writer out;
    out.value(0, "outcome", storage::to_string(submission.outcome));
    out.value(0, "detail", submission.detail);
    out.value(0, "header_from", submission.receipt.header_from);
    out.value(0, "subject", submission.receipt.subject);
    out.value(0, "message_id", submission.receipt.message_id);
    out.time(0, "sent_at", submission.receipt.sent_at);
    if (submission.original.reduced) {
        out.line(0, "original reduced");
    }
    out.findings(0, submission.findings);
    for (const auto& report : submission.reports) {
        std::visit([&](const auto& value) { submission_text::write(out, value); }, report);
    }
    return out.take();
}

}  // namespace dmarcbox::test
