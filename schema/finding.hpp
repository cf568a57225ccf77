#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dmarcbox::schema {

/// A stable name for one deviation or fault; rows of table `findings` hold it. Listed in
/// schema/README.md.
struct FindingCode {
    std::string_view code;   ///< snake_case, never renamed once released
    std::string_view stage;  ///< "xml", "aggregate", "failure", "tls", or a stage of mime/
    bool fault;              ///< true: the document at fault yielded no report; false: tolerated
};

/// One deviation tolerated or fault met while reading a document.
struct Finding {
    FindingCode code;
    std::string part;    ///< MIME section number and archive member; parsers leave it empty
    std::string detail;  ///< for people; UTF-8, at most 200 bytes; holds the text as sent where one
                         ///< was mapped
};

using Findings = std::vector<Finding>;

}  // namespace dmarcbox::schema
