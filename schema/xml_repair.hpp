#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "schema/finding_list.hpp"

namespace dmarcbox::schema {

/// Makes an aggregate report well-formed that is not: drops what stands before and behind the
/// `feedback` element (text, loose or unclosed elements), and turns `<` in text into a reference.
/// Each repair has its finding. Nullopt if that does not help: no such element, an end tag missing
/// or crossed (a truncated document), or too many repairs. Linear in time; the result is at most 64
/// KiB longer than the text.
[[nodiscard]] std::optional<std::string> repair_xml(std::string_view text, FindingList& findings);

}  // namespace dmarcbox::schema
