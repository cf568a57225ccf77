#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dmarcbox {

/// A command as completion needs to know it.
struct CommandWords {
    std::string name;
    std::string description;
    std::vector<std::string> flags;  ///< `--jobs`
};

/// Script for `bash`, `zsh` or `fish`, to be sourced. Empty for any other shell.
[[nodiscard]] std::string completion_script(std::string_view shell,
                                            const std::vector<CommandWords>& commands,
                                            const std::vector<std::string>& global_flags);

}  // namespace dmarcbox
