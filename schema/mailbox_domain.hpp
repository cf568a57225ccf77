#pragma once

#include <string>
#include <string_view>

namespace dmarcbox::schema {

/// Domain of the first mailbox of a From field (RFC 5322 section 3.6.2), in lower case; empty if
/// there is none. `raw` is the field as sent: in a decoded one, an encoded word could pose as an
/// address.
[[nodiscard]] std::string mailbox_domain(std::string_view raw);

}  // namespace dmarcbox::schema
