#include "server/serve_history.hpp"

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include "storage/database.hpp"

namespace dmarcbox {

ServeHistory::ServeHistory(std::filesystem::path database)
    : database_(std::move(database)), backups_before_(backups()) {}

std::vector<std::filesystem::path> ServeHistory::backups() const {
    const auto prefix = database_.filename().string() + ".before-schema-";
    const auto folder =
        database_.has_parent_path() ? database_.parent_path() : std::filesystem::path(".");
    std::vector<std::filesystem::path> found;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error)) {
        if (entry->path().filename().string().starts_with(prefix)) {
            found.push_back(entry->path());
        }
    }
    return found;
}

void ServeHistory::tell(Log& log, Metrics& metrics, net::Journal& journal) const {
    for (const auto& backup : backups()) {
        if (std::find(backups_before_.begin(), backups_before_.end(), backup) ==
            backups_before_.end()) {
            log.write(LogLevel::warn, LogLine("migrated")
                                          .words("database", database_.string())
                                          .words("backup", backup.string()));
        }
    }
    try {
        read(metrics, journal);
    } catch (const storage::DatabaseError& error) {
        log.write(LogLevel::warn, LogLine("history-unread").words("error", error.what()));
    }
}

void ServeHistory::read(Metrics& metrics, net::Journal& journal) const {
    storage::Database database(database_, storage::Database::Mode::read_only);
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
