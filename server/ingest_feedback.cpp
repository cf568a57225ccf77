#include "server/ingest_feedback.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <unordered_map>
#include <utility>

#include "mime/charset.hpp"
#include "mime/finding_codes.hpp"
#include "mime/header.hpp"
#include "mime/header_block.hpp"
#include "mime/lines.hpp"
#include "mime/sniff.hpp"
#include "schema/finding_list.hpp"
#include "server/finding_codes.hpp"

namespace dmarcbox {
namespace {

constexpr std::string_view kFeedbackType = "message/feedback-report";
/// Field blocks of a machine-readable part that are read.
constexpr std::size_t kMaxBlocks = 16;

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

/// Bytes that a text column cannot hold as `\xNN`; in such a field a backslash too, so that the
/// bytes can be had again from it.
std::string escaped(std::string_view raw) {
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string out;
    for (const char c : raw) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x80 || c == '\0' || c == '\\') {
            out += "\\x";
            out += kHex[byte >> 4U];
            out += kHex[byte & 15U];
        } else {
            out += c;
        }
    }
    return out;
}

mime::HeaderBlock scan(std::string_view text, const Limits& limits) {
    return mime::scan_header(text, limits.max_header_bytes, limits.max_header_fields);
}

std::vector<schema::HeaderField> header_fields(mime::Header header) {
    std::vector<schema::HeaderField> fields;
    fields.reserve(header.fields.size());
    for (auto& field : header.fields) {
        std::string raw = mime::is_utf8(field.raw) && field.raw.find('\0') == std::string::npos
                              ? std::move(field.raw)
                              : escaped(field.raw);
        fields.push_back({std::move(field.name), std::move(field.value), std::move(raw)});
    }
    return fields;
}

/// What raw bytes in the sample's header may be written in: what the part says, else the sample.
std::string charset_of(const mime::Part& part, std::string_view header, const Limits& limits) {
    const auto says_something = [](std::string_view charset) {
        return !charset.empty() && charset != "us-ascii" && charset != "utf-8";
    };
    if (says_something(part.charset) || mime::is_utf8(header)) {
        return part.charset;
    }
    const mime::Header fields = mime::parse_header(header, limits.mime());
    const mime::Field* type = fields.find("content-type");
    return type == nullptr ? std::string{}
                           : std::string(mime::parse_parameterized(type->raw).parameter("charset"));
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

/// For each part the index of the attached mail it belongs to, or parts.size().
std::vector<std::size_t> attached_mails(const std::vector<mime::Part>& parts) {
    std::vector<std::size_t> mails(parts.size(), parts.size());
    std::unordered_map<std::string_view, std::size_t> index;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        for (auto above = parent_of(parts[i].section); !above.empty(); above = parent_of(above)) {
            if (const auto found = index.find(above); found != index.end()) {
                mails[i] = found->second;
                break;
            }
        }
        index.emplace(parts[i].section, i);
    }
    return mails;
}

/// A report of another kind that somebody labelled as feedback.
bool is_document(const mime::Part& part) {
    const mime::ContentKind kind = mime::sniff(part.content);
    return kind == mime::ContentKind::gzip || kind == mime::ContentKind::zip ||
           mime::trim_blanks(std::string_view(part.content).substr(0, 64)).starts_with('<');
}

/// The machine-readable part under another media type: in a multipart/report that says what it is,
/// or a part of nothing but the fields.
bool is_mislabelled_feedback(const std::vector<mime::Part>& parts,
                             std::size_t index,
                             const Limits& limits) {
    const mime::Part& part = parts[index];
    if (part.sample || std::any_of(parts.begin(), parts.end(), [](const auto& other) {
            return other.media_type == kFeedbackType;
        })) {
        return false;
    }
    const std::string_view text = mime::skip_blank_lines(part.content);
    const mime::HeaderBlock block = scan(text, limits);
    if (block.garbage_lines > 0 || block.find("feedback-type").empty()) {
        return false;
    }
    return part.report_type == "feedback-report" ||
           (!block.find("version").empty() && !block.find("user-agent").empty() &&
            mime::trim_blanks(text.substr(block.size)).empty());
}

/// Behind the fields, else before them, in the same multipart and between the next such parts; for
/// the only feedback report of a mail, else anywhere in that mail.
std::optional<std::size_t> find_sample(const std::vector<mime::Part>& parts,
                                       const std::vector<std::size_t>& mails,
                                       const std::vector<FeedbackGroup>& groups,
                                       std::size_t fields,
                                       const std::vector<bool>& taken) {
    std::vector<bool> is_fields(parts.size());
    for (const auto& group : groups) {
        is_fields[group.fields] = true;
    }
    const auto may_be = [&](std::size_t i) {
        return !taken[i] && is_message_or_header(parts[i]) && mails[i] == mails[fields];
    };
    const auto beside = [&](std::size_t i) {
        return parent_of(parts[i].section) == parent_of(parts[fields].section);
    };
    for (std::size_t i = fields + 1; i < parts.size() && !(beside(i) && is_fields[i]); ++i) {
        if (beside(i) && may_be(i)) {
            return i;
        }
    }
    for (std::size_t i = fields; i-- > 0 && !(beside(i) && is_fields[i]);) {
        if (beside(i) && may_be(i)) {
            return i;
        }
    }
    const auto in_this_mail = std::count_if(groups.begin(), groups.end(), [&](const auto& group) {
        return mails[group.fields] == mails[fields];
    });
    for (std::size_t i = 0; in_this_mail == 1 && i < parts.size(); ++i) {
        if (may_be(i)) {
            return i;
        }
    }
    return std::nullopt;
}

}  // namespace

std::vector<FeedbackGroup> find_feedback(const std::vector<mime::Part>& parts,
                                         const Limits& limits) {
    const std::vector<std::size_t> mails = attached_mails(parts);
    std::vector<FeedbackGroup> groups;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const bool labelled = parts[i].media_type == kFeedbackType && !is_document(parts[i]);
        if (labelled || is_mislabelled_feedback(parts, i, limits)) {
            groups.push_back({i, std::nullopt});
        }
    }
    std::vector<bool> taken(parts.size());
    for (auto& group : groups) {
        group.sample = find_sample(parts, mails, groups, group.fields, taken);
        if (group.sample) {
            taken[*group.sample] = true;
        }
    }
    return groups;
}

mime::Header feedback_fields(const mime::Part& part, const Limits& limits) {
    std::string_view rest = mime::skip_blank_lines(part.content);
    mime::Header all = mime::parse_header(rest, limits.mime());
    bool continued = false;
    for (std::size_t blocks = 1; blocks < kMaxBlocks; ++blocks) {
        rest.remove_prefix(std::min(scan(rest, limits).size, rest.size()));
        rest = mime::skip_blank_lines(rest);
        const mime::HeaderBlock block = scan(rest, limits);
        if (block.field_count == 0 || block.garbage_lines > 0 || block.no_separator) {
            break;
        }
        continued = true;
        mime::Header more = mime::parse_header(rest, limits.mime());
        std::move(more.fields.begin(), more.fields.end(), std::back_inserter(all.fields));
        std::move(more.findings.begin(), more.findings.end(), std::back_inserter(all.findings));
    }
    if (continued) {
        mime::add_finding(all.findings, mime::kFieldsBehindEmptyLine, part.section);
    }
    return all;
}

std::string_view sample_header(std::string_view content, const Limits& limits) {
    content = mime::skip_blank_lines(content);
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
    mime::Header fields = feedback_fields(machine, limits);
    mime::Findings found = std::move(fields.findings);
    if (machine.media_type != kFeedbackType) {
        mime::add_finding(found, mime::kOddMediaType, machine.section, machine.media_type);
    }
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
        mime::Header headers = mime::parse_header(failure.headers_text, limits.mime(),
                                                  charset_of(sample, failure.headers_text, limits));
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
