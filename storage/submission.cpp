#include "storage/submission.hpp"

#include <variant>

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

/// What the allocator keeps beside each block.
constexpr std::size_t kBlock = 16;
/// std::string holds shorter text in itself.
constexpr std::size_t kInside = 15;

std::size_t heap(const std::string& text) {
    return text.capacity() > kInside ? text.capacity() + kBlock : 0;
}

template <typename Value>
std::size_t heap_of_array(const std::vector<Value>& values) {
    return values.capacity() > 0 ? values.capacity() * sizeof(Value) + kBlock : 0;
}

std::size_t heap_of_findings(const schema::Findings& findings) {
    std::size_t bytes = heap_of_array(findings);
    for (const auto& finding : findings) {
        bytes += heap(finding.part) + heap(finding.detail);
    }
    return bytes;
}

std::size_t heap_of_keys(const std::vector<schema::SigningKey>& keys) {
    std::size_t bytes = heap_of_array(keys);
    for (const auto& key : keys) {
        bytes += heap(key.domain) + heap(key.selector);
    }
    return bytes;
}

std::size_t heap_of_record(const schema::AggregateRecord& record) {
    std::size_t bytes = heap(record.source_ip) + heap(record.header_from) +
                        heap(record.envelope_from) + heap(record.envelope_to) +
                        heap(record.evidence.token) + heap_of_keys(record.evidence.own_failed_keys);
    bytes += heap_of_array(record.reasons) + heap_of_array(record.dkim_results) +
             heap_of_array(record.spf_results);
    for (const auto& reason : record.reasons) {
        bytes += heap(reason.type) + heap(reason.comment);
    }
    for (const auto& result : record.dkim_results) {
        bytes += heap(result.domain) + heap(result.selector) + heap(result.human_result);
    }
    for (const auto& result : record.spf_results) {
        bytes += heap(result.domain) + heap(result.human_result);
    }
    return bytes;
}

std::size_t memory_of_report(const schema::AggregateReport& report) {
    std::size_t bytes = sizeof(report) + heap_of_array(report.records) +
                        heap_of_keys(report.passing_keys) + heap_of_findings(report.findings);
    for (const auto& record : report.records) {
        bytes += heap_of_record(record);
    }
    return bytes;
}

std::size_t memory_of_report(const schema::FailureReport& report) {
    std::size_t bytes = sizeof(report) + heap_of_array(report.fields) +
                        heap_of_array(report.headers) + heap_of_findings(report.findings);
    for (const auto* fields : {&report.fields, &report.headers}) {
        for (const auto& field : *fields) {
            bytes += heap(field.name) + heap(field.value) + heap(field.raw);
        }
    }
    return bytes;
}

std::size_t memory_of_report(const schema::TlsReport& report) {
    std::size_t bytes =
        sizeof(report) + heap_of_array(report.policies) + heap_of_findings(report.findings);
    for (const auto& policy : report.policies) {
        bytes += heap(policy.policy_domain) + heap(policy.policy_string) + heap(policy.mx_host) +
                 heap_of_array(policy.failures);
        for (const auto& failure : policy.failures) {
            bytes += heap(failure.result_type) + heap(failure.sending_mta_ip) +
                     heap(failure.receiving_mx_hostname) + heap(failure.receiving_mx_helo) +
                     heap(failure.receiving_ip) + heap(failure.additional_information) +
                     heap(failure.failure_reason_code);
        }
    }
    return bytes;
}

}  // namespace

std::size_t memory_of(const schema::Report& report) {
    return std::visit([](const auto& value) { return memory_of_report(value); }, report);
}

std::size_t Submission::memory() const {
    std::size_t bytes = sizeof(*this) + original.content.size();
    for (const auto& report : reports) {
        bytes += memory_of(report);
    }
    return bytes;
}

}  // namespace dmarcbox::storage
