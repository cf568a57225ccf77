#include "schema/xml_repair.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "schema/aggregate_elements.hpp"
#include "schema/finding_codes_aggregate.hpp"
#include "schema/scalar_text.hpp"
#include "schema/xml_text.hpp"

namespace dmarcbox::schema {
namespace {

constexpr std::size_t kMaxEscapes = 16384;  ///< beyond it is not text with a few stray brackets
constexpr std::size_t kMaxDepth = 64;       ///< reports nest to 6
constexpr std::size_t kShown = 40;          ///< of the text in a finding

constexpr std::string_view kBlank = " \t\r\n";

struct Tag {
    enum class Kind { start, empty, end, none };
    Kind kind = Kind::none;
    std::string_view name;
    std::size_t length = 0;
};

/// Skips ` name="value"` as often as it is there. A value holds no `<` (XML 1.0 section 3.1), which
/// keeps the search for a quote that never comes from running through the document.
std::size_t skip_attributes(std::string_view text, std::size_t at) {
    while (at < text.size()) {
        const auto name = std::min(text.find_first_not_of(kBlank, at), text.size());
        const auto length = name == at ? 0 : name_length(text.substr(name));
        if (length == 0) {
            return name;
        }
        const auto equals = text.find_first_not_of(kBlank, name + length);
        if (equals == std::string_view::npos || text[equals] != '=') {
            return name;
        }
        const auto quote = text.find_first_not_of(kBlank, equals + 1);
        if (quote == std::string_view::npos || (text[quote] != '"' && text[quote] != '\'')) {
            return name;
        }
        const std::array<char, 2> stop{text[quote], '<'};
        const auto end = text.find_first_of(std::string_view(stop.data(), stop.size()), quote + 1);
        if (end == std::string_view::npos || text[end] == '<') {
            return name;
        }
        at = end + 1;
    }
    return at;
}

/// The tag at the beginning of the text, which is a `<`.
Tag read_tag(std::string_view text) {
    const bool is_end = text.substr(1).starts_with('/');
    const std::size_t begin = is_end ? 2 : 1;
    const auto name = text.substr(std::min(begin, text.size()));
    const auto length = name_length(name);
    if (length == 0) {
        return {};
    }
    std::size_t at = begin + length;
    at = is_end ? std::min(text.find_first_not_of(kBlank, at), text.size())
                : skip_attributes(text, at);
    const bool is_empty = !is_end && text.substr(at).starts_with('/');
    at += is_empty ? 1 : 0;
    if (!text.substr(at).starts_with('>')) {
        return {};
    }
    const auto kind = is_end ? Tag::Kind::end : is_empty ? Tag::Kind::empty : Tag::Kind::start;
    return {kind, name.substr(0, length), at + 1};
}

/// Walks the report from the start tag of its root to its end tag.
class Repair {
  public:
    Repair(std::string_view text, FindingList& findings) : text_(text), findings_(findings) {}

    /// Length of the root element; nullopt if it does not end or its tags are crossed.
    std::optional<std::size_t> run();
    std::string take() { return std::move(out_); }

  private:
    bool step();
    bool skip_section();
    bool skip_until(std::string_view terminator, bool& absent);
    bool apply(const Tag& tag);
    bool escape();
    void copy(std::size_t length) {
        out_.append(text_, at_, length);
        at_ += length;
    }
    [[nodiscard]] bool in_text() const;

    std::string_view text_;
    FindingList& findings_;
    std::string out_;
    std::size_t at_ = 0;
    std::size_t escapes_ = 0;
    std::vector<std::string_view> open_;
    // Searched once: what does not come once will not come later.
    bool no_comment_end_ = false;
    bool no_cdata_end_ = false;
    bool no_instruction_end_ = false;
};

std::optional<std::size_t> Repair::run() {
    out_.reserve(text_.size() + kMaxEscapes);
    do {
        if (!step()) {
            return std::nullopt;
        }
    } while (!open_.empty());
    return at_;
}

bool Repair::in_text() const {
    const auto element = [this](std::size_t from_top) {
        return open_.size() < from_top ? Element::unknown
                                       : element_of(local_part(open_[open_.size() - from_top]));
    };
    return holds_text(element(1), element(2));
}

/// One `<` and what stands before it. False if the report cannot be repaired.
bool Repair::step() {
    const auto next = text_.find('<', at_);
    if (next == std::string_view::npos) {
        return false;  // elements are open: truncated
    }
    copy(next - at_);
    if (skip_section()) {
        return true;
    }
    const Tag tag = read_tag(text_.substr(at_));
    if (tag.kind == Tag::Kind::none) {
        return escape();
    }
    // What looks like a tag in a value is text, unless it ends the value.
    if (in_text() && !(tag.kind == Tag::Kind::end && tag.name == open_.back())) {
        return escape();
    }
    return apply(tag);
}

bool Repair::skip_section() {
    const auto rest = text_.substr(at_);
    return (rest.starts_with("<!--") && skip_until("-->", no_comment_end_)) ||
           (rest.starts_with("<![CDATA[") && skip_until("]]>", no_cdata_end_)) ||
           (rest.starts_with("<?") && skip_until("?>", no_instruction_end_));
}

bool Repair::skip_until(std::string_view terminator, bool& absent) {
    const auto end = absent ? std::string_view::npos : text_.find(terminator, at_);
    if (end == std::string_view::npos) {
        absent = true;
        return false;
    }
    copy(end + terminator.size() - at_);
    return true;
}

bool Repair::apply(const Tag& tag) {
    if (tag.kind == Tag::Kind::start) {
        if (open_.size() >= kMaxDepth) {
            return false;
        }
        open_.push_back(tag.name);
    } else if (tag.kind == Tag::Kind::end) {
        if (open_.empty() || open_.back() != tag.name) {
            return false;
        }
        open_.pop_back();
    }
    copy(tag.length);
    return true;
}

bool Repair::escape() {
    if (++escapes_ > kMaxEscapes) {
        return false;
    }
    const auto rest = text_.substr(at_ + 1);
    findings_.add(xml::kRawLessThan, cut_text(rest.substr(0, rest.find_first_of("<\r\n")), kShown));
    out_ += "&lt;";
    ++at_;
    return true;
}

/// What stands before the report: declaration, comments and blanks are nobody's fault.
void note_before(std::string_view before, FindingList& findings) {
    while (true) {
        before = trim(before);
        const bool instruction = before.starts_with("<?");
        const bool comment = before.starts_with("<!--");
        if (!instruction && !comment) {
            break;
        }
        const std::string_view terminator = instruction ? "?>" : "-->";
        const auto end = before.find(terminator);
        if (end == std::string_view::npos) {
            break;
        }
        before.remove_prefix(end + terminator.size());
    }
    if (before.starts_with("<!DOCTYPE")) {
        findings.add(xml::kDoctype);
        return;
    }
    const Tag tag = before.starts_with('<') ? read_tag(before) : Tag{};
    if (tag.kind == Tag::Kind::start) {
        findings.add(xml::kWrapped, tag.name);
    } else if (!before.empty()) {
        findings.add(xml::kTextBeforeRoot, cut_text(before, kShown));
    }
}

}  // namespace

std::optional<std::string> repair_xml(std::string_view text, FindingList& findings) {
    const auto root = find_start_tag(text, "feedback");
    if (!root) {
        return std::nullopt;
    }
    note_before(text.substr(0, root.begin), findings);
    const auto report = text.substr(root.begin);
    Repair repair(report, findings);
    const auto length = repair.run();
    if (!length) {
        return std::nullopt;
    }
    const auto after = trim(report.substr(*length));
    if (find_start_tag(after, "feedback")) {
        findings.add(xml::kSecondReport);
    } else if (!after.empty()) {
        findings.add(xml::kTextAfterRoot, cut_text(after, kShown));
    }
    return repair.take();
}

}  // namespace dmarcbox::schema
