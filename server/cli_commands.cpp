#include "server/cli_commands.hpp"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "server/commands/backup.hpp"
#include "server/commands/config.hpp"
#include "server/commands/dns.hpp"
#include "server/commands/import.hpp"
#include "server/commands/prune.hpp"
#include "server/commands/reprocess.hpp"
#include "server/commands/show.hpp"
#include "server/commands/verify.hpp"

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

void add_show(CommandSet& commands) {
    auto options = std::make_shared<ShowOptions>();
    CommandContext& context = commands.context();
    CLI::App& command = commands.add(
        "show", "one message: receipt, findings, what its reports say",
        {"show 2107", "show 2107 --raw > report.eml"}, [options, &context] {
            return run_show(context.load(), *options, context.out_terminal(), std::cout, std::cerr);
        });
    command.add_option("ID", options->message_id, "row id of the message")
        ->check(CLI::Validator(
            [](const std::string& text) {
                const bool digits = text.find_first_not_of("0123456789") == std::string::npos;
                return digits && text.size() < 19 ? std::string{}
                                                  : "\"" + text + "\" is no number of a message";
            },
            ""))
        ->required();
    command.add_flag("--raw", options->raw, "the original bytes; not to a terminal");
    command.add_flag("--force", options->force, "with --raw: to a terminal too");
}

void add_reprocess(CommandSet& commands) {
    struct Flags {
        bool all = false;
        bool failed = false;
    };
    auto flags = std::make_shared<Flags>();
    CommandContext& context = commands.context();
    CLI::App& command = commands.add(
        "reprocess", "read stored originals again with this version and say what changed",
        {"reprocess", "reprocess --all"}, [flags, &context] {
            return run_reprocess(context.load(), flags->all, std::cout, std::cerr);
        });
    CLI::Option* failed = command.add_flag(
        "--failed", flags->failed, "unreadable messages, and others with findings (the default)");
    command.add_flag("--all", flags->all, "every message whose original is kept")->excludes(failed);
}

void add_prune(CommandSet& commands) {
    auto dry_run = std::make_shared<bool>(false);
    CommandContext& context = commands.context();
    CLI::App& command = commands.add(
        "prune", "apply [retention] now", {"prune --dry-run", "prune"},
        [dry_run, &context] { return run_prune(context.load(), *dry_run, std::cout); });
    command.add_flag("--dry-run", *dry_run, "say what would go and change nothing");
}

void add_backup(CommandSet& commands) {
    auto file = std::make_shared<std::string>();
    CommandContext& context = commands.context();
    CLI::App& command = commands.add(
        "backup", "consistent, verified copy of a live database",
        {"backup /var/backups/dmarcbox.db"},
        [file, &context] { return run_backup(context.load(), *file, std::cout, std::cerr); });
    command.add_option("FILE", *file, "the copy; replaced only when the new one is verified")
        ->required();
}

void add_verify(CommandSet& commands) {
    auto rebuild = std::make_shared<bool>(false);
    CommandContext& context = commands.context();
    CLI::App& command = commands.add(
        "verify", "check integrity, originals, identities and totals",
        {"verify", "verify --rebuild"},
        [rebuild, &context] { return run_verify(context.load(), *rebuild, std::cout, std::cerr); });
    command.add_flag("--rebuild", *rebuild, "make the totals again from the records first");
}

void add_config(CommandSet& commands) {
    CommandContext& context = commands.context();
    commands.add("config",
                 "print the effective configuration as TOML, with the origin of each value",
                 {"config", "config --config ./dmarcbox.toml"},
                 [&context] { return run_config(context, std::cout, std::cerr); });
}

void add_dns(CommandSet& commands) {
    auto options = std::make_shared<DnsOptions>();
    CommandContext& context = commands.context();
    CLI::App& command =
        commands.add("dns", "print the DNS records to publish; --check looks them up",
                     {"dns example.org --for reports.example",
                      "dns example.org example.com --for reports.example --check"},
                     [options, &context] {
                         if (options->reports_host.empty() && options->rua.empty()) {
                             options->accept = context.load().smtp.accept;
                         }
                         return run_dns(*options, context.err_terminal(), std::cout, std::cerr);
                     });
    command.add_option("DOMAIN", options->domains, "domains whose mail is reported on")->required();
    const auto text = [&](const char* name, std::string& place, const char* type,
                          const char* words) {
        return command.add_option(name, place, words)->type_name(type);
    };
    text("--for", options->reports_host, "HOST",
         "domain of the report addresses; default that of smtp.accept, else the first DOMAIN");
    text("--rua", options->rua, "ADDRESS",
         "aggregate and TLS reports; default rua@HOST, or what smtp.accept has");
    text("--ruf", options->ruf, "ADDRESS",
         "failure reports; default ruf@HOST, or what smtp.accept has");
    text("--mail-host", options->mail_host, "NAME",
         "what the MX names; default mx. before the domain of each address");
    CLI::Option* check = command.add_flag(
        "--check", options->check, "look the records up and connect to the MX; exit 1 on faults");
    text("--name-server", options->name_server, "ADDRESS[@PORT]", "with --check: ask this resolver")
        ->needs(check);
    command
        .add_option("--smtp-port", options->smtp_port,
                    "with --check: port of the MX; 0 does not connect")
        ->type_name("PORT")
        ->needs(check);
}

void add_all_commands(CommandSet& commands) {
    add_serve(commands);
    add_import(commands);
    add_summary(commands);
    add_readiness(commands);
    add_show(commands);
    add_reprocess(commands);
    add_prune(commands);
    add_backup(commands);
    add_dns(commands);
    add_check(commands);
    add_verify(commands);
    add_config(commands);
    add_completion(commands);
}

}  // namespace dmarcbox
