#pragma once

#include "schema/finding.hpp"

namespace dmarcbox::schema {

/// Why a document gave no report.
struct ParseError {
    enum class Kind {
        no_report,  ///< well enough formed, but something else: not an alarm
        broken,     ///< looked like a report and could not be read
        memory,     ///< over max_parse_bytes
        time        ///< Expired said so
    };
    Kind kind = Kind::broken;
    Finding finding;
};

}  // namespace dmarcbox::schema
