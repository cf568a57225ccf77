#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "server/cli_commands.hpp"
#include "server/commands/completion.hpp"

namespace dmarcbox {
namespace {

std::vector<std::string> long_flags(const CLI::App& app) {
    std::vector<std::string> flags;
    for (const auto* option : app.get_options()) {
        for (const auto& name : option->get_lnames()) {
            flags.push_back("--" + name);
        }
    }
    return flags;
}

}  // namespace

void add_completion(CommandSet& commands) {
    auto shell = std::make_shared<std::string>();
    CLI::App& command = commands.add(
        "completion", "print a completion script for bash, zsh or fish",
        {"completion bash > /etc/bash_completion.d/dmarcbox", "completion fish | source"},
        [shell, &commands] {
            std::vector<CommandWords> words;
            const CLI::App& program = commands.program();
            for (const auto* one : program.get_subcommands([](const CLI::App*) { return true; })) {
                words.push_back({one->get_name(), one->get_description(), long_flags(*one)});
            }
            std::vector<std::string> global = long_flags(program);
            global.insert(global.end(), {"--help", "--version"});
            std::cout << completion_script(*shell, words, global);
            return 0;
        });
    command.add_option("SHELL", *shell, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}).description(""));
}

}  // namespace dmarcbox
