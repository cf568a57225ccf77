#include <CLI/CLI.hpp>
#include <ctime>
#include <iostream>
#include <memory>

#include "server/cli_commands.hpp"
#include "server/commands/summary.hpp"

namespace dmarcbox {

void add_summary(CommandSet& commands) {
    auto options = std::make_shared<SummaryOptions>();
    CommandContext& context = commands.context();
    CLI::App& command = commands.add(
        "summary", "what the reports say: volume, pass rate, sources, samples, problems",
        {"summary", "summary --domain example.org --days 90", "summary --html summary.html",
         "summary --csv --table days --since 2026-10-01 --until 2026-10-31"},
        [options, &context] {
            return run_summary(context.load(), *options, context.out_terminal(), std::cout,
                               std::time(nullptr));
        });
    command.add_option("--domain", options->domain, "this policy domain alone")
        ->type_name("DOMAIN");
    CLI::Option* days =
        command
            .add_option("--days", options->days,
                        "so many days, up to the newest report or --until; default 30")
            ->type_name("N")
            ->check(CLI::Range(1, 3660).description(""));
    command.add_option("--since", options->since, "first day, instead of --days")
        ->type_name("DATE")
        ->excludes(days);
    command.add_option("--until", options->until, "last day; default today")->type_name("DATE");
    CLI::Option* json =
        command.add_flag("--json", options->json, "one object, format dmarcbox.summary/1");
    CLI::Option* csv =
        command.add_flag("--csv", options->csv, "one table, see --table")->excludes(json);
    commands.choice(
        command
            .add_option("--table", options->table,
                        "with --csv: sources, days, reporters, samples, tls, problems or refusals")
            ->type_name("TABLE")
            ->needs(csv),
        {"sources", "days", "reporters", "samples", "tls", "problems", "refusals"});
    command.add_option("--html", options->html, "write one self-contained page there; - prints it")
        ->type_name("FILE");
}

}  // namespace dmarcbox
