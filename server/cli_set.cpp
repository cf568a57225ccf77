#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>
#include <utility>

#include "server/cli_commands.hpp"

namespace dmarcbox {
namespace {

constexpr std::size_t kNameColumn = 26;

/// Words from column kNameColumn on, in lines of at most 80 columns.
std::string wrapped(const std::string& description) {
    constexpr std::size_t kWidth = 80 - kNameColumn;
    std::istringstream words(description);
    std::string text;
    std::size_t used = 0;
    for (std::string word; words >> word;) {
        if (used > 0 && used + 1 + word.size() > kWidth) {
            text += "\n" + std::string(kNameColumn, ' ');
            used = 0;
        }
        text += (used > 0 ? " " : "") + word;
        used += (used > 0 ? 1 : 0) + word.size();
    }
    return text + "\n";
}

std::string flag_line(const CLI::Option& option) {
    std::string names;
    for (const auto& name : option.get_snames()) {
        names += (names.empty() ? "-" : ", -") + name;
    }
    for (const auto& name : option.get_lnames()) {
        names += (names.empty() ? "--" : ", --") + name;
    }
    if (names.empty()) {
        names = option.get_name();
    } else if (option.get_expected_max() > 0) {
        names += " " + option.get_type_name();
    }
    std::string line = "  " + names;
    line += line.size() + 2 > kNameColumn ? "\n" + std::string(kNameColumn, ' ')
                                          : std::string(kNameColumn - line.size(), ' ');
    return line + wrapped(option.get_description());
}

std::string usage_line(const CLI::App& app) {
    std::string line = "dmarcbox";
    if (app.get_parent() == nullptr) {
        return line + " COMMAND [FLAGS]";
    }
    line += " " + app.get_name();
    for (const auto* option : app.get_options()) {
        if (option->get_positional()) {
            const std::string name =
                option->get_name() + (option->get_expected_max() > 1 ? "..." : "");
            line += option->get_required() ? " " + name : " [" + name + "]";
        }
    }
    return line + " [FLAGS]";
}

std::string flags_of(const CLI::App& app) {
    std::string text;
    for (const auto* option : app.get_options()) {
        if (!option->get_group().empty() && !option->get_description().empty()) {
            text += flag_line(*option);
        }
    }
    return text;
}

}  // namespace

Config CommandContext::load() const {
    Overrides all = overrides;
    if (database) {
        all["storage.path"] = {*database};
    }
    return load_config(
        config_file ? std::optional<std::filesystem::path>(*config_file) : std::nullopt, all);
}

namespace {

ColourChoice colour_choice(const std::string& text) {
    if (text == "always") {
        return ColourChoice::always;
    }
    return text == "never" ? ColourChoice::never : ColourChoice::automatic;
}

}  // namespace

Terminal CommandContext::out_terminal() const {
    Terminal terminal = terminal_of(STDOUT_FILENO, colour_choice(colour));
    terminal.unicode = terminal.unicode && !ascii;
    return terminal;
}

Terminal CommandContext::err_terminal() const {
    Terminal terminal = terminal_of(STDERR_FILENO, colour_choice(colour));
    terminal.unicode = terminal.unicode && !ascii;
    return terminal;
}

CommandSet::CommandSet(CLI::App& program) : program_(program) {
    program_.set_help_flag();  // help is found anywhere in the line, see run()
    program_
        .add_option("--db", context_.database, "the database (storage.path); default dmarcbox.db")
        ->type_name("FILE");
    program_
        .add_option("--config", context_.config_file,
                    "configuration; default /etc/dmarcbox/dmarcbox.toml if there")
        ->type_name("FILE");
    choice(
        program_.add_option("--color", context_.colour, "auto, always or never")->type_name("WHEN"),
        {"auto", "always", "never"});
    program_.add_flag("--ascii", context_.ascii, "bars and marks in ASCII, whatever the locale");
    examples_[&program_] = {"import ~/saved-reports", "summary", "readiness example.org",
                            "dns example.org --for reports.example"};
}

CLI::Option* CommandSet::choice(CLI::Option* option, const std::vector<std::string>& words) {
    return suggest(option->check(CLI::IsMember(words).description("")), words);
}

CLI::Option* CommandSet::suggest(CLI::Option* option, const std::vector<std::string>& words) {
    words_[option] = words;
    return option;
}

std::vector<std::string> CommandSet::words_for(const CLI::Option& option) const {
    const auto found = words_.find(&option);
    return found == words_.end() ? std::vector<std::string>{} : found->second;
}

CLI::App& CommandSet::add(const std::string& name,
                          const std::string& description,
                          const std::vector<std::string>& examples,
                          Action action) {
    CLI::App* command = program_.add_subcommand(name, description);
    command->set_help_flag();
    command->fallthrough();
    command->callback([this, action = std::move(action)] { chosen_ = action; });
    examples_[command] = examples;
    return *command;
}

std::string CommandSet::help(const CLI::App& app) const {
    const bool whole = app.get_parent() == nullptr;
    std::string text = app.get_description() + "\n\nUSAGE\n  " + usage_line(app) + "\n";
    if (const auto found = examples_.find(&app); found != examples_.end()) {
        text += "\nEXAMPLES\n";
        for (const auto& example : found->second) {
            text += "  dmarcbox " + example + "\n";
        }
    }
    if (whole) {
        text += "\nCOMMANDS\n";
        for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
            const std::string name = "  " + command->get_name();
            text += name + std::string(kNameColumn - std::min(kNameColumn, name.size()), ' ') +
                    wrapped(command->get_description());
        }
    } else if (const std::string flags = flags_of(app); !flags.empty()) {
        text += "\nFLAGS\n" + flags;
    }
    text += "\nFLAGS OF EVERY COMMAND\n" + flags_of(program_) +
            "  -h, --help              this text\n"
            "  --version               version, commit and libraries\n";
    if (whole) {
        text += "\n`dmarcbox COMMAND --help` tells more, with examples.\n";
    }
    return text;
}

}  // namespace dmarcbox
