#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/ingest.hpp"

namespace dmarcbox {

/// The original of a message with failure reports, without what [failure_reports] keep says must
/// go: for `headers` the bodies of the reported messages, for `redacted` also every local part.
/// Nullopt if nothing has to go (or keep is `full`). What comes back can be read again and gives
/// the same failure reports. Cut in place where the sample stands in clear text, else written anew
/// with the same parts; an archive that holds such a mail becomes a gzip of what is left of it.
///
/// `report_parts` are the sections that gave a report: every other mail inside is one that was
/// reported, wherever it stands, and loses its body.
[[nodiscard]] std::optional<std::string> reduce_original(
    const Message& message,
    const std::vector<std::string>& report_parts,
    const IngestSettings& settings);

}  // namespace dmarcbox
