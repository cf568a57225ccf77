#pragma once

#include <cstdint>
#include <string_view>

namespace dmarcbox::schema {

/// Element names of aggregate reports: the 0.1 schema, RFC 7489 appendix C, RFC 9990.
enum class Element : std::uint8_t {
    unknown,
    adkim,
    aspf,
    auth_results,
    begin,
    comment,
    count,
    date_range,
    discovery_method,
    disposition,
    dkim,
    domain,
    email,
    end,
    envelope_from,
    envelope_to,
    error,
    extension,
    extra_contact_info,
    feedback,
    fo,
    generator,
    header_from,
    human_result,
    identifiers,
    np,
    org_name,
    p,
    pct,
    policy_evaluated,
    policy_published,
    reason,
    record,
    report_id,
    report_metadata,
    result,
    row,
    scope,
    selector,
    source_ip,
    sp,
    spf,
    testing,
    type,
    version,
};

/// By local name; `identities`, which some reporters write, is identifiers.
[[nodiscard]] Element element_of(std::string_view local_name);

/// True if the element holds text and no elements. `dkim` and `spf` do in policy_evaluated only.
[[nodiscard]] bool holds_text(Element element, Element parent);

}  // namespace dmarcbox::schema
