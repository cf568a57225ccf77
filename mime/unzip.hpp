#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "mime/finding.hpp"
#include "mime/limits.hpp"
#include "mime/unpack_budget.hpp"

namespace dmarcbox::mime {

/// Called with each file of the archive: name (UTF-8) and content.
using MemberSink = std::function<void(std::string name, std::string bytes)>;

/// Reads a zip archive from memory, with or without central directory, with data descriptors.
/// Folders, `__MACOSX/` and desktop leftovers are skipped. Faults of one member are findings under
/// `part` + "/" + its name; the next one is read on.
void unzip(std::string_view archive,
           const std::string& part,
           const Limits& limits,
           const Expired& expired,
           UnpackBudget& budget,
           const MemberSink& sink,
           Findings& findings);

}  // namespace dmarcbox::mime
