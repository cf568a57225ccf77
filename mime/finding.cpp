#include "mime/finding.hpp"

#include "mime/charset.hpp"
#include "mime/text_cut.hpp"

namespace dmarcbox::mime {

namespace {
constexpr std::size_t kMaxDetailBytes = 200;
constexpr std::size_t kMaxPartBytes = 400;
}  // namespace

Finding make_finding(const FindingCode& code, std::string_view part, std::string_view detail) {
    // Four bytes of input per byte kept are more than enough: decoding never shrinks below that.
    std::string text = guess_utf8(detail.substr(0, 4 * kMaxDetailBytes));
    cut_utf8(text, kMaxDetailBytes);
    std::string label = guess_utf8(part.substr(0, 4 * kMaxPartBytes));
    cut_utf8(label, kMaxPartBytes);
    return Finding{code, std::move(label), std::move(text)};
}

void add_finding(Findings& findings,
                 const FindingCode& code,
                 std::string_view part,
                 std::string_view detail) {
    if (findings.size() < kMaxFindings) {
        findings.push_back(make_finding(code, part, detail));
    } else if (code.fault && !findings.back().code.fault) {
        findings.back() = make_finding(code, part, detail);
    }
}

}  // namespace dmarcbox::mime
