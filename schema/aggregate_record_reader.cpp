#include <new>
#include <pugixml.hpp>
#include <utility>

#include "schema/aggregate_reader.hpp"
#include "schema/aggregate_reader_elements.hpp"
#include "schema/finding_codes_aggregate.hpp"
#include "schema/scalar_text.hpp"
#include "schema/xml_text.hpp"

// Each parent has a few children of all the names there are; the rest are unknown in it.
#pragma GCC diagnostic ignored "-Wswitch-enum"

namespace dmarcbox::schema {
namespace {

constexpr std::int64_t kAskEvery = 256;  ///< records between two questions for the time

std::size_t heap(const std::string& text) {
    static const std::size_t kInside = std::string().capacity();
    return text.capacity() > kInside ? text.capacity() + 1 : 0;
}

/// What a record takes, with the room that its evidence will.
std::size_t footprint(const AggregateRecord& record) {
    std::size_t sum = sizeof(record) + heap(record.source_ip) + heap(record.disposition) +
                      heap(record.dkim) + heap(record.spf) + heap(record.header_from) +
                      heap(record.envelope_from) + heap(record.envelope_to);
    for (const auto& reason : record.reasons) {
        sum += sizeof(reason) + heap(reason.type) + heap(reason.comment);
    }
    for (const auto& result : record.dkim_results) {
        sum += sizeof(result) + sizeof(SigningKey) + 2 * heap(result.domain) +
               2 * heap(result.selector) + heap(result.result) + heap(result.human_result);
    }
    for (const auto& result : record.spf_results) {
        sum += sizeof(result) + heap(result.domain) + heap(result.scope) + heap(result.result) +
               heap(result.human_result);
    }
    return sum;
}

}  // namespace

void AggregateReader::check_time() {
    if (report_.record_count % kAskEvery == 0 && expired_ && expired_()) {
        throw OutOfTime{};
    }
}

void AggregateReader::read_record(const pugi::xml_node& node) {
    check_time();
    if (static_cast<std::size_t>(report_.record_count) >= limits_.max_records) {
        throw TooManyRecords{};
    }
    ++report_.record_count;
    AggregateRecord record;
    bool has_count = false;
    for_each_element(node, {Element::record, "record"},
                     [&](Element element, const pugi::xml_node& child) {
                         switch (element) {
                             case Element::row:
                                 has_count = read_row(child, record);
                                 return true;
                             case Element::identifiers:
                                 read_identifiers(child, record);
                                 return true;
                             case Element::auth_results:
                                 read_auth_results(child, record);
                                 return true;
                             default:
                                 return false;
                         }
                     });
    keep(std::move(record), has_count);
}

void AggregateReader::keep(AggregateRecord&& record, bool has_count) {
    if (record.source_ip.empty() && record.count == 0) {
        findings_.add(aggregate::kNullRecord);
        return;
    }
    note_missing(record, has_count);
    has_pass_disposition_ |= record.disposition == "pass";
    charge(footprint(record));
    report_.records.push_back(std::move(record));
}

bool AggregateReader::read_row(const pugi::xml_node& node, AggregateRecord& record) {
    bool has_count = false;
    for_each_element(node, {Element::row, "record/row"},
                     [&](Element element, const pugi::xml_node& child) {
                         switch (element) {
                             case Element::source_ip: {
                                 const auto text = text_of(child, "record/row/source_ip");
                                 if (!text.empty()) {
                                     read_ip(record.source_ip, text, findings_);
                                 }
                                 return true;
                             }
                             case Element::count: {
                                 const auto text = text_of(child, "record/row/count");
                                 if (!text.empty()) {
                                     record.count = read_count(text, findings_);
                                     has_count = true;
                                 }
                                 return true;
                             }
                             case Element::policy_evaluated:
                                 read_evaluated(child, record);
                                 return true;
                             default:
                                 return false;
                         }
                     });
    return has_count;
}

void AggregateReader::read_evaluated(const pugi::xml_node& node, AggregateRecord& record) {
    for_each_element(
        node, {Element::policy_evaluated, "record/row/policy_evaluated"},
        [&](Element element, const pugi::xml_node& child) {
            switch (element) {
                case Element::disposition:
                    read_enumerated(record.disposition, child,
                                    "record/row/policy_evaluated/disposition",
                                    Vocabulary::disposition);
                    return true;
                case Element::dkim:
                    read_enumerated(record.dkim, child, "record/row/policy_evaluated/dkim",
                                    Vocabulary::evaluation);
                    return true;
                case Element::spf:
                    read_enumerated(record.spf, child, "record/row/policy_evaluated/spf",
                                    Vocabulary::evaluation);
                    return true;
                case Element::reason:
                    read_reason(child, record);
                    return true;
                default:
                    return false;
            }
        });
}

void AggregateReader::read_reason(const pugi::xml_node& node, AggregateRecord& record) {
    constexpr std::string_view kPath = "record/row/policy_evaluated/reason";
    OverrideReason reason;
    for_each_element(
        node, {Element::reason, kPath}, [&](Element element, const pugi::xml_node& child) {
            if (element == Element::type) {
                read_enumerated(reason.type, child, "record/row/policy_evaluated/reason/type",
                                Vocabulary::reason);
                return true;
            }
            if (element == Element::comment) {
                read_text(reason.comment, child, "record/row/policy_evaluated/reason/comment");
                return true;
            }
            return false;
        });
    const auto text = own_text_of(node, kPath);
    if (!text.empty() && reason.type.empty()) {  // rspamd: <reason>sampled_out</reason>
        findings_.add(aggregate::kReasonText, text);
        read_token(reason.type, text, Vocabulary::reason, findings_);
    } else if (!text.empty()) {
        findings_.add(aggregate::kStrayText, kPath);
    }
    if (reason.type.empty() && reason.comment.empty()) {
        findings_.add(aggregate::kEmptyReason);
        return;
    }
    shows_9990_ |= reason.type == "policy_test_mode";
    record.reasons.push_back(std::move(reason));
}

void AggregateReader::read_identifiers(const pugi::xml_node& node, AggregateRecord& record) {
    for_each_element(
        node, {Element::identifiers, "record/identifiers"},
        [&](Element element, const pugi::xml_node& child) {
            switch (element) {
                case Element::header_from:
                    read_domain(record.header_from, child, "record/identifiers/header_from");
                    return true;
                case Element::envelope_from:
                    read_envelope_from(child, record);
                    return true;
                case Element::envelope_to:
                    read_domain(record.envelope_to, child, "record/identifiers/envelope_to");
                    return true;
                default:
                    return false;
            }
        });
}

/// Present and empty is the null reverse-path (RFC 9990), another thing than absent.
void AggregateReader::read_envelope_from(const pugi::xml_node& node, AggregateRecord& record) {
    constexpr std::string_view kPath = "record/identifiers/envelope_from";
    read_domain(record.envelope_from, node, kPath);
    if (record.envelope_from.empty() && text_of(node, kPath).empty()) {
        record.envelope_from = "<>";
    }
}

void AggregateReader::read_auth_results(const pugi::xml_node& node, AggregateRecord& record) {
    for_each_element(node, {Element::auth_results, "record/auth_results"},
                     [&](Element element, const pugi::xml_node& child) {
                         if (element == Element::dkim) {
                             read_dkim(child, record);
                             return true;
                         }
                         if (element == Element::spf) {
                             read_spf(child, record);
                             return true;
                         }
                         return false;
                     });
}

void AggregateReader::read_dkim(const pugi::xml_node& node, AggregateRecord& record) {
    constexpr std::string_view kPath = "record/auth_results/dkim";
    DkimAuthResult result;
    for_each_element(
        node, {Element::dkim, kPath}, [&](Element element, const pugi::xml_node& child) {
            switch (element) {
                case Element::domain:
                    read_domain(result.domain, child, "record/auth_results/dkim/domain");
                    return true;
                case Element::selector:
                    read_text(result.selector, child, "record/auth_results/dkim/selector");
                    return true;
                case Element::result:
                    read_enumerated(result.result, child, "record/auth_results/dkim/result",
                                    Vocabulary::dkim_result);
                    return true;
                case Element::human_result:
                    read_text(result.human_result, child, "record/auth_results/dkim/human_result");
                    return true;
                default:
                    return false;
            }
        });
    if (result.domain.empty() && result.selector.empty() && result.result.empty() &&
        result.human_result.empty()) {
        findings_.add(aggregate::kEmptyResult, kPath);
        return;
    }
    missing_if_empty(result.domain, "record/auth_results/dkim/domain");
    missing_if_empty(result.result, "record/auth_results/dkim/result");
    record.dkim_results.push_back(std::move(result));
}

void AggregateReader::read_spf(const pugi::xml_node& node, AggregateRecord& record) {
    constexpr std::string_view kPath = "record/auth_results/spf";
    SpfAuthResult result;
    for_each_element(
        node, {Element::spf, kPath}, [&](Element element, const pugi::xml_node& child) {
            switch (element) {
                case Element::domain:
                    read_domain(result.domain, child, "record/auth_results/spf/domain");
                    return true;
                case Element::scope:
                    read_enumerated(result.scope, child, "record/auth_results/spf/scope",
                                    Vocabulary::scope);
                    return true;
                case Element::result:
                    read_enumerated(result.result, child, "record/auth_results/spf/result",
                                    Vocabulary::spf_result);
                    return true;
                case Element::human_result:
                    read_text(result.human_result, child, "record/auth_results/spf/human_result");
                    shows_9990_ = true;
                    return true;
                default:
                    return false;
            }
        });
    if (result.domain.empty() && result.scope.empty() && result.result.empty() &&
        result.human_result.empty()) {
        findings_.add(aggregate::kEmptyResult, kPath);
        return;
    }
    missing_if_empty(result.domain, "record/auth_results/spf/domain");
    missing_if_empty(result.result, "record/auth_results/spf/result");
    record.spf_results.push_back(std::move(result));
}

void AggregateReader::note_missing(const AggregateRecord& record, bool has_count) {
    if (record.source_ip.empty()) {
        findings_.add(aggregate::kNoSourceIp);
    }
    if (!has_count) {
        findings_.add(aggregate::kMissingElement, "record/row/count");
    }
    missing_if_empty(record.disposition, "record/row/policy_evaluated/disposition");
    missing_if_empty(record.dkim, "record/row/policy_evaluated/dkim");
    missing_if_empty(record.spf, "record/row/policy_evaluated/spf");
    missing_if_empty(record.header_from, "record/identifiers/header_from");
    if (record.dkim_results.empty() && record.spf_results.empty()) {
        findings_.add(aggregate::kMissingElement, "record/auth_results");
    }
}

void AggregateReader::charge(std::size_t bytes) {
    if (!memory_.take(bytes)) {
        throw std::bad_alloc();
    }
}

}  // namespace dmarcbox::schema
