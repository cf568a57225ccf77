#include "mime/part_collector.hpp"

#include <algorithm>
#include <utility>

#include "mime/content.hpp"
#include "mime/encoded_file.hpp"
#include "mime/finding_codes.hpp"
#include "mime/lines.hpp"
#include "mime/tnef.hpp"

namespace dmarcbox::mime {

namespace {

/// Copies of attached messages may hold this many times the message: each level of nesting would
/// hold the innermost bytes once more.
constexpr std::size_t kCopiesOfMessage = 2;

bool is_feedback_type(std::string_view type) {
    return type == "message/feedback-report";
}

/// Types of the third part of a feedback report, also misspelt (`text/rfc822-header`).
bool is_sample_type(std::string_view type) {
    return type.starts_with("message/rfc822") || type.starts_with("text/rfc822") ||
           type.starts_with("message/global");
}

bool is_message_type(std::string_view type) {
    return type == "message/rfc822" || type == "message/global";
}

constexpr std::string_view kMessageSuffix = ".eml";

/// A forwarded message that a web mailer attached as a file.
bool is_message_file(const Part& part, std::string_view content) {
    const std::string_view name = part.file_name;
    return !part.sample && part.media_type.starts_with("application/") &&
           name.size() > kMessageSuffix.size() &&
           equals_ignoring_case(name.substr(name.size() - kMessageSuffix.size()), kMessageSuffix) &&
           looks_like_message(content);
}

std::string file_name_of(const Entity& entity) {
    const auto disposition = parse_parameterized(entity.header.find("content-disposition"));
    const std::string_view name = disposition.parameter("filename");
    return std::string(name.empty() ? entity.type.parameter("name") : name);
}

std::string media_type_of(const Entity& entity, bool digest) {
    if (entity.type.value.empty()) {
        return digest ? "message/rfc822" : "text/plain";
    }
    return entity.type.value == "text" ? "text/plain" : entity.type.value;
}

/// Fields that a part's header holds although they belong into its content, since the separator
/// line between them is missing. Empty if there are none.
std::string misplaced_fields(const HeaderBlock& header, bool feedback) {
    bool found = false;
    std::string text;
    for (const RawField& field : header.fields) {
        if (starts_ignoring_case(field.name, "content") ||
            equals_ignoring_case(field.name, "mime-version")) {
            continue;
        }
        for (const std::string_view sign : {"from", "received", "return-path", "subject", "to"}) {
            found = found || (!feedback && equals_ignoring_case(field.name, sign));
        }
        found = found || (feedback && equals_ignoring_case(field.name, "feedback-type"));
        text += std::string(field.name) + ":" + std::string(field.raw) + "\r\n";
    }
    return found ? text : std::string();
}

std::string_view transfer_encoding_of(const Entity& entity) {
    return entity.header.find("content-transfer-encoding");
}

bool is_encoded(std::string_view transfer_encoding) {
    const std::string encoding = parse_parameterized(transfer_encoding).value;
    return encoding == "base64" || encoding == "quoted-printable";
}

std::string_view body_of(const Entity& entity, std::string_view text) {
    return text.substr(entity.body, std::max(entity.end, entity.body) - entity.body);
}

std::string child_section(const std::string& section, std::size_t number) {
    return section.empty() ? std::to_string(number) : section + "." + std::to_string(number);
}

}  // namespace

PartCollector::PartCollector(std::size_t message_size, const Limits& limits)
    : guard_(limits), copy_budget_(kCopiesOfMessage * message_size + 1024) {}

bool PartCollector::collect(std::string_view text, const std::string& section, std::size_t depth) {
    const auto tree = read_structure(text, depth, guard_, findings);
    if (!tree) {
        return false;
    }
    Group none;
    const bool leaf = tree->children.empty();
    return collect_entity(*tree, text, leaf ? child_section(section, 1) : section, depth, none);
}

bool PartCollector::collect_entity(const Entity& entity,
                                   std::string_view text,
                                   const std::string& section,
                                   std::size_t depth,
                                   Group& group) {
    tell_header(entity.header, section);
    const bool multipart = entity.type.value.starts_with("multipart/");
    if (!entity.passed_over.empty()) {
        add_finding(findings, kRepeatedContentType, section, trim_blanks(entity.passed_over));
    }
    if (entity.children.empty()) {
        if (multipart && is_encoded(transfer_encoding_of(entity))) {
            return collect_encoded_multipart(entity, text, section, depth);
        }
        if (multipart) {
            add_finding(findings, kNoParts, section);
        }
        return collect_leaf(entity, text, section, depth, group);
    }
    const bool report = entity.type.value == "multipart/report";
    Group inner;
    inner.report_type = report ? to_lower(entity.type.parameter("report-type")) : group.report_type;
    inner.digest = entity.type.value == "multipart/digest";
    inner.feedback =
        std::any_of(entity.children.begin(), entity.children.end(),
                    [](const Entity& child) { return is_feedback_type(child.type.value); });
    std::size_t number = 0;
    for (const Entity& child : entity.children) {
        ++number;
        inner.third = report && number == 3 && inner.report_type != "tlsrpt";
        if (!collect_entity(child, text, child_section(section, number), depth + 1, inner)) {
            return false;
        }
    }
    return true;
}

bool PartCollector::collect_leaf(const Entity& entity,
                                 std::string_view text,
                                 const std::string& section,
                                 std::size_t depth,
                                 Group& group) {
    Part part;
    part.section = section;
    part.media_type = media_type_of(entity, group.digest);
    part.charset = to_lower(entity.type.parameter("charset"));
    part.file_name = file_name_of(entity);
    part.report_type = group.report_type;
    part.header = text.substr(entity.begin, entity.header.text_size);
    part.sample = is_sample_type(part.media_type) && (group.feedback || group.third);
    const std::string_view encoding = transfer_encoding_of(entity);
    const std::string_view encoded = body_of(entity, text);
    tell_type(entity, part, encoding);

    const std::size_t index = parts.size();
    const bool message = is_message_type(part.media_type) && !part.sample;
    if (message && is_plain_encoding(encoding)) {
        parts.push_back(std::move(part));
        return collect_plain_message(encoded, index, section, depth);
    }
    std::string content = decode_content(encoded, encoding, section, part.file_name, findings);
    mark_sample(part, content, group);
    if (part.sample || is_feedback_type(part.media_type)) {
        restore_misplaced_fields(entity.header, part, content);
    }
    const bool attached = message || is_message_file(part, content);
    parts.push_back(std::move(part));
    if (attached) {
        return collect_decoded_message(std::move(content), index, section, depth);
    }
    const bool collected = collect_files_inside(index, content);
    parts[index].content = std::move(content);
    return collected;
}

void PartCollector::tell_type(const Entity& entity, const Part& part, std::string_view encoding) {
    if (part.media_type == "application/pkcs7-mime" ||
        part.media_type == "application/x-pkcs7-mime") {
        const std::string_view type = entity.type.parameter("smime-type");
        if (!equals_ignoring_case(type, "certs-only")) {
            add_finding(findings, kSmime, part.section, type);
        }
    }
    if (!part.media_type.starts_with("message/")) {
        return;
    }
    if (!is_plain_encoding(encoding)) {
        add_finding(findings, kEncodedMessage, part.section, trim_blanks(encoding));
    }
    if (part.media_type == "message/partial") {
        add_finding(findings, kPartialMessage, part.section, part.file_name);
    } else if (part.media_type == "message/external-body") {
        add_finding(findings, kExternalBody, part.section);
    }
}

void PartCollector::mark_sample(Part& part, std::string_view content, Group& group) const {
    const bool feedback = is_feedback_type(part.media_type);
    if (group.feedback_seen && !group.sample_seen && !part.sample && !feedback) {
        part.sample = looks_like_message(content);  // a sample labelled text/plain or the like
    }
    group.feedback_seen = group.feedback_seen || feedback;
    group.sample_seen = group.sample_seen || part.sample;
}

void PartCollector::restore_misplaced_fields(const HeaderBlock& header,
                                             const Part& part,
                                             std::string& content) {
    if (looks_like_message(content)) {
        return;
    }
    std::string fields = misplaced_fields(header, is_feedback_type(part.media_type));
    if (fields.empty()) {
        return;
    }
    add_finding(findings, kFieldsInPartHeader, part.section);
    if (!trim_blanks(content).empty()) {
        fields += "\r\n" + content;
    }
    content = std::move(fields);
}

bool PartCollector::collect_plain_message(std::string_view content,
                                          std::size_t index,
                                          const std::string& section,
                                          std::size_t depth) {
    if (!guard_.admit_depth(depth + 1) || !collect(skip_blank_lines(content), section, depth + 1)) {
        return false;
    }
    if (content.size() > copy_budget_) {
        add_finding(findings, kCopyDropped, section);
        return true;
    }
    copy_budget_ -= content.size();
    parts[index].content = content;
    return true;
}

bool PartCollector::collect_decoded_message(std::string content,
                                            std::size_t index,
                                            const std::string& section,
                                            std::size_t depth) {
    if (content.size() > copy_budget_) {
        add_finding(findings, kAttachedTooBig, section, std::to_string(content.size()) + " bytes");
        return true;
    }
    copy_budget_ -= content.size();
    if (!guard_.admit_depth(depth + 1) || !collect(skip_blank_lines(content), section, depth + 1)) {
        return false;
    }
    parts[index].content = std::move(content);
    return true;
}

bool PartCollector::collect_encoded_multipart(const Entity& entity,
                                              std::string_view text,
                                              const std::string& section,
                                              std::size_t depth) {
    const std::string_view encoding = transfer_encoding_of(entity);
    const std::string_view type = entity.header.find("content-type");
    std::string file_name;
    std::string content =
        decode_content(body_of(entity, text), encoding, section, file_name, findings);
    if (content.size() > copy_budget_) {
        add_finding(findings, kAttachedTooBig, section, std::to_string(content.size()) + " bytes");
        return true;
    }
    copy_budget_ -= content.size();
    add_finding(findings, kEncodedMessage, section, trim_blanks(encoding));
    content.insert(0, "Content-Type:" + std::string(type) + "\r\n\r\n");
    return guard_.admit_depth(depth + 1) && collect(content, section, depth + 1);
}

bool PartCollector::collect_files_inside(std::size_t index, std::string_view content) {
    if (is_tnef(content)) {
        return collect_tnef(index, content);
    }
    if (!parts[index].media_type.starts_with("text/") || parts[index].sample) {
        return true;
    }
    const std::string section = parts[index].section;
    std::size_t number = 0;
    for (EncodedFile& file : find_encoded_files(content, guard_.limits().max_parts)) {
        const std::string inner = child_section(section, ++number);
        if (file.truncated) {
            add_finding(findings, kEncodedFileTruncated, inner, file.name);
            continue;
        }
        add_finding(findings, file.yenc ? kYenc : kUuencoded, inner, file.name);
        if (!add_file(inner, std::move(file.name), std::move(file.bytes))) {
            return false;
        }
    }
    return true;
}

bool PartCollector::collect_tnef(std::size_t index, std::string_view content) {
    const std::string section = parts[index].section;
    add_finding(findings, kTnef, section, parts[index].file_name);
    TnefContent tnef = read_tnef(content, guard_.limits().max_parts);
    if (tnef.broken || tnef.attachments.empty()) {
        add_finding(findings, kTnefBroken, section, tnef.broken ? "breaks off" : "no attachment");
    }
    std::size_t number = 0;
    for (TnefAttachment& file : tnef.attachments) {
        if (!add_file(child_section(section, ++number), std::move(file.name),
                      std::move(file.bytes))) {
            return false;
        }
    }
    return true;
}

bool PartCollector::add_file(const std::string& section, std::string name, std::string bytes) {
    if (!guard_.admit_part()) {
        return false;
    }
    Part part;
    part.section = section;
    part.media_type = "application/octet-stream";
    part.file_name = std::move(name);
    part.content = std::move(bytes);
    parts.push_back(std::move(part));
    return true;
}

void PartCollector::tell_header(const HeaderBlock& header, const std::string& section) {
    // parse_header() tells the garbage of the message's own header.
    const bool outermost = !outermost_size_;
    outermost_size_ = outermost_size_.value_or(header.size);
    if (header.garbage_lines > 0 && !outermost) {
        add_finding(findings, kHeaderGarbage, section,
                    std::to_string(header.garbage_lines) +
                        " lines, first: " + std::string(header.first_garbage.substr(0, 100)));
    }
    if (header.no_separator && !header.fields.empty()) {
        add_finding(findings, kNoSeparator, section);
    }
    if (header.blank_separator) {
        add_finding(findings, kBlankSeparator, section);
    }
    if (!header.misspelt.empty()) {
        add_finding(findings, kFieldMisspelt, section, header.misspelt);
    }
}

}  // namespace dmarcbox::mime
