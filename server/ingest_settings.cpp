#include "server/ingest_settings.hpp"

#include <stdexcept>

#include "storage/database.hpp"

namespace dmarcbox {

IngestSettings make_ingest_settings(const Config& config) {
    IngestSettings settings;
    settings.limits = config.limits;
    if (config.failure_reports.keep == "full") {
        settings.keep = FailureKeep::full;
    } else if (config.failure_reports.keep == "redacted") {
        settings.keep = FailureKeep::redacted;
        settings.redaction_key = load_redaction_key(config.storage.path);
    }
    return settings;
}

std::string load_redaction_key(const std::filesystem::path& database) {
    storage::Database connection(database, storage::Database::Mode::read_write);
    // SQLite's generator is seeded from the system's; two processes at once agree on the first row.
    connection.execute(
        "INSERT OR IGNORE INTO settings (name, value)"
        " VALUES ('redaction_key', lower(hex(randomblob(32))))");
    auto read = connection.prepare("SELECT value FROM settings WHERE name = 'redaction_key'");
    if (!read.step()) {
        throw std::logic_error("settings hold no redaction key after it was written");
    }
    return std::string(read.text(0));
}

}  // namespace dmarcbox
