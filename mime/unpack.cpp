#include "mime/unpack.hpp"

// mimetic 0.9.8 uses uint32_t without it, which stands no longer in other headers since GCC 13.
// clang-format off
#include <cstdint>
// clang-format on

#include <mimetic/mimeentity.h>
#include <mimetic/parser/itparser.h>

#include <list>
#include <memory>
#include <unordered_map>
#include <utility>

#include "mime/boundary.hpp"
#include "mime/finding_codes.hpp"
#include "mime/guard.hpp"
#include "mime/lines.hpp"
#include "mime/part_collector.hpp"
#include "mime/structure.hpp"

namespace dmarcbox::mime {

namespace {

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
        : StructureParser(std::make_unique<mimetic::MimeEntity>(), text, depth, guard, findings) {}

    /// False if the guard refused the message.
    [[nodiscard]] bool parse() {
        show(kLeafHeader);
        if (!open_entity(0)) {
            return false;
        }
        iMask(mimetic::imNone);
        try {
            run(m_bit, m_eit);
        } catch (...) {
            // Memory ended. A field of mimetic that was being made then points to what is deleted
            // already: the few hundred bytes of this tree are given up rather than deleted twice.
            static_cast<void>(root_.release());
            throw;
        }
        return !guard_.refusal();
    }

    /// The tree that mimetic built, with what we know of each entity. Call after parse().
    [[nodiscard]] Entity take_tree() { return take(*root_); }

  private:
    StructureParser(std::unique_ptr<mimetic::MimeEntity> root,
                    std::string_view text,
                    std::size_t depth,
                    Guard& guard,
                    Findings& findings)
        : MimeticParser(*root),
          root_(std::move(root)),
          text_(text),
          depth_(depth),
          guard_(guard),
          findings_(findings) {}

    [[nodiscard]] ParameterizedValue parse_type(std::string_view field) const {
        return parse_parameterized(field.substr(0, guard_.limits().max_field_bytes));
    }

    /// Of several Content-Type fields the first of a multipart, without which no part is found;
    /// else `first`.
    static std::string_view multipart_type(const HeaderBlock& header, std::string_view first) {
        for (const RawField& field : header.fields) {
            if (equals_ignoring_case(field.name, "content-type") &&
                starts_ignoring_case(trim_blanks(field.raw), "multipart/")) {
                return field.raw;
            }
        }
        return first;
    }

    Entity take(const mimetic::MimeEntity& node) {
        Entity entity = std::move(entities_.at(&node));
        for (const mimetic::MimeEntity* child : node.body().parts()) {
            entity.children.push_back(take(*child));
        }
        if (entity.children.empty() && !entity.passed_over.empty()) {
            entity.type = parse_type(std::exchange(entity.passed_over, {}));
        }
        return entity;
    }

    /// Reads the header at `begin` and shows mimetic what it may know of it.
    bool open_entity(std::size_t begin) {
        auto header = guard_.admit_header(text_.substr(begin), "");
        if (!header || !guard_.admit_part()) {
            stop();
            return false;
        }
        pending_ = Entity{std::move(*header), {}, {}, begin, begin, text_.size(), {}};
        pending_.body = begin + pending_.header.size;
        const std::string_view first = pending_.header.find("content-type");
        const std::string_view type = multipart_type(pending_.header, first);
        pending_.type = parse_type(type);
        pending_.passed_over = type.data() == first.data() ? std::string_view{} : first;
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

    std::unique_ptr<mimetic::MimeEntity> root_;
    std::string_view text_;
    std::size_t depth_;
    Guard& guard_;
    Findings& findings_;
    std::unordered_map<const mimetic::MimeEntity*, Entity> entities_;
    Entity pending_;
    std::size_t position_ = 0;
    bool told_no_end_boundary_ = false;
};

}  // namespace

std::optional<Entity> read_structure(std::string_view text,
                                     std::size_t depth,
                                     Guard& guard,
                                     Findings& findings) {
    StructureParser parser(text, depth, guard, findings);
    if (!parser.parse()) {
        return std::nullopt;
    }
    return parser.take_tree();
}

tl::expected<Message, Finding> unpack(std::string_view message, const Limits& limits) {
    const std::string_view text = skip_envelope(message);
    PartCollector collector(text.size(), limits);
    if (!collector.collect(text, "", 0)) {
        return tl::unexpected(*collector.guard().refusal());
    }
    Message result;
    result.header = parse_header(text.substr(0, collector.header_size()), limits);
    result.parts = std::move(collector.parts);
    result.findings = std::move(collector.findings);
    if (text.find('\n') == std::string_view::npos && text.find('\r') != std::string_view::npos) {
        add_finding(result.findings, kCrLineEnds, "");
    }
    return result;
}

}  // namespace dmarcbox::mime
