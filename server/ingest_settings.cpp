#include "server/ingest_settings.hpp"

#include "storage/database.hpp"
#include "storage/settings.hpp"

namespace dmarcbox {

IngestSettings make_ingest_settings(const Config& config) {
    IngestSettings settings;
    settings.limits = config.limits;
    if (config.failure_reports.keep == "full") {
        settings.keep = FailureKeep::full;
    } else if (config.failure_reports.keep == "redacted") {
        settings.keep = FailureKeep::redacted;
        storage::Database database(config.storage.path, storage::Database::Mode::read_write);
        settings.redaction_key = storage::redaction_key(database);
    }
    return settings;
}

}  // namespace dmarcbox
