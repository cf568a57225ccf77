#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mime/charset.hpp"
#include "mime/unpack.hpp"
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
    const std::string_view mail(reinterpret_cast<const char*>(data), size);
    static_cast<void>(looks_like_message(mail));
    const auto message = unpack(mail, kLimits);
    if (!message) {
        require(message.error().code.fault, "what is refused is a fault");
        return 0;
    }
    require(message->header.fields.size() <= kLimits.max_header_fields,
            "fields are within their cap");
    require(message->parts.size() <= kLimits.max_parts, "parts are within their cap");
    std::size_t bytes = 0;
    std::string_view before;
    for (const Part& part : message->parts) {
        bytes += part.content.size();
        require(is_utf8(part.file_name), "file names are UTF-8");
        require(part.header.size() <= kLimits.max_header_bytes, "a header is within its cap");
        require(std::none_of(part.media_type.begin(), part.media_type.end(),
                             [](char c) { return c >= 'A' && c <= 'Z'; }),
                "media types are in lower case");
        require(!part.section.empty() && part.section != before, "each part has its section");
        before = part.section;
    }
    // Content, its copies in attached messages, and files found inside text.
    require(bytes <= 12 * size + 8192, "all content is within a multiple of the mail");
    require(message->findings.size() <= kMaxFindings, "findings are within their cap");
    for (const auto& finding : message->findings) {
        require(finding.detail.size() <= 200 && is_utf8(finding.detail), "findings are UTF-8");
    }
    return 0;
}
