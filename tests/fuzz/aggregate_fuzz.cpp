#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "schema/aggregate_parser.hpp"
#include "tests/fuzz/report_limits.hpp"
#include "tests/support/aggregate_xml.hpp"

namespace {

using namespace dmarcbox;

constexpr schema::Limits kLimits{.max_parse_bytes = std::size_t{1} << 20U,
                                 .max_text_bytes = 64,
                                 .max_records = 100,
                                 .max_header_fields = 20,
                                 .max_findings = 10};

/// Names, text and the lists below.
void check(const test::Element& element) {
    fuzz::require_text(element.text, kLimits);
    for (const auto& child : element.children) {
        check(child);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string xml =
        schema::replace_bad_utf8(std::string_view(reinterpret_cast<const char*>(data), size));
    static_cast<void>(schema::looks_like_aggregate(xml));
    std::size_t end = 0;
    for (const auto piece : schema::split_aggregates(xml)) {
        const auto begin = static_cast<std::size_t>(piece.data() - xml.data());
        fuzz::require(begin >= end && begin + piece.size() <= xml.size(),
                      "pieces are in order and in the text");
        end = begin + piece.size();
    }
    const auto report = schema::parse_aggregate(xml, kLimits, {});
    if (!report) {
        return 0;
    }
    check(test::tree_of(*report));
    fuzz::require_text(report->xml_namespace, kLimits);
    fuzz::require_findings(report->findings, kLimits);
    fuzz::require(report->records.size() <= kLimits.max_records, "records are within their cap");
    for (const auto& record : report->records) {
        fuzz::require(record.count >= 0 && record.count <= 1'000'000'000'000, "counts are counts");
        fuzz::require(!record.evidence.token.empty(), "each record has evidence");
    }
    const std::string printed = test::printed(*report);
    const auto again = schema::parse_aggregate(printed, kLimits, {});
    fuzz::require(again.has_value(), "the printed form can be read");
    fuzz::require(test::printed(*again) == printed, "the printed form reads the same");
    fuzz::require(again->content_sha256 == report->content_sha256,
                  "the printed form has the same hash");
    return 0;
}
