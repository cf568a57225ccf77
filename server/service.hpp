#pragma once

#include <functional>

#include "server/config.hpp"

namespace dmarcbox {

/// Builds everything `serve` needs, wires it, runs until SIGTERM or SIGINT, stops it in order.
/// Returns the exit code. Throws DatabaseError, ConfigError, std::system_error before it is ready.
[[nodiscard]] int serve(const Config& config, const std::function<Config()>& reload);

}  // namespace dmarcbox
