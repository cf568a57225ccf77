#include <CLI/CLI.hpp>
#include <ctime>
#include <iostream>
#include <memory>

#include "server/cli_commands.hpp"
#include "server/commands/readiness.hpp"

namespace dmarcbox {

void add_readiness(CommandSet& commands) {
    auto options = std::make_shared<ReadinessOptions>();
    CommandContext& context = commands.context();
    CLI::App& command = commands.add(
        "readiness", "can this domain go to quarantine or reject, and what would be hit",
        {"readiness example.org", "readiness example.org --policy reject --strict-dkim",
         "readiness example.org --json"},
        [options, &context] {
            return run_readiness(context.load(), *options, context.out_terminal(), std::cout,
                                 std::time(nullptr));
        });
    ReadinessQuestion& question = options->question;
    command.add_option("DOMAIN", question.domain, "policy domain, as in the reports")->required();
    commands.choice(
        command
            .add_option("--policy", question.policy,
                        "quarantine or reject; default the next step from what reporters see")
            ->type_name("POLICY"),
        {"quarantine", "reject"});
    command.add_flag("--strict-spf", question.strict_spf, "judge as if aspf=s were published");
    command.add_flag("--strict-dkim", question.strict_dkim, "judge as if adkim=s were published");
    command.add_flag("--json", options->json, "one object, format dmarcbox.readiness/1");
}

}  // namespace dmarcbox
