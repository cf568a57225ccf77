#include "schema/aggregate_reader.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <pugixml.hpp>
#include <utility>

#include "schema/aggregate_reader_elements.hpp"
#include "schema/finding_codes_aggregate.hpp"
#include "schema/scalar_text.hpp"
#include "schema/xml_text.hpp"

// Each parent has a few children of all the names there are; the rest are unknown in it.
#pragma GCC diagnostic ignored "-Wswitch-enum"

namespace dmarcbox::schema {
namespace {

constexpr std::string_view kNamespace9990 = "urn:ietf:params:xml:ns:dmarc-2.0";
/// Those of the 0.1 schema and RFC 7489, of an interim draft, of RFC 9990.
constexpr std::array<std::string_view, 3> kNamespaces{
    "http://dmarc.org/dmarc-xml/0.1", "http://dmarc.org/dmarc-xml/0.2", kNamespace9990};

std::string_view prefix_of(std::string_view name) {
    const auto colon = name.find_last_of(':');
    return colon == std::string_view::npos ? std::string_view{} : name.substr(0, colon);
}

/// More are no report's: they would make each element dear.
constexpr std::size_t kMaxPrefixes = 32;

/// The attribute that declares a prefix (Namespaces in XML 1.0 section 3).
std::string declaration_of(std::string_view prefix) {
    return prefix.empty() ? "xmlns" : std::string("xmlns:").append(prefix);
}

/// The node's own or inherited declaration; nullopt if there is none in this tree.
std::optional<std::string_view> declared(pugi::xml_node node, const std::string& attribute) {
    for (; node; node = node.parent()) {
        if (const auto found = node.attribute(attribute.c_str())) {
            return found.value();
        }
    }
    return std::nullopt;
}

}  // namespace

AggregateReader::AggregateReader(const Limits& limits,
                                 const Expired& expired,
                                 XmlMemory& memory,
                                 FindingList& findings)
    : limits_(limits), expired_(expired), memory_(memory), findings_(findings) {}

bool may_repeat(Element element, Element parent) {
    switch (parent) {
        case Element::feedback:
            return element == Element::record || element == Element::extension;
        case Element::report_metadata:
            return element == Element::error;
        case Element::policy_evaluated:
            return element == Element::reason;
        case Element::auth_results:
            return true;
        default:
            return element == Element::extension;
    }
}

/// Elements of another namespace are extensions (RFC 9990), which nobody has to know.
void AggregateReader::note_unknown(const pugi::xml_node& node, const Parent& parent) {
    const std::string_view name = node.name();
    const auto prefix = prefix_of(name);
    if ((!prefix.empty() && prefix != root_prefix_) || node.attribute("xmlns")) {
        return;
    }
    findings_.add(aggregate::kUnknownElement,
                  std::string(parent.path).append("/").append(local_part(name)));
}

std::string_view AggregateReader::foreign_namespace(const pugi::xml_node& node) const {
    const auto prefix = prefix_of(node.name());
    const bool inherits = prefix.empty() || prefix == root_prefix_;
    if (inherits && !node.first_attribute()) {
        return {};
    }
    const std::string attribute = declaration_of(prefix);
    // Without a declaration of its own such an element is in the namespace of what it stands in,
    // which is none that was skipped.
    auto uri = inherits ? std::string_view(node.attribute(attribute.c_str()).value())
                        : declared(node, attribute).value_or(std::string_view{});
    if (!inherits && uri.empty()) {
        const auto known = std::find_if(prefixes_.begin(), prefixes_.end(),
                                        [&](const auto& p) { return p.first == prefix; });
        uri = known == prefixes_.end() ? std::string_view{} : std::string_view(known->second);
    }
    const bool is_own = uri == report_.xml_namespace ||
                        std::find(kNamespaces.begin(), kNamespaces.end(), uri) != kNamespaces.end();
    return is_own ? std::string_view{} : uri;
}

void AggregateReader::read_root(const pugi::xml_node& root) {
    root_prefix_ = prefix_of(root.name());
    report_.xml_namespace = trim(cut_text(
        collapse(replace_bad_utf8(declared(root, declaration_of(root_prefix_)).value_or(""))),
        limits_.max_text_bytes));
    // Slices come without the root: what it declares is kept.
    for (auto node = root; node; node = node.parent()) {
        for (auto a = node.first_attribute(); a; a = a.next_attribute()) {
            const std::string_view name = a.name();
            if (name.starts_with("xmlns:") && prefixes_.size() < kMaxPrefixes) {
                prefixes_.emplace_back(name.substr(6), a.value());
            }
        }
    }
    shows_9990_ |= report_.xml_namespace == kNamespace9990;
    read_children(root);
}

void AggregateReader::read_children(const pugi::xml_node& parent) {
    const Seen seen = visit_own(
        parent, {Element::feedback, "feedback"},
        [this](Element element, const pugi::xml_node& node) { return read_child(element, node); });
    found_.own |= seen.own;
    found_.foreign |= seen.foreign;
}

void AggregateReader::read_foreign_children(const pugi::xml_node& parent) {
    adopted_ |= visit_foreign(
        parent, {Element::feedback, "feedback"},
        [this](Element element, const pugi::xml_node& node) { return read_child(element, node); },
        found_.own);
}

bool AggregateReader::read_child(Element element, const pugi::xml_node& node) {
    // Parts of one document may come one by one: what was seen before counts too.
    if (((found_.own | adopted_) & bit(element)) != 0 && element != Element::record &&
        element != Element::extension) {
        findings_.add(aggregate::kRepeatedElement,
                      std::string("feedback/").append(local_part(node.name())));
        return true;
    }
    switch (element) {
        case Element::version:
            read_text(report_.version, node, "version");
            return true;
        case Element::report_metadata:
            for_each_element(
                node, {Element::report_metadata, "report_metadata"},
                [this](Element e, const pugi::xml_node& n) { return read_metadata(e, n); });
            return true;
        case Element::policy_published:
            for_each_element(
                node, {Element::policy_published, "policy_published"},
                [this](Element e, const pugi::xml_node& n) { return read_published(e, n); });
            return true;
        case Element::extension:
            shows_9990_ = true;
            return true;
        case Element::record:
            read_record(node);
            return true;
        default:
            return false;
    }
}

bool AggregateReader::read_metadata(Element element, const pugi::xml_node& node) {
    switch (element) {
        case Element::org_name:
            read_text(report_.org_name, node, "report_metadata/org_name");
            return true;
        case Element::email:
            read_text(report_.org_email, node, "report_metadata/email");
            return true;
        case Element::extra_contact_info:
            read_text(report_.extra_contact_info, node, "report_metadata/extra_contact_info");
            return true;
        case Element::report_id:
            read_text(report_.report_id, node, "report_metadata/report_id");
            return true;
        case Element::date_range:
            read_date_range(node);
            return true;
        case Element::error:
            read_error(node);
            return true;
        case Element::generator:
            read_text(report_.generator, node, "report_metadata/generator");
            shows_9990_ = true;
            return true;
        default:
            return false;
    }
}

void AggregateReader::read_date_range(const pugi::xml_node& node) {
    for_each_element(node, {Element::date_range, "report_metadata/date_range"},
                     [this](Element element, const pugi::xml_node& child) {
                         if (element != Element::begin && element != Element::end) {
                             return false;
                         }
                         const bool is_begin = element == Element::begin;
                         const auto text = text_of(child, "report_metadata/date_range");
                         if (!text.empty()) {
                             (is_begin ? report_.begin_at : report_.end_at) =
                                 read_time(text, findings_);
                             (is_begin ? has_begin_ : has_end_) = true;
                         }
                         return true;
                     });
}

void AggregateReader::read_error(const pugi::xml_node& node) {
    const auto text = text_of(node, "report_metadata/error");
    if (text.empty()) {
        return;
    }
    const std::size_t line_end = report_.errors.empty() ? 0 : 1;
    const std::size_t used = std::min(report_.errors.size() + line_end, limits_.max_text_bytes);
    const auto kept = trim(cut_text(text, limits_.max_text_bytes - used));
    if (kept.size() < text.size()) {
        findings_.add(aggregate::kCut, "report_metadata/error");
    }
    if (!kept.empty()) {
        report_.errors.append(line_end, '\n').append(kept);
    }
}

bool AggregateReader::read_published(Element element, const pugi::xml_node& node) {
    switch (element) {
        case Element::domain:
            read_domain(report_.domain, node, "policy_published/domain");
            return true;
        case Element::adkim:
            read_enumerated(report_.adkim, node, "policy_published/adkim",
                            Vocabulary::alignment_mode);
            return true;
        case Element::aspf:
            read_enumerated(report_.aspf, node, "policy_published/aspf",
                            Vocabulary::alignment_mode);
            return true;
        case Element::p:
            read_enumerated(report_.p, node, "policy_published/p", Vocabulary::policy);
            return true;
        case Element::sp:
            read_enumerated(report_.sp, node, "policy_published/sp", Vocabulary::policy);
            return true;
        case Element::np:
            read_enumerated(report_.np, node, "policy_published/np", Vocabulary::policy);
            shows_9990_ = true;
            return true;
        case Element::pct: {
            const auto text = text_of(node, "policy_published/pct");
            if (!text.empty()) {
                report_.pct = read_percentage(text, findings_);
            }
            return true;
        }
        case Element::fo:
            read_text(report_.fo, node, "policy_published/fo");
            return true;
        case Element::testing:
            read_enumerated(report_.testing, node, "policy_published/testing", Vocabulary::testing);
            shows_9990_ = true;
            return true;
        case Element::discovery_method:
            read_enumerated(report_.discovery_method, node, "policy_published/discovery_method",
                            Vocabulary::discovery_method);
            shows_9990_ = true;
            return true;
        default:
            return false;
    }
}

void AggregateReader::expect_records(std::size_t count) {
    // Reserved is not used: half of what is left leaves room for what the records hold.
    const std::size_t room = memory_.left() / 2 / sizeof(AggregateRecord);
    report_.records.reserve(std::min({count, room, limits_.max_records}));
}

void AggregateReader::missing_if_empty(const std::string& value, std::string_view path) {
    if (value.empty()) {
        findings_.add(aggregate::kMissingElement, path);
    }
}

AggregateReport AggregateReader::finish() {
    missing_if_empty(report_.org_name, "report_metadata/org_name");
    missing_if_empty(report_.org_email, "report_metadata/email");
    missing_if_empty(report_.report_id, "report_metadata/report_id");
    if (!has_begin_) {
        findings_.add(aggregate::kMissingElement, "report_metadata/date_range/begin");
    }
    if (!has_end_) {
        findings_.add(aggregate::kMissingElement, "report_metadata/date_range/end");
    }
    missing_if_empty(report_.domain, "policy_published/domain");
    missing_if_empty(report_.p, "policy_published/p");
    if (report_.record_count == 0) {
        findings_.add(aggregate::kNoRecords);
    }
    if (has_pass_disposition_ && !shows_9990_) {
        findings_.add(aggregate::kEarlyPass);
    }
    return std::exchange(report_, {});
}

}  // namespace dmarcbox::schema
