#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mime/finding.hpp"
#include "mime/limits.hpp"
#include "mime/unzip.hpp"

namespace dmarcbox::mime {

/// Unpacks gzip (RFC 1952): all members, joined; checksums and lengths checked. Bytes after the
/// last member are ignored with a finding. Nullopt with a fault in `findings` where anything is
/// wrong: never half a document.
[[nodiscard]] std::optional<std::string> gunzip(std::string_view packed,
                                                const std::string& part,
                                                const Limits& limits,
                                                const Expired& expired,
                                                UnpackBudget& budget,
                                                Findings& findings);

/// Unpacks a zlib stream (RFC 1950); nullopt without finding if it is none.
[[nodiscard]] std::optional<std::string> inflate_zlib(std::string_view packed,
                                                      const Limits& limits,
                                                      const Expired& expired,
                                                      UnpackBudget& budget);

}  // namespace dmarcbox::mime
