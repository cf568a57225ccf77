#pragma once

#include <filesystem>
#include <string>

#include "server/config.hpp"
#include "server/ingest.hpp"

namespace dmarcbox {

/// What ingest() needs of the configuration. For keep = "redacted" the key is read from the
/// database (made on first use, table settings); the big-document gate is left empty. Throws
/// DatabaseError.
[[nodiscard]] IngestSettings make_ingest_settings(const Config& config);

/// The database's secret key for redaction tokens, 64 hexadecimal digits; made if there is none.
[[nodiscard]] std::string load_redaction_key(const std::filesystem::path& database);

}  // namespace dmarcbox
