#pragma once

#include <functional>
#include <memory>
#include <string>

#include "server/limits.hpp"
#include "server/message.hpp"
#include "storage/submission.hpp"

namespace dmarcbox {

/// What [failure_reports] keep says about the originals of failure reports.
enum class FailureKeep { headers, full, redacted };

struct IngestSettings {
    Limits limits;
    FailureKeep keep = FailureKeep::headers;
    std::string
        redaction_key;  ///< secret of the database: the same local part gives the same token

    /// Asked once, before more than limits.big_document_bytes of a message are parsed; what it
    /// gives is kept until the message is read. It may throw what is no std::exception: ingest()
    /// lets it through, the message is read again later. Empty: no gate.
    std::function<std::shared_ptr<void>()> big_message_gate;
};

/// Everything after a message is in hand: takes it apart, unpacks, reads the reports, hashes and
/// compresses the original. Never throws on input; what cannot be read makes outcome `unreadable`
/// with a finding that is a fault. Uses at most limits.parse_seconds of this thread's CPU time and
/// limits.max_parse_bytes of tree memory.
[[nodiscard]] storage::Submission ingest(const Message& message, const IngestSettings& settings);

}  // namespace dmarcbox
