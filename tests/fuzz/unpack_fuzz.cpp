#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "mime/charset.hpp"
#include "mime/unpack.hpp"

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
    const std::string_view mail(reinterpret_cast<const char*>(data), size);
    static_cast<void>(looks_like_message(mail));
    if (const auto message = unpack(mail, kLimits)) {
        std::size_t bytes = 0;
        for (const Part& part : message->parts) {
            bytes += part.content.size();
            if (!is_utf8(part.file_name)) {
                std::abort();
            }
        }
        // Content, its copies in attached messages, and files found inside text.
        if (message->parts.size() > kLimits.max_parts || bytes > 12 * size + 8192) {
            std::abort();
        }
    }
    return 0;
}
