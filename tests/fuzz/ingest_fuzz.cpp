#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include "mime/charset.hpp"
#include "server/ingest.hpp"
#include "tests/fuzz/require.hpp"

/// The last byte says how much of failure reports is kept.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace dmarcbox;  // NOLINT(google-build-using-namespace)
    using fuzz::require;
    if (size == 0) {
        return 0;
    }
    IngestSettings settings;
    settings.limits.max_unpacked_bytes = std::size_t{1} << 20U;
    settings.limits.max_parse_bytes = std::size_t{8} << 20U;
    settings.limits.max_findings = 20;
    settings.keep = static_cast<FailureKeep>(data[size - 1] % 3);
    settings.redaction_key = "key";
    Message message;
    message.bytes = {reinterpret_cast<const char*>(data), size - 1};
    message.source = "smtp";
    const storage::Submission read = ingest(message, settings);

    const bool fault = std::any_of(read.findings.begin(), read.findings.end(),
                                   [](const auto& f) { return f.code.fault; });
    const bool reports = !read.reports.empty();
    require(reports == (read.outcome == storage::Outcome::report), "reports make a report");
    require(reports || fault == (read.outcome == storage::Outcome::unreadable),
            "a fault makes what has no report unreadable");
    require(reports == read.detail.empty(), "what is no report says why");
    require(mime::is_utf8(read.receipt.subject) && mime::is_utf8(read.receipt.header_from) &&
                mime::is_utf8(read.detail),
            "texts are UTF-8");
    require(static_cast<std::int64_t>(read.original.content.size()) <= read.original.size,
            "the original is not longer for being compressed");
    require(read.original.reduced || read.original.size == static_cast<std::int64_t>(size - 1),
            "the original is whole or called reduced");
    std::size_t findings = 0;
    const auto check = [&](const schema::Findings& list) {
        findings += list.size();
        for (const auto& finding : list) {
            require(finding.detail.size() <= 200 && mime::is_utf8(finding.detail) &&
                        mime::is_utf8(finding.part),
                    "findings are UTF-8");
        }
    };
    check(read.findings);
    for (const auto& report : read.reports) {
        std::visit([&](const auto& r) { check(r.findings); }, report);
    }
    require(findings <= settings.limits.max_findings, "findings are within their cap");
    return 0;
}
