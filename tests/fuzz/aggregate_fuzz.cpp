#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "schema/aggregate_parser.hpp"
#include "schema/xml_text.hpp"

namespace {

void require(bool holds, const char* what) {
    if (!holds) {
        std::fprintf(stderr, "%s\n", what);
        std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace dmarcbox::schema;  // NOLINT(google-build-using-namespace)
    constexpr Limits kLimits{.max_parse_bytes = std::size_t{1} << 20U,
                             .max_text_bytes = 64,
                             .max_records = 100,
                             .max_header_fields = 20,
                             .max_findings = 10};
    const std::string xml =
        replace_bad_utf8(std::string_view(reinterpret_cast<const char*>(data), size));
    static_cast<void>(looks_like_aggregate(xml));
    const auto report = parse_aggregate(xml, kLimits, {});
    if (!report) {
        return 0;
    }
    require(report->records.size() <= kLimits.max_records, "too many records");
    require(report->content_sha256.size() == 32, "no content hash");
    for (const auto& record : report->records) {
        require(record.count >= 0, "a negative count");
        require(record.header_from.size() <= kLimits.max_text_bytes, "a value over the cap");
        require(is_utf8(record.header_from), "a value that is not UTF-8");
        require(!record.evidence.token.empty(), "a record without evidence");
    }
    const auto again = parse_aggregate(xml, kLimits, {});
    require(again && again->content_sha256 == report->content_sha256, "another hash");
    return 0;
}
