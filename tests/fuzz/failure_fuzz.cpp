#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "schema/failure_parser.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace dmarcbox::schema;  // NOLINT(google-build-using-namespace)
    constexpr Limits kLimits{.max_parse_bytes = std::size_t{1} << 20U,
                             .max_text_bytes = 64,
                             .max_records = 1000,
                             .max_header_fields = 20,
                             .max_findings = 5};
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto plain = find_plain_failure(text)) {
        static_cast<void>(
            parse_failure({plain->fields, {}, {}, plain->headers_text, true}, kLimits));
    }
    // `name:value` lines; those behind an empty line are the sample's.
    FailureParts parts;
    bool sample = false;
    for (std::size_t at = 0; at < text.size();) {
        const auto line = text.substr(at, text.find('\n', at) - at);
        const auto colon = line.find(':');
        sample = sample || line.empty();
        if (colon != std::string_view::npos) {
            const std::string value(line.substr(colon + 1));
            (sample ? parts.headers : parts.fields)
                .push_back({std::string(line.substr(0, colon)), value, value});
        }
        at += line.size() + 1;
    }
    static_cast<void>(parse_failure(std::move(parts), kLimits));
    return 0;
}
