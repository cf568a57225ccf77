#include "server/commands/config.hpp"

#include <ostream>

#include "server/cli_commands.hpp"
#include "server/terminal.hpp"

namespace dmarcbox {

int run_config(const CommandContext& context, std::ostream& out, std::ostream& err) {
    try {
        out << to_toml(context.load());
        return 0;
    } catch (const ConfigError& error) {
        err << "dmarcbox: " << escape_for_terminal(error.what()) << '\n';
        return 1;
    }
}

}  // namespace dmarcbox
