#include "server/serve_history.hpp"

#include <string>
#include <system_error>
#include <utility>

#include "storage/database.hpp"

namespace dmarcbox {

ServeHistory::ServeHistory(std::filesystem::path database)
    : database_(std::move(database)), backups_before_(backups()) {}

ServeHistory::Backups ServeHistory::backups() const {
    const auto prefix = database_.filename().string() + ".before-schema-";
    const auto folder =
        database_.has_parent_path() ? database_.parent_path() : std::filesystem::path(".");
    Backups found;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error)) {
        if (entry->path().filename().string().starts_with(prefix)) {
            std::error_code gone;
            found[entry->path()] = entry->last_write_time(gone);
        }
    }
    return found;
}

void ServeHistory::tell(Log& log,
                        Metrics& metrics,
                        net::Journal& journal,
                        std::uint64_t free_disk_bytes) const {
    for (const auto& [backup, written_at] : backups()) {
        // The name is that of an earlier backup where somebody went back and upgrades again.
        const auto before = backups_before_.find(backup);
        if (before == backups_before_.end() || before->second != written_at) {
            log.write(LogLevel::warn, LogLine("migrated")
                                          .words("database", database_.string())
                                          .words("backup", backup.string()));
        }
    }
    try {
        read(log, metrics, journal, free_disk_bytes);
    } catch (const storage::DatabaseError& error) {
        log.write(LogLevel::warn, LogLine("history-unread").words("error", error.what()));
    }
}

void ServeHistory::read(Log& log,
                        Metrics& metrics,
                        net::Journal& journal,
                        std::uint64_t free_disk_bytes) const {
    storage::Database database(database_, storage::Database::Mode::read_only);
    // Counting the messages would read all of the table; the newest number tells as much.
    log.write(LogLevel::info,
              LogLine("database")
                  .words("path", database_.string())
                  .number("schema", database.integer("PRAGMA user_version"))
                  .number("size", database.integer("SELECT page_count * page_size FROM "
                                                   "pragma_page_count, pragma_page_size"))
                  .number("last_message", database.integer("SELECT max(id) FROM messages"))
                  .number("free", static_cast<std::int64_t>(free_disk_bytes)));
    metrics.last_message.set(
        {}, static_cast<double>(database.integer(
                "SELECT received_at FROM messages WHERE source <> 'import' ORDER BY id DESC "
                "LIMIT 1")));
    // The last thousand messages: a domain without a report among them shows none, until one comes.
    auto rows = database.prepare(
        "SELECT received_at, envelope_to FROM "
        "(SELECT * FROM messages ORDER BY id DESC LIMIT 1000) WHERE outcome = 'report'");
    while (rows.step()) {
        journal.last_report(rows.text(1), rows.integer(0));
    }
}

}  // namespace dmarcbox
