#include "storage/submission.hpp"

#include <type_traits>

namespace dmarcbox::storage {

std::string_view to_string(Outcome outcome) {
    switch (outcome) {
        case Outcome::report:
            return "report";
        case Outcome::duplicate:
            return "duplicate";
        case Outcome::other:
            return "other";
        case Outcome::unreadable:
            return "unreadable";
    }
    return "other";
}

namespace {

// An estimate on the high side of what one record or header holds beside its struct.
constexpr std::size_t kRecordBytes = 768;
constexpr std::size_t kHeaderBytes = 512;

std::size_t memory_of(const schema::AggregateReport& report) {
    return sizeof(report) + report.records.size() * kRecordBytes;
}
std::size_t memory_of(const schema::FailureReport& report) {
    std::size_t bytes =
        sizeof(report) + (report.fields.size() + report.headers.size()) * kHeaderBytes;
    for (const auto& header : report.headers) {
        bytes += header.raw.size() + header.value.size();
    }
    return bytes;
}
std::size_t memory_of(const schema::TlsReport& report) {
    std::size_t bytes = sizeof(report);
    for (const auto& policy : report.policies) {
        bytes += sizeof(policy) + policy.failures.size() * kRecordBytes;
    }
    return bytes;
}

}  // namespace

std::size_t Submission::memory() const {
    std::size_t bytes = sizeof(*this) + original.content.size();
    for (const auto& report : reports) {
        bytes += std::visit([](const auto& value) { return memory_of(value); }, report);
    }
    return bytes;
}

}  // namespace dmarcbox::storage
