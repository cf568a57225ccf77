#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "mime/header.hpp"
#include "mime/unpack.hpp"
#include "schema/failure_parser.hpp"
#include "server/ingest_reading.hpp"
#include "server/limits.hpp"

namespace dmarcbox {

/// A feedback report (RFC 5965) among the parts of a mail: its machine-readable part and its
/// sample.
struct FeedbackGroup {
    std::size_t fields = 0;             ///< index of the message/feedback-report part
    std::optional<std::size_t> sample;  ///< index of the reported message or its header
};

/// All feedback reports, by section. The sample is the part marked as one, or the first attached
/// message or header: behind the machine-readable part in the same multipart up to the next
/// feedback report, else before it; of a mail with one feedback report, else anywhere in that mail.
[[nodiscard]] std::vector<FeedbackGroup> find_feedback(const std::vector<mime::Part>& parts,
                                                       const Limits& limits);

/// The fields of the machine-readable part. An empty line between them is no end where fields
/// follow, nothing else may stand there (RFC 5965 section 3): finding `fields_behind_empty_line`.
[[nodiscard]] mime::Header feedback_fields(const mime::Part& part, const Limits& limits);

/// The header of a sample as sent: without leading blank lines and mbox `From ` line, up to the
/// body.
[[nodiscard]] std::string_view sample_header(std::string_view content, const Limits& limits);

/// Reads one group and adds the failure report, or why there is none.
void read_feedback(const std::vector<mime::Part>& parts,
                   const FeedbackGroup& group,
                   const Limits& limits,
                   Reading& reading);

/// Adds the failure report of a plain-text form found in `part`.
void read_plain_failure(schema::PlainFailure plain,
                        std::string_view text,
                        const std::string& part,
                        const Limits& limits,
                        Reading& reading);

}  // namespace dmarcbox
