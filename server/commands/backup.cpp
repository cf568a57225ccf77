#include "server/commands/backup.hpp"

#include <unistd.h>

#include <ctime>
#include <ostream>

#include "server/commands/open_database.hpp"
#include "server/terminal.hpp"
#include "storage/backup.hpp"
#include "storage/settings.hpp"

namespace dmarcbox {

int run_backup(const Config& config,
               const std::filesystem::path& file,
               std::ostream& out,
               std::ostream& err) {
    const storage::BackupResult result = [&] {
        auto database = open_database(config, storage::Database::Mode::read_only);
        return storage::back_up(database, file);
    }();
    // For the metric and the alert on old backups. Who may read alone can make a backup all the
    // same.
    if (::access(config.storage.path.c_str(), W_OK) == 0) {
        try {
            auto database = open_database(config, storage::Database::Mode::read_write);
            storage::store_setting(database, "last_backup_at", std::to_string(std::time(nullptr)));
        } catch (const storage::DatabaseError& error) {
            err << "dmarcbox: the backup is made; its time could not be noted: "
                << escape_for_terminal(error.what()) << '\n';
        }
    }
    out << escape_for_terminal(file.string()) << ": "
        << with_commas(static_cast<std::int64_t>(result.bytes)) << " bytes, "
        << with_commas(result.messages) << " messages, " << with_commas(result.records)
        << " records; integrity and row counts checked\n";
    return 0;
}

}  // namespace dmarcbox
