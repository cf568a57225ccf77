#include "mime/unpack.hpp"

#include <mimetic/mimeentity.h>
#include <mimetic/parser/itparser.h>

#include <list>
#include <unordered_map>
#include <utility>

#include "mime/boundary.hpp"
#include "mime/content.hpp"
#include "mime/encoded_file.hpp"
#include "mime/finding_codes.hpp"
#include "mime/guard.hpp"
#include "mime/lines.hpp"
#include "mime/tnef.hpp"

namespace dmarcbox::mime {

namespace {

/// Where an entity stands in the text, and what its header says.
struct Entity {
    HeaderBlock header;
    ParameterizedValue type;  ///< Content-Type
    std::size_t begin = 0;
    std::size_t body = 0;
    std::size_t end = 0;
};

/// What mimetic gets to see of an entity: the header that decides whether it recurses. Attached
/// messages are plain content to it, since those are taken apart by a run of their own.
constexpr std::string_view kMultipartHeader = "Content-Type: multipart/mixed\n\n";
constexpr std::string_view kLeafHeader = "Content-Type: text/plain\n\n";

using MimeticParser = mimetic::IteratorParser<const char*, std::input_iterator_tag>;

/// mimetic's recursive parser over guarded input. It builds the tree; the search for boundaries is
/// ours, since mimetic finds them also inside lines, stumbles over blanks behind them, and loses
/// the parts after a multipart whose closing boundary is missing. Content is never copied: bodies
/// are extents of the text.
class StructureParser : private MimeticParser {
  public:
    StructureParser(std::string_view text, std::size_t depth, Guard& guard, Findings& findings)
        : MimeticParser(root_), text_(text), depth_(depth), guard_(guard), findings_(findings) {}

    /// False if the guard refused the message.
    [[nodiscard]] bool parse() {
        show(kLeafHeader);
        if (!open_entity(0)) {
            return false;
        }
        iMask(mimetic::imNone);
        run(m_bit, m_eit);
        return !guard_.refusal();
    }

    [[nodiscard]] const mimetic::MimeEntity& root() const { return root_; }
    [[nodiscard]] const Entity& entity(const mimetic::MimeEntity& node) const {
        return entities_.at(&node);
    }

  private:
    /// Reads the header at `begin` and shows mimetic what it may know of it.
    bool open_entity(std::size_t begin) {
        auto header = guard_.admit_header(text_.substr(begin), "");
        if (!header || !guard_.admit_part()) {
            stop();
            return false;
        }
        pending_ = Entity{std::move(*header), {}, begin, begin, text_.size()};
        pending_.body = begin + pending_.header.size;
        pending_.type = parse_parameterized(
            pending_.header.find("content-type").substr(0, guard_.limits().max_field_bytes));
        show(pending_.type.value.starts_with("multipart/") ? kMultipartHeader : kLeafHeader);
        return true;
    }

    void show(std::string_view header) {
        m_bit = header.data();
        m_eit = header.data() + header.size();
    }

    void stop() {
        m_lastBoundary = NoBoundary;
        m_bit = m_eit;
    }

    /// Called by mimetic once per leaf (its body), twice per multipart (preamble, epilogue).
    void copy_until_boundary(mimetic::ParsingElem element) override {
        const bool preamble = element == pePreamble;
        if (element != peEpilogue) {
            position_ = pending_.body;
            entities_.insert_or_assign(m_entityStack.top(), std::move(pending_));
        }
        Entity& entity = entities_.at(m_entityStack.top());
        if (preamble && !guard_.admit_depth(depth_ + m_boundaryList.size())) {
            stop();
            return;
        }
        if (preamble) {
            m_boundaryList.front() =
                "--" + std::string(trim_blanks(entity.type.parameter("boundary")));
        }
        auto line = find_boundary(text_, position_, m_boundaryList);
        if (preamble) {
            line = replace_wrong_boundary(line);
        }
        if (!line) {
            if (!m_boundaryList.empty() && !preamble) {
                tell_no_end_boundary();
            }
            entity.end = text_.size();
            stop();
            return;
        }
        entity.end = line->content_end;
        show(kLeafHeader);
        if (line->level > 0) {
            // The boundary of a multipart further out: close this one and leave the line to it.
            if (!preamble) {
                tell_no_end_boundary();
            }
            m_lastBoundary = ClosingBoundary;
            position_ = line->line_start;
        } else if (line->closing) {
            m_lastBoundary = ClosingBoundary;
            position_ = line->line_end;
        } else if (line->line_end >= text_.size()) {
            tell_no_end_boundary();
            stop();
        } else {
            m_lastBoundary = Boundary;
            static_cast<void>(open_entity(line->line_end));
        }
    }

    /// A boundary parameter that is missing, or that no line uses before the enclosing multipart
    /// goes on, is replaced by what the body uses.
    std::optional<BoundaryLine> replace_wrong_boundary(const std::optional<BoundaryLine>& line) {
        std::string& boundary = m_boundaryList.front();
        if (line && line->level == 0 && boundary.size() > 2) {
            return line;
        }
        const bool outer = line && line->level > 0;
        const std::size_t end = outer ? line->content_end : text_.size();
        const std::string guessed = guess_boundary(text_.substr(position_, end - position_));
        if (guessed.empty()) {
            if (boundary.size() > 2) {
                return line;
            }
            boundary = "--\n";  // no line holds a line end: only enclosing boundaries match
            return find_boundary(text_, position_, m_boundaryList);
        }
        boundary = "--" + guessed;
        add_finding(findings_, kBoundaryMissing, "", guessed);
        return find_boundary(text_, position_, m_boundaryList);
    }

    void tell_no_end_boundary() {
        if (!std::exchange(told_no_end_boundary_, true)) {
            add_finding(findings_, kNoEndBoundary, "");
        }
    }

    mimetic::MimeEntity root_;
    std::string_view text_;
    std::size_t depth_;
    Guard& guard_;
    Findings& findings_;
    std::unordered_map<const mimetic::MimeEntity*, Entity> entities_;
    Entity pending_;
    std::size_t position_ = 0;
    bool told_no_end_boundary_ = false;
};

bool is_feedback_type(std::string_view type) {
    return type == "message/feedback-report";
}

/// The third part of a feedback report, also misspelt (`text/rfc822-header`).
bool is_sample_type(std::string_view type) {
    return type.starts_with("message/rfc822") || type.starts_with("text/rfc822") ||
           type.starts_with("message/global");
}

/// What the parts of one multipart need to know of it.
struct Group {
    std::string report_type;
    bool report = false;    ///< multipart/report
    bool feedback = false;  ///< holds a message/feedback-report
    bool digest = false;    ///< parts without Content-Type are messages (RFC 2046 section 5.1.5)
    bool sample_seen = false;
};

std::string file_name_of(const Entity& entity) {
    const auto disposition = parse_parameterized(entity.header.find("content-disposition"));
    const std::string_view name = disposition.parameter("filename");
    return std::string(name.empty() ? entity.type.parameter("name") : name);
}

std::string media_type_of(const Entity& entity, const Group& group) {
    if (entity.type.value.empty()) {
        return group.digest ? "message/rfc822" : "text/plain";
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

/// Turns entities into parts, descending into attached messages.
class Unpacker {
  public:
    Unpacker(std::size_t message_size, const Limits& limits)
        : guard_(limits), copy_budget_(4 * message_size + 1024) {}

    [[nodiscard]] bool unpack_message(std::string_view text,
                                      const std::string& section,
                                      std::size_t depth) {
        StructureParser parser(text, depth, guard_, findings);
        if (!parser.parse()) {
            return false;
        }
        Group group;
        const bool leaf = parser.root().body().parts().empty();
        return emit(parser, parser.root(), text,
                    leaf ? (section.empty() ? "1" : section + ".1") : section, depth, group);
    }

    [[nodiscard]] const Guard& guard() const { return guard_; }

    std::vector<Part> parts;
    Findings findings;

  private:
    bool emit(const StructureParser& parser,
              const mimetic::MimeEntity& node,
              std::string_view text,
              const std::string& section,
              std::size_t depth,
              Group& group) {
        const Entity& entity = parser.entity(node);
        tell_header(entity.header, section);
        const auto& children = node.body().parts();
        if (children.empty()) {
            if (entity.type.value.starts_with("multipart/")) {
                add_finding(findings, kNoParts, section);
            }
            return emit_leaf(entity, text, section, depth, group);
        }
        Group inner;
        inner.report = entity.type.value == "multipart/report";
        inner.report_type =
            inner.report ? to_lower(entity.type.parameter("report-type")) : group.report_type;
        inner.digest = entity.type.value == "multipart/digest";
        for (const mimetic::MimeEntity* child : children) {
            inner.feedback = inner.feedback || is_feedback_type(parser.entity(*child).type.value);
        }
        std::size_t number = 0;
        for (const mimetic::MimeEntity* child : children) {
            ++number;
            const std::string& type = parser.entity(*child).type.value;
            third_ = inner.report && inner.report_type != "tlsrpt" && number == 3;
            third_ = third_ && is_sample_type(type);
            if (!emit(parser, *child, text,
                      (section.empty() ? "" : section + ".") + std::to_string(number), depth + 1,
                      inner)) {
                return false;
            }
        }
        return true;
    }

    bool emit_leaf(const Entity& entity,
                   std::string_view text,
                   const std::string& section,
                   std::size_t depth,
                   Group& group) {
        Part part;
        part.section = section;
        part.media_type = media_type_of(entity, group);
        part.charset = to_lower(entity.type.parameter("charset"));
        part.file_name = file_name_of(entity);
        part.report_type = group.report_type;
        part.header = text.substr(entity.begin, entity.header.text_size);
        const std::string_view encoded =
            text.substr(entity.body, std::max(entity.end, entity.body) - entity.body);
        const std::string_view encoding = entity.header.find("content-transfer-encoding");
        std::string content = decode_content(encoded, encoding, section, part.file_name, findings);

        const bool feedback = is_feedback_type(part.media_type);
        part.sample = is_sample_type(part.media_type) && (group.feedback || third_);
        if (!part.sample && group.feedback && !group.sample_seen && feedback_emitted_ &&
            !feedback && looks_like_message(content)) {
            part.sample = true;  // a sample labelled text/plain or the like
        }
        third_ = false;
        feedback_emitted_ = feedback || feedback_emitted_;
        group.sample_seen = group.sample_seen || part.sample;
        if (feedback || part.sample) {
            restore_misplaced_fields(entity.header, section, feedback, content);
        }
        const std::string cte = parse_parameterized(encoding).value;
        if (part.media_type.starts_with("message/") &&
            (cte == "base64" || cte == "quoted-printable")) {
            add_finding(findings, kEncodedMessage, section, cte);
        }
        if (part.media_type == "message/partial") {
            add_finding(findings, kPartialMessage, section, part.file_name);
        } else if (part.media_type == "message/external-body") {
            add_finding(findings, kExternalBody, section);
        }

        const std::size_t index = parts.size();
        parts.push_back(std::move(part));
        if (is_attached_message(parts[index], content)) {
            return descend(std::move(content), index, section, depth);
        }
        const bool done = emit_files_inside(parts[index], content, section);
        parts[index].content = std::move(content);
        return done;
    }

    [[nodiscard]] static bool is_attached_message(const Part& part, std::string_view content) {
        if (part.sample) {
            return false;
        }
        if (part.media_type.starts_with("message/rfc822") ||
            part.media_type.starts_with("message/global")) {
            return part.media_type.find("headers") == std::string::npos &&
                   part.media_type.find("delivery") == std::string::npos &&
                   part.media_type.find("disposition") == std::string::npos;
        }
        // Web mailers attach a forwarded message as a file.
        return part.file_name.size() > 4 && part.media_type.starts_with("application/") &&
               equals_ignoring_case(
                   std::string_view(part.file_name).substr(part.file_name.size() - 4), ".eml") &&
               looks_like_message(content);
    }

    bool descend(std::string content,
                 std::size_t index,
                 const std::string& section,
                 std::size_t depth) {
        if (!guard_.admit_depth(depth + 1) || !unpack_message(content, section, depth + 1)) {
            return false;
        }
        // Each level of nesting would hold the innermost bytes once more.
        if (content.size() > copy_budget_) {
            add_finding(findings, kCopyDropped, section);
            return true;
        }
        copy_budget_ -= content.size();
        parts[index].content = std::move(content);
        return true;
    }

    void restore_misplaced_fields(const HeaderBlock& header,
                                  const std::string& section,
                                  bool feedback,
                                  std::string& content) {
        if (looks_like_message(content)) {
            return;
        }
        std::string fields = misplaced_fields(header, feedback);
        if (fields.empty()) {
            return;
        }
        add_finding(findings, kFieldsInPartHeader, section);
        if (!trim_blanks(content).empty()) {
            fields += "\r\n" + content;
        }
        content = std::move(fields);
    }

    /// Files in text by uuencode or yEnc, and attachments wrapped in TNEF.
    bool emit_files_inside(const Part& holder,
                           std::string_view content,
                           const std::string& section) {
        std::size_t number = 0;
        if (is_tnef(content)) {
            add_finding(findings, kTnef, section, holder.file_name);
            TnefContent tnef = read_tnef(content, guard_.limits().max_parts);
            if (tnef.broken || tnef.attachments.empty()) {
                add_finding(findings, kTnefBroken, section,
                            tnef.broken ? "breaks off" : "no attachment");
            }
            for (TnefAttachment& file : tnef.attachments) {
                if (!emit_file(section, ++number, std::move(file.name), std::move(file.bytes))) {
                    return false;
                }
            }
            return true;
        }
        if (!holder.media_type.starts_with("text/")) {
            return true;
        }
        for (EncodedFile& file : find_encoded_files(content, guard_.limits().max_parts)) {
            const std::string inner = section + "." + std::to_string(++number);
            if (file.truncated) {
                add_finding(findings, kEncodedFileTruncated, inner, file.name);
                continue;
            }
            add_finding(findings, file.yenc ? kYenc : kUuencoded, inner, file.name);
            if (!emit_file(section, number, std::move(file.name), std::move(file.bytes))) {
                return false;
            }
        }
        return true;
    }

    bool emit_file(const std::string& section,
                   std::size_t number,
                   std::string name,
                   std::string bytes) {
        if (!guard_.admit_part()) {
            return false;
        }
        Part part;
        part.section = section + "." + std::to_string(number);
        part.media_type = "application/octet-stream";
        part.file_name = std::move(name);
        part.content = std::move(bytes);
        parts.push_back(std::move(part));
        return true;
    }

    void tell_header(const HeaderBlock& header, const std::string& section) {
        // parse_header() tells the garbage of the message's own header.
        if (header.garbage_lines > 0 && !std::exchange(top_, false)) {
            add_finding(findings, kHeaderGarbage, section,
                        std::to_string(header.garbage_lines) +
                            " lines, first: " + std::string(header.first_garbage.substr(0, 100)));
        }
        top_ = false;
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

    Guard guard_;
    std::size_t copy_budget_;
    bool third_ = false;             ///< the leaf to come is third in a multipart/report
    bool feedback_emitted_ = false;  ///< a feedback report came before in this message
    bool top_ = true;
};

/// The message without byte order mark, mbox `From ` line and empty lines in front.
std::string_view skip_envelope(std::string_view message) {
    if (message.starts_with("\xEF\xBB\xBF")) {
        message.remove_prefix(3);
    }
    const std::size_t first = message.find_first_not_of("\r\n");
    if (first != std::string_view::npos && first > 0 && looks_like_message(message.substr(first))) {
        message.remove_prefix(first);
    }
    if (message.starts_with("From ") || message.starts_with(">From ")) {
        LineWalker lines(message);
        if (lines.next()) {
            message.remove_prefix(lines.end());
        }
    }
    return message;
}

}  // namespace

tl::expected<Message, Finding> unpack(std::string_view message, const Limits& limits) {
    const std::string_view text = skip_envelope(message);
    Unpacker unpacker(text.size(), limits);
    const bool taken = unpacker.unpack_message(text, "", 0);
    if (!taken) {
        return tl::unexpected(*unpacker.guard().refusal());
    }
    Message result;
    result.header = parse_header(text, limits);
    result.parts = std::move(unpacker.parts);
    result.findings = std::move(unpacker.findings);
    return result;
}

}  // namespace dmarcbox::mime
