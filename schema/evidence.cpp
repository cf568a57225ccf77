#include "schema/evidence.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "schema/domain_name.hpp"
#include "schema/scalar_text.hpp"

namespace dmarcbox::schema {
namespace {

constexpr std::string_view kPass = "pass";

/// Raw results of one record, told apart by whose they are.
struct Signs {
    const DkimAuthResult* own_dkim_pass = nullptr;
    const SpfAuthResult* own_spf_pass = nullptr;
    const DkimAuthResult* foreign_dkim_pass = nullptr;
    const SpfAuthResult* foreign_spf_pass = nullptr;
    bool own_dkim_fail = false;
    bool own_dkim_permerror = false;
    std::string_view own_spf_soft;  ///< softfail or neutral
    bool own_temperror = false;
    bool own_other = false;  ///< an own result that says something besides temperror

    [[nodiscard]] bool foreign_pass() const {
        return foreign_dkim_pass != nullptr || foreign_spf_pass != nullptr;
    }
};

template <class Pointer, class Result>
void keep_first(Pointer& first, const Result& result) {
    if (first == nullptr) {
        first = &result;
    }
}

void note_own_dkim(const DkimAuthResult& result, Signs& signs) {
    if (result.result == kPass) {
        keep_first(signs.own_dkim_pass, result);
    }
    signs.own_dkim_fail |= result.result == "fail";
    signs.own_dkim_permerror |= result.result == "permerror";
}

void note_own_spf(const SpfAuthResult& result, Signs& signs) {
    if (result.result == kPass) {
        keep_first(signs.own_spf_pass, result);
    }
    if (result.result == "softfail" || (result.result == "neutral" && signs.own_spf_soft.empty())) {
        signs.own_spf_soft = result.result;
    }
}

void note_own(std::string_view result, Signs& signs) {
    signs.own_temperror |= result == "temperror";
    signs.own_other |= !result.empty() && result != "temperror" && result != "none";
}

Signs read_signs(const AggregateRecord& record, std::string_view from) {
    Signs signs;
    for (const auto& result : record.dkim_results) {
        if (same_organization(result.domain, from)) {
            note_own_dkim(result, signs);
            note_own(result.result, signs);
        } else if (result.result == kPass && !result.domain.empty()) {
            keep_first(signs.foreign_dkim_pass, result);
        }
    }
    for (const auto& result : record.spf_results) {
        if (same_organization(result.domain, from)) {
            note_own_spf(result, signs);
            note_own(result.result, signs);
        } else if (result.result == kPass && !result.domain.empty()) {
            keep_first(signs.foreign_spf_pass, result);
        }
    }
    return signs;
}

/// Row 1: what the reporter found aligned.
std::string_view aligned_token(const AggregateRecord& record) {
    const bool dkim = record.dkim == kPass;
    const bool spf = record.spf == kPass;
    return dkim && spf ? "dkim+spf" : dkim ? "dkim" : spf ? "spf" : "";
}

bool says_arc_pass(const OverrideReason& reason) {
    return lower_case(reason.comment).find("arc=pass") != std::string::npos;
}

/// Rows 2 and 3: what the reporter gives as reason.
std::string reason_token(const AggregateRecord& record) {
    constexpr std::array<std::string_view, 3> kForwarding{"forwarded", "trusted_forwarder",
                                                          "mailing_list"};
    for (const auto& reason : record.reasons) {
        if (std::find(kForwarding.begin(), kForwarding.end(), reason.type) != kForwarding.end()) {
            return "reason-" + reason.type;
        }
    }
    return std::any_of(record.reasons.begin(), record.reasons.end(), says_arc_pass) ? "arc-pass"
                                                                                    : "";
}

/// Row 4: ours by raw result, yet not aligned. Strict alignment explains it if the name is another
/// one than that in From.
std::string_view unaligned_token(const Signs& signs,
                                 const AggregateReport& report,
                                 std::string_view from) {
    if (signs.own_dkim_pass == nullptr && signs.own_spf_pass == nullptr) {
        return "";
    }
    const bool dkim_explained = signs.own_dkim_pass == nullptr ||
                                (report.adkim == "s" && signs.own_dkim_pass->domain != from);
    const bool spf_explained =
        signs.own_spf_pass == nullptr || (report.aspf == "s" && signs.own_spf_pass->domain != from);
    return dkim_explained && spf_explained ? "strict" : "reporter-disagrees";
}

/// Rows 6 to 10, with no own key known to work.
std::string remaining_token(const Signs& signs) {
    if ((signs.own_dkim_permerror || signs.own_dkim_fail) &&
        (signs.foreign_pass() || !signs.own_spf_soft.empty())) {
        return "own-key-bad";
    }
    if (signs.foreign_dkim_pass != nullptr) {
        return std::string("signs-as:")
            .append(organizational_domain_of(signs.foreign_dkim_pass->domain));
    }
    if (signs.foreign_spf_pass != nullptr) {
        return std::string("sends-as:")
            .append(organizational_domain_of(signs.foreign_spf_pass->domain));
    }
    if (signs.own_temperror && !signs.own_other) {
        return "temperror";
    }
    return signs.own_spf_soft.empty() ? "nothing"
                                      : std::string("nothing-").append(signs.own_spf_soft);
}

std::vector<SigningKey> own_failed_keys(const AggregateRecord& record, std::string_view from) {
    std::vector<SigningKey> keys;
    for (const auto& result : record.dkim_results) {
        if ((result.result == "fail" || result.result == "neutral" || result.result == "policy") &&
            same_organization(result.domain, from)) {
            keys.push_back({result.domain, result.selector});
        }
    }
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    return keys;
}

Evidence classify(const AggregateRecord& record,
                  const AggregateReport& report,
                  std::string_view from) {
    Evidence evidence;
    const Signs signs = read_signs(record, from);
    evidence.foreign_pass = signs.foreign_pass();
    evidence.token = aligned_token(record);
    if (evidence.token.empty()) {
        evidence.token = reason_token(record);
    }
    if (evidence.token.empty()) {
        evidence.token = unaligned_token(signs, report, from);
    }
    if (evidence.token.empty()) {
        evidence.token = remaining_token(signs);
        evidence.own_failed_keys = own_failed_keys(record, from);
        evidence.final = evidence.own_failed_keys.empty();
    }
    return evidence;
}

}  // namespace

void classify_records(AggregateReport& report) {
    std::set<std::pair<std::string_view, std::string_view>> passing;
    for (auto& record : report.records) {
        const std::string_view from =
            record.header_from.empty() ? report.domain : record.header_from;
        record.evidence = classify(record, report, from);
        for (const auto& result : record.dkim_results) {
            if (result.result == kPass && same_organization(result.domain, from)) {
                passing.emplace(result.domain, result.selector);
            }
        }
    }
    report.passing_keys.clear();
    report.passing_keys.reserve(passing.size());
    for (const auto& [domain, selector] : passing) {
        report.passing_keys.push_back({std::string(domain), std::string(selector)});
    }
}

}  // namespace dmarcbox::schema
