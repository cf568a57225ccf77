#include "server/cli.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <csignal>
#include <exception>
#include <iostream>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/cli_commands.hpp"
#include "server/nearest.hpp"
#include "server/terminal.hpp"
#include "server/version.hpp"

namespace dmarcbox {
namespace {

constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

void print_error(std::string_view what) {
    std::cout.flush();
    std::cerr << "dmarcbox: " << escape_for_terminal(what) << std::endl;
}

/// Flags of the program that take a value: the argument after them is no command.
constexpr std::array<std::string_view, 3> kValueFlags{"--db", "--config", "--color"};

struct Words {
    std::string command;  ///< first argument that is no flag; may be empty
    bool help = false;
    bool version = false;
};

/// What the line asks for, before it is known to be right: --help works in any line.
Words look_at(const std::vector<std::string>& arguments) {
    Words words;
    for (std::size_t i = 0; i < arguments.size() && arguments[i] != "--"; ++i) {
        const std::string& argument = arguments[i];
        if (argument == "-h" || argument == "--help") {
            words.help = true;
        } else if (argument == "--version" || (argument == "-V" && words.command.empty())) {
            words.version = true;
        } else if (std::find(kValueFlags.begin(), kValueFlags.end(), argument) !=
                   kValueFlags.end()) {
            ++i;
        } else if (!argument.starts_with('-') && words.command.empty()) {
            words.command = argument;
        } else if (!argument.starts_with('-') && words.command == "help") {
            words.command = argument;
            words.help = true;
        }
    }
    if (words.command == "help") {
        words.command.clear();
        words.help = true;
    }
    return words;
}

CLI::App* find_command(CLI::App& program, const std::string& name) {
    const auto commands = program.get_subcommands(
        [&name](const CLI::App* command) { return command->get_name() == name; });
    return commands.empty() ? nullptr : commands.front();
}

std::string unknown_command(CLI::App& program, const std::string& name) {
    std::vector<std::string> names;
    for (const auto* command : program.get_subcommands([](const CLI::App*) { return true; })) {
        names.push_back(command->get_name());
    }
    const std::string_view nearest =
        nearest_name(name, std::vector<std::string_view>(names.begin(), names.end()));
    return "no command \"" + name + "\"" +
           (nearest.empty() ? "; " : "; did you mean \"" + std::string(nearest) + "\"? ") +
           "`dmarcbox --help` lists all.";
}

/// The line for a flag that none of `apps` has, or not with a value.
std::string no_flag(const std::string& argument,
                    const std::vector<const CLI::App*>& apps,
                    const std::string& more) {
    const std::string name = argument.substr(0, argument.find('='));
    std::vector<std::string> names{"--help", "--version"};
    for (const CLI::App* app : apps) {
        for (const auto* option : app->get_options()) {
            for (const auto& long_name : option->get_lnames()) {
                names.push_back("--" + long_name);
            }
        }
    }
    if (name != argument && std::find(names.begin(), names.end(), name) != names.end()) {
        return name + " takes no value";
    }
    const std::string_view nearest =
        nearest_name(name, std::vector<std::string_view>(names.begin(), names.end()));
    return "no flag \"" + name + "\"" +
           (nearest.empty() ? more : "; did you mean \"" + std::string(nearest) + "\"?");
}

/// A flag of the program that it does not have, in a line without a command.
std::optional<std::string> unknown_flag(const CLI::App& program,
                                        const std::vector<std::string>& arguments) {
    for (std::size_t i = 0; i < arguments.size() && arguments[i] != "--"; ++i) {
        const std::string& argument = arguments[i];
        if (std::find(kValueFlags.begin(), kValueFlags.end(), argument) != kValueFlags.end()) {
            ++i;
        } else if (argument.starts_with('-') &&
                   program.get_option_no_throw(argument.substr(0, argument.find('='))) == nullptr) {
            return no_flag(argument, {&program}, "; `dmarcbox --help` lists all");
        }
    }
    return std::nullopt;
}

/// The line for arguments that nobody expected.
std::string unexpected(CLI::App& program, const CLI::App& command) {
    std::vector<std::string> extras = program.remaining(true);
    std::erase(extras, "--");
    const auto known = [&](const std::string& flag) {
        return program.get_option_no_throw(flag) != nullptr ||
               command.get_option_no_throw(flag) != nullptr;
    };
    // Behind `--` a flag that exists is an argument.
    const auto flag = std::find_if(extras.begin(), extras.end(), [&](const std::string& extra) {
        return extra.starts_with('-') && extra.size() > 1 &&
               !known(extra.substr(0, extra.find('=')));
    });
    const std::string more = "; see `dmarcbox " + command.get_name() + " --help`";
    if (flag == extras.end()) {
        return command.get_name() + ": unexpected argument \"" +
               (extras.empty() ? std::string{} : extras.front()) + "\"" + more;
    }
    return command.get_name() + ": " + no_flag(*flag, {&command, &program}, more);
}

/// What was printed has to have arrived.
int finish(int code) {
    std::cout.flush();
    if (!std::cout) {
        throw std::runtime_error("standard output: cannot be written");
    }
    return code;
}

int run_command(CommandSet& commands, const std::vector<std::string>& arguments) {
    CLI::App& program = commands.program();
    const Words words = look_at(arguments);
    if (words.version && !words.help) {
        std::cout << version_text();
        return finish(kDone);
    }
    CLI::App* command = words.command.empty() ? nullptr : find_command(program, words.command);
    if (!words.command.empty() && command == nullptr) {
        throw UsageError(unknown_command(program, words.command));
    }
    if (words.help) {
        std::cout << commands.help(command == nullptr ? program : *command);
        return finish(kDone);
    }
    if (command == nullptr) {
        if (const auto line = unknown_flag(program, arguments)) {
            throw UsageError(*line);
        }
        std::cerr << commands.help(program);
        return kWrongUsage;
    }
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());  // CLI11 pops the back
    try {
        program.parse(std::move(reversed));
    } catch (const CLI::ExtrasError&) {
        throw UsageError(unexpected(program, *command));
    } catch (const CLI::ParseError& error) {
        throw UsageError(command->get_name() + ": " + error.what() + "; see `dmarcbox " +
                         command->get_name() + " --help`");
    }
    return finish(commands.chosen()());
}

}  // namespace

int run(int argc, char** argv) {
    use_locale();
    try {
        CLI::App program(
            "dmarcbox keeps the DMARC and TLS reports that the world sends, in one SQLite file.",
            "dmarcbox");
        CommandSet commands(program);
        add_all_commands(commands);
        return run_command(commands,
                           std::vector<std::string>(argv + std::min(argc, 1), argv + argc));
    } catch (const UsageError& error) {
        print_error(error.what());
        return kWrongUsage;
    } catch (const ConfigError& error) {
        print_error(error.what());
        return kWrongUsage;
    } catch (const std::bad_alloc&) {
        print_error("out of memory");
    } catch (const std::exception& error) {
        print_error(error.what());
    }
    return kFailed;
}

}  // namespace dmarcbox
