#include "schema/aggregate_elements.hpp"

#include <algorithm>
#include <array>

namespace dmarcbox::schema {
namespace {

struct Name {
    std::string_view name;
    Element element;
};

constexpr bool shorter(std::string_view a, std::string_view b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
}

/// By length: names of one length are few enough to be compared one by one.
constexpr auto kNames = [] {
    std::array names{
        Name{"adkim", Element::adkim},
        Name{"aspf", Element::aspf},
        Name{"auth_results", Element::auth_results},
        Name{"begin", Element::begin},
        Name{"comment", Element::comment},
        Name{"count", Element::count},
        Name{"date_range", Element::date_range},
        Name{"discovery_method", Element::discovery_method},
        Name{"disposition", Element::disposition},
        Name{"dkim", Element::dkim},
        Name{"domain", Element::domain},
        Name{"email", Element::email},
        Name{"end", Element::end},
        Name{"envelope_from", Element::envelope_from},
        Name{"envelope_to", Element::envelope_to},
        Name{"error", Element::error},
        Name{"extension", Element::extension},
        Name{"extra_contact_info", Element::extra_contact_info},
        Name{"feedback", Element::feedback},
        Name{"fo", Element::fo},
        Name{"generator", Element::generator},
        Name{"header_from", Element::header_from},
        Name{"human_result", Element::human_result},
        Name{"identifiers", Element::identifiers},
        Name{"identities", Element::identifiers},
        Name{"np", Element::np},
        Name{"org_name", Element::org_name},
        Name{"p", Element::p},
        Name{"pct", Element::pct},
        Name{"policy_evaluated", Element::policy_evaluated},
        Name{"policy_published", Element::policy_published},
        Name{"reason", Element::reason},
        Name{"record", Element::record},
        Name{"report_id", Element::report_id},
        Name{"report_metadata", Element::report_metadata},
        Name{"result", Element::result},
        Name{"row", Element::row},
        Name{"scope", Element::scope},
        Name{"selector", Element::selector},
        Name{"source_ip", Element::source_ip},
        Name{"sp", Element::sp},
        Name{"spf", Element::spf},
        Name{"testing", Element::testing},
        Name{"type", Element::type},
        Name{"version", Element::version},
    };
    std::sort(names.begin(), names.end(),
              [](const Name& a, const Name& b) { return shorter(a.name, b.name); });
    return names;
}();

constexpr std::size_t kLongest = kNames.back().name.size();

/// Index of the first name with that length or more.
constexpr auto kFirstOfLength = [] {
    std::array<std::size_t, kLongest + 2> first{};
    for (std::size_t length = 0; length < first.size(); ++length) {
        first[length] = static_cast<std::size_t>(
            std::count_if(kNames.begin(), kNames.end(),
                          [length](const Name& name) { return name.name.size() < length; }));
    }
    return first;
}();

}  // namespace

Element element_of(std::string_view local_name) {
    if (local_name.size() > kLongest) {
        return Element::unknown;
    }
    const auto end = kFirstOfLength[local_name.size() + 1];
    for (auto i = kFirstOfLength[local_name.size()]; i < end; ++i) {
        if (kNames[i].name == local_name) {
            return kNames[i].element;
        }
    }
    return Element::unknown;
}

bool holds_text(Element element, Element parent) {
    switch (element) {
        case Element::dkim:
        case Element::spf:
            return parent == Element::policy_evaluated;
        case Element::unknown:
        case Element::auth_results:
        case Element::date_range:
        case Element::extension:
        case Element::feedback:
        case Element::identifiers:
        case Element::policy_evaluated:
        case Element::policy_published:
        case Element::reason:
        case Element::record:
        case Element::report_metadata:
        case Element::row:
            return false;
        case Element::adkim:
        case Element::aspf:
        case Element::begin:
        case Element::comment:
        case Element::count:
        case Element::discovery_method:
        case Element::disposition:
        case Element::domain:
        case Element::email:
        case Element::end:
        case Element::envelope_from:
        case Element::envelope_to:
        case Element::error:
        case Element::extra_contact_info:
        case Element::fo:
        case Element::generator:
        case Element::header_from:
        case Element::human_result:
        case Element::np:
        case Element::org_name:
        case Element::p:
        case Element::pct:
        case Element::report_id:
        case Element::result:
        case Element::scope:
        case Element::selector:
        case Element::source_ip:
        case Element::sp:
        case Element::testing:
        case Element::type:
        case Element::version:
            return true;
    }
    return false;
}

}  // namespace dmarcbox::schema
