#pragma once

#include <string_view>
#include <vector>

#include "server/config.hpp"

namespace dmarcbox {

/// Names of the keys, in the order of config_keys(), whose value in `fresh` a service that runs
/// with `running` takes by a restart only. Not among them: what a reload takes (smtp.accept,
/// log.level, a certificate that is there), and [check], which the service never reads.
[[nodiscard]] std::vector<std::string_view> keys_that_need_restart(Config running, Config fresh);

}  // namespace dmarcbox
