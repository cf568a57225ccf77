#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "server/cli_commands.hpp"
#include "server/commands/completion.hpp"

namespace dmarcbox {
namespace {

ValueWords value_of(const CommandSet& commands, const CLI::Option& option, std::string_view type) {
    return {commands.words_for(option), type == "FILE" || type == "PATH"};
}

std::vector<FlagWords> long_flags(const CommandSet& commands, const CLI::App& app) {
    std::vector<FlagWords> flags;
    for (const auto* option : app.get_options()) {
        for (const auto& name : option->get_lnames()) {
            flags.push_back({"--" + name, option->get_expected_max() > 0,
                             value_of(commands, *option, option->get_type_name())});
        }
    }
    return flags;
}

ValueWords arguments_of(const CommandSet& commands, const CLI::App& app) {
    for (const auto* option : app.get_options()) {
        if (option->get_positional()) {
            return value_of(commands, *option, option->get_name());
        }
    }
    return {};
}

std::string script_for(std::string_view shell, CommandSet& commands) {
    std::vector<CommandWords> words;
    ValueWords names;
    const CLI::App& program = commands.program();
    for (const auto* one : program.get_subcommands([](const CLI::App*) { return true; })) {
        words.push_back({one->get_name(), one->get_description(), long_flags(commands, *one),
                         arguments_of(commands, *one)});
        names.words.push_back(one->get_name());
    }
    words.push_back({"help", "what a command does, its flags, examples", {}, names});
    std::vector<FlagWords> global = long_flags(commands, program);
    global.push_back({"--help", false, {}});
    global.push_back({"--version", false, {}});
    return completion_script(shell, words, global);
}

}  // namespace

void add_completion(CommandSet& commands) {
    auto shell = std::make_shared<std::string>();
    CLI::App& command = commands.add(
        "completion", "print a completion script for bash, zsh or fish",
        {"completion bash > /etc/bash_completion.d/dmarcbox", "completion fish | source"},
        [shell, &commands] {
            std::cout << script_for(*shell, commands);
            return 0;
        });
    commands.choice(command.add_option("SHELL", *shell, "bash, zsh or fish")->required(),
                    {"bash", "zsh", "fish"});
}

}  // namespace dmarcbox
