#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "mime/charset.hpp"
#include "server/ingest.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace dmarcbox;  // NOLINT(google-build-using-namespace)
    if (size == 0) {
        return 0;
    }
    IngestSettings settings;
    settings.limits.max_unpacked_bytes = std::size_t{1} << 20U;
    settings.limits.max_parse_bytes = std::size_t{8} << 20U;
    settings.limits.max_findings = 20;
    settings.keep = static_cast<FailureKeep>(data[0] % 3);
    settings.redaction_key = "key";
    Message message;
    message.bytes = {reinterpret_cast<const char*>(data) + 1, size - 1};
    message.source = "smtp";
    const storage::Submission read = ingest(message, settings);

    const bool fault = std::any_of(read.findings.begin(), read.findings.end(),
                                   [](const auto& f) { return f.code.fault; });
    const bool reports = !read.reports.empty();
    if (reports != (read.outcome == storage::Outcome::report) ||
        (!reports && fault != (read.outcome == storage::Outcome::unreadable)) ||
        reports != read.detail.empty() || !mime::is_utf8(read.receipt.subject) ||
        !mime::is_utf8(read.receipt.header_from) || !mime::is_utf8(read.detail) ||
        static_cast<std::int64_t>(read.original.content.size()) > read.original.size) {
        std::abort();
    }
    return 0;
}
