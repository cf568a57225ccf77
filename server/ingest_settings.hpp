#pragma once

#include "server/config.hpp"
#include "server/ingest.hpp"

namespace dmarcbox {

/// What ingest() needs of the configuration. For keep = "redacted" the key is read from the
/// database (made on first use, table settings); the big-document gate is left empty. Throws
/// DatabaseError.
[[nodiscard]] IngestSettings make_ingest_settings(const Config& config);

}  // namespace dmarcbox
