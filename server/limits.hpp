#pragma once

#include <chrono>
#include <cstddef>

#include "mime/limits.hpp"
#include "schema/limits.hpp"

namespace dmarcbox {

/// Every cap on what a message may make us do; keys of [limits] in the configuration where named.
struct Limits {
    /// max_unpacked_bytes. The largest report seen is 0.9 MB; 100,000 records are 66 MB; 128 MiB is
    /// 190,000.
    std::size_t max_unpacked_bytes = std::size_t{128} << 20U;
    /// max_parse_bytes. A tree takes 3 to 5 times a report's size, 22 times for hostile XML; big
    /// reports are read in slices, so 256 MiB is for what cannot be sliced.
    std::size_t max_parse_bytes = std::size_t{256} << 20U;
    /// max_text_bytes. Longest honest value seen is 2 KB (an ARC comment).
    std::size_t max_text_bytes = 65536;
    /// max_header_fields. Honest samples have under 150.
    std::size_t max_header_fields = 2000;
    /// max_findings. Enough to see every kind of fault a reporter makes, not one row per record.
    std::size_t max_findings = 100;
    /// max_unpack_depth. gzip in gzip and gzip in zip are seen; deeper is hostile.
    std::size_t max_unpack_depth = 4;
    /// max_parts. The widest honest mail seen has 12.
    std::size_t max_parts = 1000;
    /// max_part_depth. mimetic overflows an 8 MiB stack near 40,000; mail nests below 8.
    std::size_t max_part_depth = 20;
    /// max_records. 1,000,000 records are 660 MB of XML: max_unpacked_bytes ends it earlier by
    /// default.
    std::size_t max_records = 2'000'000;
    /// max_header_bytes. mimetic reads headers in quadratic time: 1 MB takes 0.3 s.
    std::size_t max_header_bytes = std::size_t{256} << 10U;
    /// max_field_bytes. As above, and twice what MTAs fold at.
    std::size_t max_field_bytes = std::size_t{64} << 10U;
    /// max_unpack_ratio. XML of one repeated record reaches 200; deflate's own maximum is 1,032,
    /// reached only by runs of one byte. Checked above 1 MiB unpacked.
    std::size_t max_unpack_ratio = 900;
    /// max_members. Of all archives in a message. Zips of a month's reports hold 31; of a year 366.
    std::size_t max_members = 1000;
    /// parse_seconds. CPU time of one message.
    std::chrono::seconds parse_seconds{5};
    /// big_document_bytes. Messages whose documents, unpacked, are more in all are read one at a
    /// time, never by the last free worker.
    std::size_t big_document_bytes = std::size_t{4} << 20U;

    [[nodiscard]] mime::Limits mime() const {
        return {.max_header_bytes = max_header_bytes,
                .max_field_bytes = max_field_bytes,
                .max_parts = max_parts,
                .max_part_depth = max_part_depth,
                .max_unpacked_bytes = max_unpacked_bytes,
                .max_unpack_ratio = max_unpack_ratio,
                .max_unpack_depth = max_unpack_depth,
                .max_members = max_members,
                .max_text_bytes = max_text_bytes,
                .max_header_fields = max_header_fields};
    }
    [[nodiscard]] schema::Limits schema() const {
        return {.max_parse_bytes = max_parse_bytes,
                .max_text_bytes = max_text_bytes,
                .max_records = max_records,
                .max_header_fields = max_header_fields,
                .max_findings = max_findings};
    }
};

}  // namespace dmarcbox
