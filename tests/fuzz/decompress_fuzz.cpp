#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "mime/charset.hpp"
#include "mime/decompress.hpp"
#include "mime/sniff.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace dmarcbox::mime;  // NOLINT(google-build-using-namespace)
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
    const auto sink = [&](const Document& document) {
        total += document.bytes.size();
        if (document.bytes.empty() || !is_utf8(document.name)) {
            std::abort();
        }
    };
    decompress(std::move(packed), kLimits, {}, sink, findings);
    if (total > 4 * kLimits.max_unpacked_bytes + size) {
        std::abort();
    }
    return 0;
}
