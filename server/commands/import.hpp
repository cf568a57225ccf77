#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>
#include <vector>

#include "server/config.hpp"
#include "server/terminal.hpp"

namespace dmarcbox {

/// `dmarcbox import PATH...`
struct ImportOptions {
    std::vector<std::string> paths;  ///< files, folders, Maildirs, `-`
    std::size_t jobs = 0;            ///< workers; 0: one per core
    bool quiet = false;              ///< no progress, no summary; faults are still told
};

/// Reads every message of the paths through the same intake as `serve` and stores it. What is known
/// already is skipped, so that an import can be started again. Data on `out`, faults and progress
/// on `err`. Returns 0, 1 if anything was unreadable or could not be read, 130 if interrupted.
/// Throws DatabaseError if the database cannot be opened.
[[nodiscard]] int run_import(const Config& config,
                             const ImportOptions& options,
                             const Terminal& terminal,
                             std::ostream& out,
                             std::ostream& err);

}  // namespace dmarcbox
