#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>

#include "server/commands/check_finding.hpp"
#include "server/config.hpp"

namespace dmarcbox {

struct CheckOptions {
    bool nagios = false;  ///< plugin codes and performance data, always one line at least
    bool all = false;     ///< repeat what was told in the last 24 hours
};

/// `dmarcbox check`: one line per finding that is new, worse, or was last told 24 hours ago. Silent
/// and 0 when all is well, 1 while there is a finding, told or not. With `nagios` 0, 1, 2, and 3
/// with one line if the configuration or the database cannot be read: `load` may throw. Where the
/// database cannot be written to, every finding is told, and on `err` why it will be told again.
[[nodiscard]] int run_check(const std::function<Config()>& load,
                            const CheckOptions& options,
                            std::ostream& out,
                            std::ostream& err,
                            std::int64_t now);

/// First line `DMARCBOX STATE - words | values`, then one line per finding. Returns the plugin
/// code.
int print_nagios(const CheckResult& result, std::ostream& out);

}  // namespace dmarcbox
