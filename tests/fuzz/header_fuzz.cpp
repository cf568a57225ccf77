#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "mime/charset.hpp"
#include "mime/header.hpp"
#include "tests/fuzz/require.hpp"

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
    const Header header = parse_header(text, kLimits);
    dmarcbox::fuzz::require(header.fields.size() <= kLimits.max_header_fields,
                            "fields are within their cap");
    std::size_t raw = 0;
    for (const Field& field : header.fields) {
        raw += field.name.size() + field.raw.size();
        dmarcbox::fuzz::require(is_utf8(field.value), "values are UTF-8");
        dmarcbox::fuzz::require(field.value.size() <= kLimits.max_text_bytes,
                                "a value is within its cap");
        dmarcbox::fuzz::require(field.value.find('\0') == std::string::npos, "values hold no NUL");
        dmarcbox::fuzz::require(field.raw.empty() || text.find(field.raw) != std::string_view::npos,
                                "raw values are bytes of the header");
    }
    dmarcbox::fuzz::require(raw <= kLimits.max_header_bytes, "a header is within its cap");
    for (const Parameter& parameter : parse_parameterized(text).parameters) {
        dmarcbox::fuzz::require(is_utf8(parameter.value), "parameters are UTF-8");
    }
    return 0;
}
