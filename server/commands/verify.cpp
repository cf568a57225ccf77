#include "server/commands/verify.hpp"

#include <ostream>
#include <stdexcept>

#include "server/commands/open_database.hpp"
#include "server/terminal.hpp"
#include "storage/verify.hpp"

namespace dmarcbox {

int run_verify(const Config& config, bool rebuild, std::ostream& out, std::ostream& err) {
    if (rebuild) {
        auto database = open_database(config, storage::Database::Mode::read_write);
        const std::size_t rows = storage::rebuild_totals(database);
        out << "totals made again: " << with_commas(static_cast<std::int64_t>(rows))
            << (rows == 1 ? " line was" : " lines were") << " different\n";
    }
    auto database = open_database(config, storage::Database::Mode::read_only);
    const auto result =
        storage::verify(database, [&err](const char* step) { err << "checking " << step << '\n'; });
    for (const auto& problem : result.problems) {
        out << escape_for_terminal(problem) << '\n';
    }
    out << with_commas(result.originals) << " originals and " << with_commas(result.reports)
        << " reports checked, ";
    if (result.problems.empty()) {
        out << "no problem\n";
        return 0;
    }
    out << with_commas(static_cast<std::int64_t>(result.problems.size())) << " problems\n";
    return 1;
}

}  // namespace dmarcbox
