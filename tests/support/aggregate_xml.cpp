#include "tests/support/aggregate_xml.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>

namespace dmarcbox::test {

using schema::AggregateRecord;
using schema::AggregateReport;

namespace {

/// Absent values have no element.
void put(Element& parent, const char* name, const std::string& value) {
    if (!value.empty()) {
        parent.children.push_back({name, value, {}});
    }
}

void put(Element& parent, const char* name, const std::optional<std::int64_t>& value) {
    put(parent, name, value ? std::to_string(*value) : std::string());
}

Element tree_of(const AggregateRecord& record) {
    Element evaluated{"policy_evaluated", {}, {}};
    put(evaluated, "disposition", record.disposition);
    put(evaluated, "dkim", record.dkim);
    put(evaluated, "spf", record.spf);
    for (const auto& reason : record.reasons) {
        Element made{"reason", {}, {}};
        put(made, "type", reason.type);
        put(made, "comment", reason.comment);
        evaluated.children.push_back(made);
    }
    Element row{"row", {}, {}};
    put(row, "source_ip", record.source_ip);
    put(row, "count", std::optional(record.count));
    row.children.push_back(evaluated);
    Element identifiers{"identifiers", {}, {}};
    put(identifiers, "header_from", record.header_from);
    if (record.envelope_from == "<>") {
        identifiers.children.push_back({"envelope_from", {}, {}});
    } else {
        put(identifiers, "envelope_from", record.envelope_from);
    }
    put(identifiers, "envelope_to", record.envelope_to);
    Element results{"auth_results", {}, {}};
    for (const auto& result : record.dkim_results) {
        Element made{"dkim", {}, {}};
        put(made, "domain", result.domain);
        put(made, "selector", result.selector);
        put(made, "result", result.result);
        put(made, "human_result", result.human_result);
        results.children.push_back(made);
    }
    for (const auto& result : record.spf_results) {
        Element made{"spf", {}, {}};
        put(made, "domain", result.domain);
        put(made, "scope", result.scope);
        put(made, "result", result.result);
        put(made, "human_result", result.human_result);
        results.children.push_back(made);
    }
    return {"record", {}, {row, identifiers, results}};
}

std::string escaped(const std::string& text, const XmlStyle& style) {
    if (style.cdata && !text.empty() && text.find("]]>") == std::string::npos) {
        return "<![CDATA[" + text + "]]>";
    }
    static const std::map<char, std::string> kEntities{
        {'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
    std::string out;
    for (const char c : text) {
        const auto entity = kEntities.find(c);
        out += entity == kEntities.end() ? std::string(1, c) : entity->second;
    }
    return out;
}

void print(const Element& element,
           const XmlStyle& style,
           const std::string& attribute,
           std::string& out) {
    const std::string name = style.prefix + element.name;
    out += "<" + name + attribute + ">";
    if (element.children.empty()) {
        out += escaped(element.text, style);
    } else {
        out += style.line_end;
        for (const auto& child : element.children) {
            print(child, style, {}, out);
        }
    }
    out += "</" + name + ">" + style.line_end;
}

}  // namespace

Element tree_of(const AggregateReport& report) {
    Element range{"date_range", {}, {}};
    put(range, "begin", report.begin_at);
    put(range, "end", report.end_at);
    Element metadata{"report_metadata", {}, {range}};
    put(metadata, "org_name", report.org_name);
    put(metadata, "email", report.org_email);
    put(metadata, "extra_contact_info", report.extra_contact_info);
    put(metadata, "report_id", report.report_id);
    put(metadata, "generator", report.generator);
    for (std::size_t at = 0; at < report.errors.size();) {
        const auto end = std::min(report.errors.find('\n', at), report.errors.size());
        put(metadata, "error", report.errors.substr(at, end - at));
        at = end + 1;
    }
    Element published{"policy_published", {}, {}};
    put(published, "domain", report.domain);
    put(published, "adkim", report.adkim);
    put(published, "aspf", report.aspf);
    put(published, "p", report.p);
    put(published, "sp", report.sp);
    put(published, "np", report.np);
    put(published, "pct", report.pct);
    put(published, "fo", report.fo);
    put(published, "testing", report.testing);
    put(published, "discovery_method", report.discovery_method);
    Element root{"feedback", {}, {metadata, published}};
    put(root, "version", report.version);
    for (const auto& record : report.records) {
        root.children.push_back(tree_of(record));
    }
    return root;
}

std::string xml_of(const AggregateReport& report, const Element& tree, const XmlStyle& style) {
    std::string attribute;
    if (!report.xml_namespace.empty()) {
        const std::string prefix = style.prefix.substr(0, style.prefix.find(':'));
        attribute = (prefix.empty() ? " xmlns" : " xmlns:" + prefix) + "=\"" +
                    escaped(report.xml_namespace, {}) + "\"";
    }
    std::string out;
    print(tree, style, attribute, out);
    return out;
}

std::string printed(const AggregateReport& report) {
    return xml_of(report, tree_of(report), {{}, "\n"});
}

}  // namespace dmarcbox::test
