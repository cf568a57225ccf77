#include <cstddef>
#include <cstdint>
#include <string_view>

#include "schema/tls_parser.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace dmarcbox::schema;  // NOLINT(google-build-using-namespace)
    constexpr Limits kLimits{.max_parse_bytes = std::size_t{1} << 20U,
                             .max_text_bytes = 256,
                             .max_records = 1000,
                             .max_header_fields = 100,
                             .max_findings = 10};
    const std::string_view json(reinterpret_cast<const char*>(data), size);
    static_cast<void>(looks_like_tls(json));
    static_cast<void>(parse_tls(json, "example.org", kLimits, {}));
    return 0;
}
