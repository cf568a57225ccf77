#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "mime/charset.hpp"
#include "mime/header.hpp"

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
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const Field& field : parse_header(text, kLimits).fields) {
        if (!is_utf8(field.value) || field.value.size() > kLimits.max_text_bytes ||
            field.value.find('\0') != std::string::npos) {
            std::abort();
        }
    }
    for (const Parameter& parameter : parse_parameterized(text).parameters) {
        if (!is_utf8(parameter.value)) {
            std::abort();
        }
    }
    return 0;
}
