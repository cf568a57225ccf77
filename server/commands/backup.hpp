#pragma once

#include <filesystem>
#include <iosfwd>

#include "server/config.hpp"

namespace dmarcbox {

/// `dmarcbox backup FILE`: a verified copy of a live database, by whoever can read it. Returns 0.
/// Throws DatabaseError, `file` untouched.
[[nodiscard]] int run_backup(const Config& config,
                             const std::filesystem::path& file,
                             std::ostream& out,
                             std::ostream& err);

}  // namespace dmarcbox
