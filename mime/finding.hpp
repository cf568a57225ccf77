#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dmarcbox::mime {

/// A stable name for one deviation or fault; rows of table `findings` hold it. Listed in
/// schema/README.md.
struct FindingCode {
    std::string_view code;   ///< snake_case, never renamed once released
    std::string_view stage;  ///< "mime", "unpack" or "charset"
    bool fault;              ///< true: the part at fault yielded nothing; false: tolerated
};

/// One deviation tolerated or fault met while taking a message apart.
struct Finding {
    FindingCode code;
    std::string
        part;  ///< MIME section number ("2.1"), archive member after '/'; empty: the message
    std::string detail;  ///< for people; UTF-8, at most 200 bytes
};

using Findings = std::vector<Finding>;

}  // namespace dmarcbox::mime
