#pragma once

#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "server/config.hpp"
#include "server/terminal.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace dmarcbox {

/// A command line that makes no sense: exit code 2, one line.
class UsageError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// The flags of every command, and what each command needs of the world.
struct CommandContext {
    std::optional<std::string> config_file;  ///< --config
    std::optional<std::string> database;     ///< --db
    std::string colour = "auto";             ///< --color
    bool ascii = false;                      ///< --ascii
    Overrides overrides;                     ///< flags of the command that are settings

    /// Reads file, environment and flags. Throws ConfigError.
    [[nodiscard]] Config load() const;
    [[nodiscard]] Terminal out_terminal() const;
    [[nodiscard]] Terminal err_terminal() const;
};

/// Every command: declares its flags on the program and, when chosen by the command line, stores
/// what to run in `action`, which returns the exit code.
class CommandSet {
  public:
    using Action = std::function<int()>;

    explicit CommandSet(CLI::App& program);

    /// A command with its one-line description and its examples (one per line, without `dmarcbox`).
    CLI::App& add(const std::string& name,
                  const std::string& description,
                  const std::vector<std::string>& examples,
                  Action action);

    /// The option takes one of these words and no other.
    CLI::Option* choice(CLI::Option* option, const std::vector<std::string>& words);
    /// Words that completion offers for the option; it may take others.
    CLI::Option* suggest(CLI::Option* option, const std::vector<std::string>& words);
    [[nodiscard]] std::vector<std::string> words_for(const CLI::Option& option) const;

    [[nodiscard]] CommandContext& context() { return context_; }
    /// The action of the command that the command line named; empty if none.
    [[nodiscard]] const Action& chosen() const { return chosen_; }
    [[nodiscard]] CLI::App& program() { return program_; }
    /// USAGE, EXAMPLES, FLAGS and COMMANDS of the program or of one command.
    [[nodiscard]] std::string help(const CLI::App& app) const;

  private:
    CLI::App& program_;
    CommandContext context_;
    Action chosen_;
    std::map<const CLI::App*, std::vector<std::string>> examples_;
    std::map<const CLI::Option*, std::vector<std::string>> words_;
};

// One function per command, in the order that --help lists them; each in cli_NAME.cpp or, for small
// ones, cli_commands.cpp.
void add_serve(CommandSet& commands);
void add_import(CommandSet& commands);
void add_summary(CommandSet& commands);
void add_readiness(CommandSet& commands);
void add_show(CommandSet& commands);
void add_reprocess(CommandSet& commands);
void add_prune(CommandSet& commands);
void add_backup(CommandSet& commands);
void add_dns(CommandSet& commands);
void add_check(CommandSet& commands);
void add_verify(CommandSet& commands);
void add_config(CommandSet& commands);
void add_completion(CommandSet& commands);

/// All of the above, called once.
void add_all_commands(CommandSet& commands);

}  // namespace dmarcbox
