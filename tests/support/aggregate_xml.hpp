#pragma once

#include <string>
#include <vector>

#include "schema/aggregate_report.hpp"

namespace dmarcbox::test {

/// An XML element of a report; text and children exclude each other.
struct Element {
    std::string name;
    std::string text;
    std::vector<Element> children;
};

/// How a reporter writes XML.
struct XmlStyle {
    std::string prefix;  ///< of names, with colon
    std::string line_end;
    bool cdata = false;
};

/// The report as RFC 9990 has it; absent values have no element. Not the namespace.
[[nodiscard]] Element tree_of(const schema::AggregateReport& report);

/// `tree` as XML, its root with the namespace of `report`.
[[nodiscard]] std::string xml_of(const schema::AggregateReport& report,
                                 const Element& tree,
                                 const XmlStyle& style);

/// The report as text, value by value: two are equal if these are.
[[nodiscard]] std::string printed(const schema::AggregateReport& report);

}  // namespace dmarcbox::test
