#pragma once

#include <cstddef>
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

/// Finding with `part` and `detail` made valid UTF-8 and `detail` cut to 200 bytes on a character.
[[nodiscard]] Finding make_finding(const FindingCode& code,
                                   std::string_view part,
                                   std::string_view detail);

/// Appends make_finding(), unless the list already holds kMaxFindings: a message of nothing but
/// findings must not grow without bound. Then a fault takes the place of the last that is none.
void add_finding(Findings& findings,
                 const FindingCode& code,
                 std::string_view part,
                 std::string_view detail = {});

inline constexpr std::size_t kMaxFindings = 1000;

}  // namespace dmarcbox::mime
