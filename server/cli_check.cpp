#include <CLI/CLI.hpp>
#include <ctime>
#include <iostream>
#include <memory>

#include "server/cli_commands.hpp"
#include "server/commands/check.hpp"

namespace dmarcbox {

void add_check(CommandSet& commands) {
    auto options = std::make_shared<CheckOptions>();
    CommandContext& context = commands.context();
    CLI::App& command =
        commands.add("check", "what needs attention now; silent when all is well",
                     {"check", "check --all", "check --nagios"}, [options, &context] {
                         return run_check([&context] { return context.load(); }, *options,
                                          std::cout, std::cerr, std::time(nullptr));
                     });
    command.add_flag("--all", options->all, "repeat what was told in the last 24 hours");
    command.add_flag("--nagios", options->nagios,
                     "plugin output: codes 0 1 2 3, performance data, every finding");
}

}  // namespace dmarcbox
