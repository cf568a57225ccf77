#include <CLI/CLI.hpp>
#include <memory>

#include "server/cli_commands.hpp"
#include "server/service.hpp"

namespace dmarcbox {
namespace {

struct ServeFlags {
    std::vector<std::string> listen;
    std::vector<std::string> accept;
    std::vector<std::string> lmtp;
    std::string hostname;
    std::string certificate;
    std::string key;
    std::string metrics;
    std::string log_level;
    std::string log_format;
    std::string user;

    void to(Overrides& overrides) const {
        const auto list = [&](const char* name, const std::vector<std::string>& values) {
            if (!values.empty()) {
                overrides[name] = values;
            }
        };
        const auto text = [&](const char* name, const std::string& value) {
            if (!value.empty()) {
                overrides[name] = {value};
            }
        };
        list("smtp.listen", listen);
        list("smtp.accept", accept);
        list("lmtp.listen", lmtp);
        text("smtp.hostname", hostname);
        text("smtp.tls.certificate", certificate);
        text("smtp.tls.key", key);
        text("metrics.listen", metrics);
        text("log.level", log_level);
        text("log.format", log_format);
        text("smtp.user", user);
    }
};

}  // namespace

void add_serve(CommandSet& commands) {
    auto flags = std::make_shared<ServeFlags>();
    CommandContext& context = commands.context();
    CLI::App& command = commands.add(
        "serve", "receive reports by SMTP and LMTP and store them",
        {"serve --listen 127.0.0.1:2525 --db reports.db --accept rua@reports.example",
         "serve --accept @reports.example --certificate fullchain.pem --key privkey.pem"},
        [flags, &context] {
            flags->to(context.overrides);
            // The context lives as long as the command: a reload reads everything again.
            return serve(context.load(), [&context] { return context.load(); });
        });
    const auto list = [&](const char* name, auto& place, const char* type, const char* words) {
        return command.add_option(name, place, words)->type_name(type)->allow_extra_args(false);
    };
    list("--listen", flags->listen, "ADDRESS:PORT", "where to listen; repeats; port 0 picks one");
    list("--accept", flags->accept, "ADDRESS", "rua@reports.example or @example.org; repeats");
    list("--lmtp", flags->lmtp, "WHERE", "LMTP listener, unix:PATH or ADDRESS:PORT; repeats");
    list("--hostname", flags->hostname, "NAME", "name in the greeting");
    list("--certificate", flags->certificate, "FILE", "PEM chain for STARTTLS");
    list("--key", flags->key, "FILE", "PEM private key");
    list("--metrics", flags->metrics, "ADDRESS:PORT", "serve /metrics, /healthz, /readyz there");
    commands.suggest(list("--log-level", flags->log_level, "LEVEL", "debug, info, warn or error"),
                     {"debug", "info", "warn", "error"});
    commands.suggest(list("--log-format", flags->log_format, "FORMAT", "text or json"),
                     {"text", "json"});
    list("--user", flags->user, "NAME", "started as root: become this user after binding");
}

}  // namespace dmarcbox
