#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "mime/finding.hpp"
#include "mime/limits.hpp"
#include "mime/unpack_budget.hpp"

namespace dmarcbox::mime {

/// What a part held once everything was unpacked.
struct Document {
    std::string part;   ///< section number and archive members: "2", "2/report.xml"
    std::string name;   ///< file name or archive member, UTF-8; may be empty
    std::string bytes;  ///< neither gzip nor zip
};

using DocumentSink = std::function<void(Document)>;

/// Unpacks gzip and zip (by content, nested up to max_unpack_depth) and hands each document to
/// `sink` as soon as it is complete, so that one document at a time is in memory. Bytes that are
/// neither pass through unchanged. A member that is encrypted, truncated, of an unknown method,
/// over a cap, or fails its checksum is a fault in `findings` and is not handed on: never half a
/// document. `budget` is that of the message, for all its parts. RFC 1952, APPNOTE.
void decompress(Document packed,
                const Limits& limits,
                const Expired& expired,
                UnpackBudget& budget,
                const DocumentSink& sink,
                Findings& findings);

/// The same with a budget for this part alone.
void decompress(Document packed,
                const Limits& limits,
                const Expired& expired,
                const DocumentSink& sink,
                Findings& findings);

}  // namespace dmarcbox::mime
