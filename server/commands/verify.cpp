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
        const auto rebuilt = storage::rebuild(database);
        const auto tell = [&out](std::size_t count, const char* one, const char* many) {
            out << with_commas(static_cast<std::int64_t>(count)) << ' ' << (count == 1 ? one : many)
                << '\n';
        };
        if (rebuilt.flags > 0) {
            tell(rebuilt.flags, "report had wrong flags", "reports had wrong flags");
        }
        if (rebuilt.passing_keys > 0) {
            tell(rebuilt.passing_keys, "report's signatures were missing in passing_keys",
                 "reports' signatures were missing in passing_keys");
        }
        if (rebuilt.evidence > 0) {
            tell(rebuilt.evidence, "record's evidence was settled by a key seen later",
                 "records' evidence was settled by keys seen later");
        }
        out << "totals made again: ";
        tell(rebuilt.totals, "line was different", "lines were different");
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
