#include "schema/aggregate_values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "schema/date_time.hpp"
#include "schema/finding_codes_aggregate.hpp"
#include "schema/ip_address.hpp"
#include "schema/scalar_text.hpp"

namespace dmarcbox::schema {
namespace {

constexpr std::int64_t kMaxCount = 1'000'000'000'000;  // 10^12: no total can overflow
constexpr std::int64_t kEndOfTime = 253'402'300'799;   // year 9999: arithmetic stays in range
constexpr std::size_t kMillisecondDigits = 13;         // seconds have 13 after the year 33658
constexpr std::size_t kMicrosecondDigits = 16;

struct Synonym {
    std::string_view sent;
    std::string_view token;
};

struct Words {
    std::span<const std::string_view> tokens;
    std::span<const Synonym> synonyms;
    const FindingCode& odd;
};

using std::array;
using std::string_view;

// RFC 7489 appendix C and RFC 9990; the common ones first.
constexpr array<string_view, 2> kModes{"r", "s"};
constexpr array<Synonym, 2> kModeSynonyms{{{"relaxed", "r"}, {"strict", "s"}}};
constexpr array<string_view, 3> kPolicies{"none", "quarantine", "reject"};
constexpr array<string_view, 2> kTesting{"n", "y"};
constexpr array<Synonym, 6> kTestingSynonyms{
    {{"no", "n"}, {"yes", "y"}, {"false", "n"}, {"true", "y"}, {"0", "n"}, {"1", "y"}}};
constexpr array<string_view, 2> kDiscovery{"psl", "treewalk"};
constexpr array<string_view, 4> kDispositions{"none", "reject", "quarantine", "pass"};
constexpr array<string_view, 2> kEvaluations{"pass", "fail"};
constexpr array<string_view, 7> kDkimResults{"pass",    "fail",      "none",  "permerror",
                                             "neutral", "temperror", "policy"};
constexpr array<string_view, 8> kSpfResults{"pass",    "fail",      "softfail",  "none",
                                            "neutral", "temperror", "permerror", "policy"};
// `hardfail` comes from SPF libraries; the other two are what reporters commonly send, as comments
// in the schema of RFC 7489 appendix C say.
constexpr array<Synonym, 3> kResultSynonyms{
    {{"hardfail", "fail"}, {"unknown", "temperror"}, {"error", "permerror"}}};
constexpr array<string_view, 2> kScopes{"mfrom", "helo"};
constexpr array<Synonym, 3> kScopeSynonyms{
    {{"mailfrom", "mfrom"}, {"mail_from", "mfrom"}, {"ehlo", "helo"}}};
constexpr array<string_view, 7> kReasons{"local_policy",    "forwarded",         "mailing_list",
                                         "other",           "trusted_forwarder", "sampled_out",
                                         "policy_test_mode"};

Words words_of(Vocabulary vocabulary) {
    switch (vocabulary) {
        case Vocabulary::alignment_mode:
            return {kModes, kModeSynonyms, aggregate::kOddAlignmentMode};
        case Vocabulary::policy:
            return {kPolicies, {}, aggregate::kOddPolicy};
        case Vocabulary::testing:
            return {kTesting, kTestingSynonyms, aggregate::kOddTesting};
        case Vocabulary::discovery_method:
            return {kDiscovery, {}, aggregate::kOddDiscoveryMethod};
        case Vocabulary::disposition:
            return {kDispositions, {}, aggregate::kOddDisposition};
        case Vocabulary::evaluation:
            return {kEvaluations, kResultSynonyms, aggregate::kOddEvaluation};
        case Vocabulary::dkim_result:
            return {kDkimResults, kResultSynonyms, aggregate::kOddDkimResult};
        case Vocabulary::spf_result:
            return {kSpfResults, kResultSynonyms, aggregate::kOddSpfResult};
        case Vocabulary::scope:
            return {kScopes, kScopeSynonyms, aggregate::kOddScope};
        case Vocabulary::reason:
            break;
    }
    return {kReasons, {}, aggregate::kOddReason};
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// The whole text as a number.
std::optional<std::int64_t> to_number(std::string_view text) {
    std::int64_t value = 0;
    const auto* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, value);
    if (parsed.ec != std::errc{} || parsed.ptr != end) {
        return std::nullopt;
    }
    return value;
}

struct ReadTime {
    std::optional<std::int64_t> value;
    const FindingCode* finding = nullptr;
};

ReadTime interpret_date(std::string_view text) {
    if (const auto time = parse_rfc3339(text)) {
        return {time, &aggregate::kTimeIso8601};
    }
    // A date without a time: the beginning of that day.
    if (const auto day = parse_rfc3339(std::string(text) + "T00:00:00Z")) {
        return {day, &aggregate::kTimeIso8601};
    }
    return {parse_mail_date(text), &aggregate::kTimeMailDate};
}

ReadTime interpret_time(std::string_view text) {
    const auto point = std::min(text.find('.'), text.size());
    const auto fraction = text.substr(std::min(point + 1, text.size()));
    const auto whole = to_number(text.substr(0, point));
    if (!whole || !std::all_of(fraction.begin(), fraction.end(), is_digit)) {
        return interpret_date(text);
    }
    if (point == kMicrosecondDigits && std::all_of(text.begin(), text.begin() + 16, is_digit)) {
        return {*whole / 1000000, &aggregate::kTimeMicroseconds};
    }
    if (point == kMillisecondDigits && std::all_of(text.begin(), text.begin() + 13, is_digit)) {
        return {*whole / 1000, &aggregate::kTimeMilliseconds};
    }
    return {whole, point < text.size() ? &aggregate::kTimeFraction : nullptr};
}

}  // namespace

void read_token(std::string& out,
                std::string_view text,
                Vocabulary vocabulary,
                FindingList& findings) {
    const Words words = words_of(vocabulary);
    const auto is_token = [&words](std::string_view candidate) {
        return std::find(words.tokens.begin(), words.tokens.end(), candidate) != words.tokens.end();
    };
    if (is_token(text)) {
        out.assign(text);
        return;
    }
    const std::string lower = lower_case(text);
    if (is_token(lower)) {
        findings.add(aggregate::kUpperCase, text);
        out = lower;
        return;
    }
    const auto synonym = std::find_if(words.synonyms.begin(), words.synonyms.end(),
                                      [&](const Synonym& s) { return s.sent == lower; });
    if (synonym != words.synonyms.end()) {
        findings.add(aggregate::kSynonym, text);
        out = synonym->token;
        return;
    }
    findings.add(words.odd, text);
    if (vocabulary == Vocabulary::reason) {
        out.assign(text);
    } else if (vocabulary == Vocabulary::testing) {
        out.clear();
    } else {
        out = lower;
    }
}

std::optional<std::int64_t> read_time(std::string_view text, FindingList& findings) {
    const auto [value, finding] = interpret_time(text);
    if (!value || *value > kEndOfTime || *value < -kEndOfTime) {
        findings.add(aggregate::kBadTime, text);
        return std::nullopt;
    }
    if (finding != nullptr) {
        findings.add(*finding, text);
    }
    return value;
}

std::int64_t read_count(std::string_view text, FindingList& findings) {
    const auto point = std::min(text.find('.'), text.size());
    const auto fraction = text.substr(std::min(point + 1, text.size()));
    const bool whole = fraction.find_first_not_of('0') == std::string_view::npos;
    const auto count = whole ? to_number(text.substr(0, point)) : std::nullopt;
    if (count && point < text.size()) {
        findings.add(aggregate::kCountFraction, text);
    }
    if (!count || *count < 0 || *count > kMaxCount) {
        findings.add(aggregate::kBadCount, text);
        return 0;
    }
    return *count;
}

std::optional<std::int64_t> read_percentage(std::string_view text, FindingList& findings) {
    const auto value = to_number(text);
    if (!value || *value < 0 || *value > 100) {
        findings.add(aggregate::kBadPct, text);
    }
    return value;
}

void read_ip(std::string& out, std::string_view text, FindingList& findings) {
    const auto parsed = parse_ip(text);
    if (!parsed) {
        findings.add(aggregate::kBadIp, text);
        out.assign(text);
        return;
    }
    if (!parsed->exact) {
        findings.add(aggregate::kIpForm, text);
    }
    out = parsed->address.text();
}

}  // namespace dmarcbox::schema
