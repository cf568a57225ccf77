#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace dmarcbox::schema {

/// Caps on reading one document. The numbers and their reasons stand in server/limits.hpp.
struct Limits {
    std::size_t max_parse_bytes;  ///< memory of the XML or JSON tree and of the report made from it
    std::size_t max_text_bytes;   ///< one value; longer is cut on a character, finding `cut`
    std::size_t max_records;      ///< record elements of one report
    std::size_t max_header_fields;  ///< fields of a feedback part or of a sample
    std::size_t max_findings;       ///< per document; the last says how many more
};

/// Asked between steps of bounded work; true ends the work with finding `time`. Empty: never.
using Expired = std::function<bool()>;

}  // namespace dmarcbox::schema
