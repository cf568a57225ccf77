#pragma once

#include <cstdint>
#include <iosfwd>

#include "server/config.hpp"
#include "server/terminal.hpp"

namespace dmarcbox {

struct ShowOptions {
    std::int64_t message_id = 0;
    bool raw = false;    ///< the original bytes instead
    bool force = false;  ///< --raw on a terminal
};

/// `dmarcbox show ID`: receipt, findings and reports of one message; with `raw` its bytes as they
/// are. Returns 0; 1 with one line on `err` if there is no such message or its bytes are not kept.
/// Throws UsageError for raw bytes on a terminal without force: they may command it.
[[nodiscard]] int run_show(const Config& config,
                           const ShowOptions& options,
                           const Terminal& terminal,
                           std::ostream& out,
                           std::ostream& err);

}  // namespace dmarcbox
