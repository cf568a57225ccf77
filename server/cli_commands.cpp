#include "server/cli_commands.hpp"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "server/commands/config.hpp"
#include "server/commands/import.hpp"

namespace dmarcbox {

void add_import(CommandSet& commands) {
    auto options = std::make_shared<ImportOptions>();
    CommandContext& context = commands.context();
    CLI::App& command = commands.add(
        "import", "store reports from files, folders, Maildir, mbox, or another database",
        {"import ~/saved-reports reports-2019.mbox", "import --db reports.db Maildir/",
         "import other.db", "import - < mails.mbox"},
        [options, &context] {
            return run_import(context.load(), *options, context.err_terminal(), std::cout,
                              std::cerr);
        });
    command
        .add_option("PATH", options->paths,
                    ".eml .xml .gz .zip .json, mbox, Maildir, folders of those, another dmarcbox "
                    ".db, or - for standard input")
        ->required();
    command.add_option("--jobs", options->jobs, "messages read at a time; default one per core")
        ->type_name("N")
        ->check(CLI::Range(1, 256).description(""));
    command.add_flag("--quiet", options->quiet, "no progress and no summary");
}

void add_config(CommandSet& commands) {
    CommandContext& context = commands.context();
    commands.add("config",
                 "print the effective configuration as TOML, with the origin of each value",
                 {"config", "config --config ./dmarcbox.toml"},
                 [&context] { return run_config(context, std::cout, std::cerr); });
}

void add_all_commands(CommandSet& commands) {
    add_serve(commands);
    add_import(commands);
    add_config(commands);
    add_completion(commands);
}

}  // namespace dmarcbox
