#pragma once

#include <cstdint>
#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "schema/aggregate_reader.hpp"
#include "schema/finding_codes_aggregate.hpp"
#include "schema/xml_text.hpp"

namespace dmarcbox::schema {

// Shared by the files that implement AggregateReader; nobody else includes this.

inline bool is_text(const pugi::xml_node& node) {
    return node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata;
}

constexpr std::uint64_t bit(Element element) {
    return std::uint64_t{1} << static_cast<unsigned>(element);
}

/// True for elements that may stand several times in one parent.
bool may_repeat(Element element, Element parent);

/// Calls `read` for each child element; false from it: the element is unknown in this parent.
/// Notes text between elements, repeated and unknown ones.
template <class Read>
AggregateReader::Seen AggregateReader::for_each_element(const pugi::xml_node& node,
                                                        const Parent& parent,
                                                        Read read) {
    Seen seen = 0;
    for (auto child = node.first_child(); child; child = child.next_sibling()) {
        if (child.type() != pugi::node_element) {
            if (is_text(child)) {
                findings_.add(aggregate::kStrayText, parent.path);
            }
            continue;
        }
        const std::string_view name = local_part(child.name());
        const Element element = element_of(name);
        if (element == Element::extension && parent.element != Element::feedback) {
            continue;  // RFC 9990 has it in feedback; what it holds is nobody's business elsewhere
        }
        const bool again = (seen & bit(element)) != 0 && element != Element::unknown &&
                           !may_repeat(element, parent.element);
        // Lists in a second auth_results are as good as in the first.
        if (again && element != Element::auth_results) {
            findings_.add(aggregate::kRepeatedElement,
                          std::string(parent.path).append("/").append(name));
            continue;
        }
        if (!read(element, child)) {
            note_unknown(child, parent);
            continue;
        }
        if (again) {
            findings_.add(aggregate::kRepeatedElement,
                          std::string(parent.path).append("/").append(name));
        }
        if (element == Element::identifiers && name != "identifiers") {
            findings_.add(aggregate::kMisspeltElement, name);
        }
        seen |= bit(element);
    }
    return seen;
}

}  // namespace dmarcbox::schema
