#pragma once

#include <iosfwd>

namespace dmarcbox {

struct CommandContext;

/// `dmarcbox config`: prints the effective configuration as valid TOML. Returns 0, or 1 after one
/// line on standard error if it is invalid.
[[nodiscard]] int run_config(const CommandContext& context, std::ostream& out, std::ostream& err);

}  // namespace dmarcbox
