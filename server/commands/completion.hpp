#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dmarcbox {

/// What may follow a flag or a command: some words, names of files, or something of the user's own.
struct ValueWords {
    std::vector<std::string> words;
    bool files = false;
};

struct FlagWords {
    std::string name;  ///< `--jobs`; the same name has the same values in every command
    bool takes_value = false;
    ValueWords value;
};

/// A command as completion needs to know it.
struct CommandWords {
    std::string name;
    std::string description;
    std::vector<FlagWords> flags;
    ValueWords arguments;
};

/// Script for `bash`, `zsh` or `fish`, to be sourced. Empty for any other shell.
[[nodiscard]] std::string completion_script(std::string_view shell,
                                            const std::vector<CommandWords>& commands,
                                            const std::vector<FlagWords>& global_flags);

}  // namespace dmarcbox
