#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "schema/aggregate_reader.hpp"
#include "schema/aggregate_reader_elements.hpp"
#include "schema/finding_codes_aggregate.hpp"
#include "schema/mailbox_domain.hpp"
#include "schema/scalar_text.hpp"
#include "schema/xml_text.hpp"

namespace dmarcbox::schema {
namespace {

/// All text below a node, in order. Not recursive: a sender chooses the depth.
std::string deep_text(const pugi::xml_node& root) {
    std::string text;
    pugi::xml_node node = root.first_child();
    while (node) {
        if (is_text(node)) {
            text += node.value();
        }
        if (node.first_child()) {
            node = node.first_child();
            continue;
        }
        while (node != root && !node.next_sibling()) {
            node = node.parent();
        }
        node = node == root ? pugi::xml_node{} : node.next_sibling();
    }
    return text;
}

/// All but an extension, whose namespace is its own business.
constexpr std::uint64_t kNamedElements = ~(bit(Element::unknown) | bit(Element::extension));

/// One pass over a value that needs no change nearly always.
struct Look {
    bool needs_collapse = false;
    bool has_high_byte = false;
};

Look look_at(std::string_view text) {
    Look look;
    bool blank = false;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool is_blank = byte == ' ';
        look.needs_collapse |= (is_blank && blank) || byte < ' ' || byte == 0x7f;
        look.has_high_byte |= byte >= 0x80;
        blank = is_blank;
    }
    return look;
}

}  // namespace

bool is_text(const pugi::xml_node& node) {
    return node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata;
}

std::string_view AggregateReader::text_of(const pugi::xml_node& node, std::string_view path) {
    const auto first = node.first_child();
    if (!first) {
        return {};
    }
    std::string_view text;
    if (is_text(first) && !first.next_sibling()) {
        text = first.value();
    } else {
        for (auto child = first; child; child = child.next_sibling()) {
            if (child.type() == pugi::node_element) {
                findings_.add(aggregate::kUnknownElement,
                              std::string(path).append("/").append(local_part(child.name())));
            }
        }
        text_ = deep_text(node);
        text = text_;
    }
    return cleaned(text, path);
}

std::string_view AggregateReader::own_text_of(const pugi::xml_node& node, std::string_view path) {
    text_.clear();
    for (auto child = node.first_child(); child; child = child.next_sibling()) {
        if (is_text(child)) {
            text_ += child.value();
        }
    }
    return cleaned(text_, path);
}

std::string_view AggregateReader::cleaned(std::string_view text, std::string_view path) {
    text = trim(text);
    const Look look = look_at(text);
    if (look.needs_collapse) {
        text_ = collapse(text);
        text = text_;
    }
    // The document is UTF-8, but behind what only looks like a comment (`<a b="<!--">`) a reference
    // can still name what is no character.
    if (look.has_high_byte && !is_utf8(text)) {
        findings_.add(xml::kBadCharacter, path);
        text_ = replace_bad_utf8(text);
        text = text_;
    }
    if (text.size() > limits_.max_text_bytes) {
        findings_.add(aggregate::kCut, path);
        text = trim(cut_text(text, limits_.max_text_bytes));
    }
    return text;
}

void AggregateReader::read_text(std::string& out,
                                const pugi::xml_node& node,
                                std::string_view path) {
    out.assign(text_of(node, path));
}

void AggregateReader::read_domain(std::string& out,
                                  const pugi::xml_node& node,
                                  std::string_view path) {
    auto text = text_of(node, path);
    if (text.find('@') != std::string_view::npos) {
        address_ = mailbox_domain(text);
        if (address_.empty()) {
            findings_.add(aggregate::kBadDomain, text);
        } else {
            findings_.add(aggregate::kAddressForDomain, path);
        }
        text = address_;
    }
    if (text.ends_with('.')) {
        findings_.add(aggregate::kTrailingDot, path);
        text = text.substr(0, text.find_last_not_of(". ") + 1);
    }
    if (equal_ignoring_case(text, "null")) {
        findings_.add(aggregate::kNullDomain, path);
        text = {};
    }
    out.assign(text);
    for (char& c : out) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
}

void AggregateReader::read_enumerated(std::string& out,
                                      const pugi::xml_node& node,
                                      std::string_view path,
                                      Vocabulary vocabulary) {
    const auto text = text_of(node, path);
    if (!text.empty()) {
        read_token(out, text, vocabulary, findings_);
    }
}

void AggregateReader::note_stray_text(const pugi::xml_node& node, const Parent& parent) {
    if (is_text(node) && parent.element != Element::reason) {  // which may hold its type
        findings_.add(aggregate::kStrayText, parent.path);
    }
}

bool AggregateReader::visit_element(const pugi::xml_node& child,
                                    const Parent& parent,
                                    const ReadElement& read,
                                    Elements& seen) {
    const std::string_view name = local_part(child.name());
    const Element element = element_of(name);
    if (element == Element::extension && parent.element != Element::feedback) {
        return true;  // RFC 9990 has it in feedback; what it holds is nobody's business elsewhere
    }
    const bool again = (seen & bit(element)) != 0 && element != Element::unknown &&
                       !may_repeat(element, parent.element);
    // Lists in a second auth_results are as good as in the first.
    const bool skip = again && element != Element::auth_results;
    if (!skip && !read(element, child)) {
        return false;
    }
    if (again) {
        findings_.add(aggregate::kRepeatedElement,
                      std::string(parent.path).append("/").append(name));
    }
    if (!skip && element == Element::identifiers && name != "identifiers") {
        findings_.add(aggregate::kMisspeltElement, name);
    }
    seen |= bit(element);
    return true;
}

AggregateReader::Seen AggregateReader::visit_own(const pugi::xml_node& node,
                                                 const Parent& parent,
                                                 const ReadElement& read) {
    Seen seen;
    for (auto child = node.first_child(); child; child = child.next_sibling()) {
        if (child.type() != pugi::node_element) {
            note_stray_text(child, parent);
        } else if (!foreign_namespace(child).empty()) {
            seen.foreign |= bit(element_of(local_part(child.name()))) & kNamedElements;
        } else if (!visit_element(child, parent, read, seen.own)) {
            note_unknown(child, parent);
        }
    }
    return seen;
}

AggregateReader::Elements AggregateReader::visit_foreign(const pugi::xml_node& node,
                                                         const Parent& parent,
                                                         const ReadElement& read,
                                                         Elements own) {
    Elements seen = 0;
    for (auto child = node.first_child(); child; child = child.next_sibling()) {
        const auto name_space = foreign_namespace(child);
        const std::string_view name = local_part(child.name());
        const Elements kind = bit(element_of(name)) & kNamedElements;
        if (name_space.empty() || kind == 0) {
            continue;
        }
        if ((own & kind) == 0 && visit_element(child, parent, read, seen)) {
            findings_.add(aggregate::kOddNamespace, replace_bad_utf8(name_space));
        } else {
            findings_.add(aggregate::kForeignElement,
                          std::string(parent.path).append("/").append(name));
        }
    }
    return seen;
}

void AggregateReader::visit_elements(const pugi::xml_node& node,
                                     const Parent& parent,
                                     const ReadElement& read) {
    const Seen seen = visit_own(node, parent, read);
    if (seen.foreign != 0) {
        visit_foreign(node, parent, read, seen.own);
    }
}

}  // namespace dmarcbox::schema
