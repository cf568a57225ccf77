#include "server/ingest_feedback.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "mime/charset.hpp"
#include "mime/finding_codes.hpp"
#include "mime/header.hpp"
#include "mime/header_block.hpp"
#include "schema/finding_list.hpp"
#include "server/finding_codes.hpp"

namespace dmarcbox {
namespace {

constexpr std::string_view kFeedbackType = "message/feedback-report";

std::string_view parent_of(std::string_view section) {
    const std::size_t dot = section.rfind('.');
    return dot == std::string_view::npos ? std::string_view{} : section.substr(0, dot);
}

/// Misspelt names of text/rfc822-headers are seen: singular, or without `-headers`.
bool is_message_or_header(const mime::Part& part) {
    return part.sample || part.media_type == "message/rfc822" ||
           part.media_type == "message/global" || part.media_type == "message/global-headers" ||
           part.media_type.starts_with("text/rfc822");
}

/// What RFC 5965 section 2 d and RFC 6533 name for the third part.
bool is_sample_type(std::string_view type) {
    return type == "message/rfc822" || type == "text/rfc822-headers" || type == "message/global" ||
           type == "message/global-headers";
}

std::string_view skip_empty_lines(std::string_view text) {
    // At the end of all-empty text, not a null view: callers measure where the rest starts.
    return text.substr(std::min(text.find_first_not_of("\r\n"), text.size()));
}

std::vector<schema::HeaderField> header_fields(mime::Header header) {
    std::vector<schema::HeaderField> fields;
    fields.reserve(header.fields.size());
    for (auto& field : header.fields) {
        std::string raw = mime::is_utf8(field.raw) && field.raw.find('\0') == std::string::npos
                              ? std::move(field.raw)
                              : mime::guess_utf8(field.raw);
        fields.push_back({std::move(field.name), std::move(field.value), std::move(raw)});
    }
    return fields;
}

void parse(schema::FailureParts parts,
           mime::Findings found,
           const std::string& section,
           const Limits& limits,
           Reading& reading) {
    if (reading.memory > limits.max_parse_bytes) {
        reading.add(schema::make_finding(finding::kMemory), section);
        return;
    }
    auto report = schema::parse_failure(std::move(parts), limits.schema());
    if (!report) {
        reading.add(std::move(report.error()), section);
        return;
    }
    for (auto& finding : found) {
        report->findings.push_back({{finding.code.code, finding.code.stage, finding.code.fault},
                                    finding.part.empty() ? section : finding.part,
                                    std::move(finding.detail)});
    }
    reading.add(std::move(*report), section);
}

}  // namespace

std::vector<FeedbackGroup> find_feedback(const std::vector<mime::Part>& parts) {
    std::vector<FeedbackGroup> groups;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (parts[i].media_type != kFeedbackType) {
            continue;
        }
        FeedbackGroup group{i, std::nullopt};
        for (std::size_t j = i + 1; j < parts.size(); ++j) {
            if (parent_of(parts[j].section) != parent_of(parts[i].section)) {
                continue;
            }
            if (parts[j].media_type == kFeedbackType) {
                break;
            }
            if (is_message_or_header(parts[j])) {
                group.sample = j;
                break;
            }
        }
        groups.push_back(group);
    }
    return groups;
}

std::string_view sample_header(std::string_view content, const Limits& limits) {
    content = skip_empty_lines(content);
    if (content.starts_with("From ") || content.starts_with(">From ")) {
        const std::size_t end = content.find('\n');
        content.remove_prefix(end == std::string_view::npos ? content.size() : end + 1);
    }
    return content.substr(
        0, mime::scan_header(content, limits.max_header_bytes, limits.max_header_fields).text_size);
}

void read_feedback(const std::vector<mime::Part>& parts,
                   const FeedbackGroup& group,
                   const Limits& limits,
                   Reading& reading) {
    const mime::Part& machine = parts[group.fields];
    mime::Header fields = mime::parse_header(skip_empty_lines(machine.content), limits.mime());
    mime::Findings found = std::move(fields.findings);
    if (machine.report_type != "feedback-report") {
        mime::add_finding(found, mime::kNotMultipartReport, machine.section, machine.report_type);
    }

    schema::FailureParts failure;
    failure.fields = header_fields(std::move(fields));
    failure.fields_text = machine.content;
    if (group.sample) {
        const mime::Part& sample = parts[*group.sample];
        if (!is_sample_type(sample.media_type)) {
            mime::add_finding(found, mime::kOddMediaType, sample.section, sample.media_type);
        }
        failure.headers_text = sample_header(sample.content, limits);
        mime::Header headers = mime::parse_header(failure.headers_text, limits.mime());
        for (auto& finding : headers.findings) {
            finding.part = sample.section;
            found.push_back(std::move(finding));
        }
        failure.headers = header_fields(std::move(headers));
    }
    parse(std::move(failure), std::move(found), machine.section, limits, reading);
}

void read_plain_failure(schema::PlainFailure plain,
                        std::string_view text,
                        const std::string& part,
                        const Limits& limits,
                        Reading& reading) {
    schema::FailureParts failure;
    failure.plain_text = true;
    failure.fields = std::move(plain.fields);
    failure.headers_text = sample_header(plain.headers_text, limits);
    mime::Header headers = mime::parse_header(failure.headers_text, limits.mime());
    mime::Findings found = std::move(headers.findings);
    failure.headers = header_fields(std::move(headers));
    failure.fields_text =
        text.substr(0, text.size() - std::min(text.size(), plain.headers_text.size()));
    parse(std::move(failure), std::move(found), part, limits, reading);
}

}  // namespace dmarcbox
