#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "mime/charset.hpp"
#include "mime/decompress.hpp"
#include "mime/sniff.hpp"
#include "tests/fuzz/require.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace dmarcbox::mime;  // NOLINT(google-build-using-namespace)
    using dmarcbox::fuzz::require;
    constexpr Limits kLimits{.max_header_bytes = 4096,
                             .max_field_bytes = 1024,
                             .max_parts = 50,
                             .max_part_depth = 5,
                             .max_unpacked_bytes = std::size_t{1} << 20U,
                             .max_unpack_ratio = 900,
                             .max_unpack_depth = 4,
                             .max_members = 20,
                             .max_text_bytes = 256,
                             .max_header_fields = 50};
    Document packed{"1", "", std::string(reinterpret_cast<const char*>(data), size)};
    static_cast<void>(sniff(packed.bytes));
    Findings findings;
    std::size_t total = 0;
    std::size_t documents = 0;
    const auto sink = [&](const Document& document) {
        ++documents;
        total += document.bytes.size();
        require(!document.bytes.empty(), "no document is empty");
        require(document.bytes.size() <= std::max(kLimits.max_unpacked_bytes, size),
                "a document is within its cap");
        require(is_utf8(document.name), "names are UTF-8");
    };
    decompress(std::move(packed), kLimits, {}, sink, findings);
    require(documents <= kLimits.max_members, "documents are within their cap");
    require(total <= UnpackBudget::kDocuments * kLimits.max_unpacked_bytes + size,
            "all that is unpacked is within the budget");
    require(findings.size() <= kMaxFindings, "findings are within their cap");
    for (const auto& finding : findings) {
        require(finding.detail.size() <= 200 && is_utf8(finding.detail) && is_utf8(finding.part),
                "findings are UTF-8");
    }
    return 0;
}
