#include "schema/tls_parser.hpp"

#include <algorithm>
#include <array>
#include <boost/json/value.hpp>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <new>
#include <utility>

#include "schema/aggregate_values.hpp"
#include "schema/content_hash.hpp"
#include "schema/date_time.hpp"
#include "schema/domain_name.hpp"
#include "schema/finding_codes_aggregate.hpp"
#include "schema/finding_codes_failure.hpp"
#include "schema/finding_list.hpp"
#include "schema/ip_address.hpp"
#include "schema/json_tree.hpp"
#include "schema/scalar_text.hpp"

namespace dmarcbox::schema {
namespace {

namespace json = boost::json;

constexpr std::int64_t kMaxCount = 1'000'000'000'000;  // 10^12: no total can overflow
constexpr std::int64_t kYear2010 = 1262304000;
constexpr std::int64_t kLongestRange = std::int64_t{31} * 86400;
constexpr std::size_t kMaxReports = 100;
constexpr std::size_t kAskEvery = 1024;  ///< failure details between two questions for the time

// RFC 8460 section 4.4.
constexpr std::array<std::string_view, 3> kPolicyTypes{"tlsa", "sts", "no-policy-found"};
// RFC 8460 section 4.3.
constexpr std::array<std::string_view, 11> kResultTypes{
    "starttls-not-supported", "certificate-host-mismatch",
    "certificate-expired",    "certificate-not-trusted",
    "validation-failure",     "tlsa-invalid",
    "dnssec-invalid",         "dane-required",
    "sts-policy-fetch-error", "sts-policy-invalid",
    "sts-webpki-invalid"};

std::string_view view(const json::string& text) {
    return {text.data(), text.size()};
}

/// Whether a name means that key of RFC 8460: in whatever case, with `_` for `-`.
bool means(std::string_view name, std::string_view key) {
    return std::equal(name.begin(), name.end(), key.begin(), key.end(), [](char sent, char meant) {
        return sent == meant || (sent == '_' && meant == '-') ||
               (sent >= 'A' && sent <= 'Z' && sent - 'A' + 'a' == meant);
    });
}

std::string_view name_of(const json::key_value_pair& entry) {
    return {entry.key().data(), entry.key().size()};
}

/// The member, or nullptr if it is missing or null.
const json::value* member(const json::object& object, std::string_view key) {
    const auto* found = object.if_contains(key);
    if (found == nullptr) {
        const auto* misspelt = std::find_if(object.begin(), object.end(), [key](const auto& entry) {
            return means(name_of(entry), key);
        });
        found = misspelt == object.end() ? nullptr : &misspelt->value();
    }
    return found == nullptr || found->is_null() ? nullptr : found;
}

/// `2016-04-01T00:00:00Z` or with an offset: what RFC 3339 allows, without its liberties.
bool is_strict_date(std::string_view text) {
    if (text.size() < 20 || (text[10] != 'T' && text[10] != 't') || text[16] != ':') {
        return false;
    }
    const char sign = text[text.size() - std::min<std::size_t>(text.size(), 6)];
    return text.back() == 'Z' || text.back() == 'z' ||
           ((sign == '+' || sign == '-') && text[text.size() - 3] == ':');
}

/// A number as its text, nullopt for anything else.
std::optional<std::string> number_text(const json::value& value) {
    if (const auto* number = value.if_int64()) {
        return std::to_string(*number);
    }
    if (const auto* big = value.if_uint64()) {
        return std::to_string(*big);
    }
    if (const auto* real = value.if_double()) {
        return std::to_string(*real);
    }
    return std::nullopt;
}

/// What reporters write instead of RFC 3339: the forms known of aggregate reports, and the name UTC
/// behind any of them.
std::optional<std::int64_t> read_odd_date(std::string_view sent) {
    constexpr std::string_view kUtc = " UTC";
    FindingList forms(1, aggregate::kMoreFindings);
    return read_time(sent.ends_with(kUtc) ? sent.substr(0, sent.size() - kUtc.size()) : sent,
                     forms);
}

/// Ends the reading from deep inside; caught in parse_tls.
struct OutOfTime {};

class TlsReader {
  public:
    TlsReader(std::string_view report_domain,
              const Limits& limits,
              const Expired& expired,
              MemoryBudget& budget,
              FindingList& findings)
        : report_domain_(report_domain),
          limits_(limits),
          expired_(expired),
          budget_(budget),
          findings_(findings) {}

    /// Throws std::bad_alloc over the budget, OutOfTime.
    TlsReport read(const json::object& root);

  private:
    void read_range(const json::object& root);
    std::optional<std::int64_t> read_date(const json::object& range, std::string_view key);
    void read_policy(const json::value& entry);
    void read_policy_object(const json::object& object, TlsPolicy& policy);
    void read_summary(const json::object& entry, TlsPolicy& policy);
    void read_details(const json::object& entry, TlsPolicy& policy);
    TlsFailure read_failure(const json::object& object);

    void note_unknown(const json::object& object,
                      std::initializer_list<std::string_view> known,
                      std::string_view path);
    std::string scalar(const json::value& value, std::string_view key);
    std::string text(const json::object& object, std::string_view key);
    std::string required_text(const json::object& object, std::string_view key);
    std::string lines(const json::object& object, std::string_view key);
    std::string host(std::string_view sent);
    std::string host_lines(std::string_view sent);
    std::string address(std::string_view sent);
    std::int64_t count(const json::value& value, std::string_view key);
    template <std::size_t N>
    std::string token(const std::string& sent,
                      const std::array<std::string_view, N>& known,
                      const FindingCode& odd);
    void charge(std::size_t bytes) {
        if (!budget_.take(bytes)) {
            throw std::bad_alloc();
        }
    }

    std::string_view report_domain_;
    const Limits& limits_;
    const Expired& expired_;
    MemoryBudget& budget_;
    FindingList& findings_;
    TlsReport report_;
    std::size_t details_ = 0;  ///< admitted
    std::size_t read_ = 0;     ///< details read
};

void TlsReader::note_unknown(const json::object& object,
                             std::initializer_list<std::string_view> known,
                             std::string_view path) {
    for (const auto& entry : object) {
        const auto name = name_of(entry);
        const auto* key = std::find_if(known.begin(), known.end(),
                                       [name](auto known_key) { return means(name, known_key); });
        if (key == known.end() || (*key != name && object.contains(*key))) {
            findings_.add(tls::kUnknownField, std::string(path).append(collapse(name)));
        } else if (*key != name) {
            findings_.add(tls::kMisspeltField, std::string(path).append(name));
        }
    }
}

/// A string as it is, a number or truth value as its text with a finding, anything else as absent.
std::string TlsReader::scalar(const json::value& value, std::string_view key) {
    std::string text;
    if (const auto* string = value.if_string()) {
        text = collapse(view(*string));
    } else {
        findings_.add(tls::kOddType, key);
        if (auto number = number_text(value)) {
            text = std::move(*number);
        } else if (const auto* truth = value.if_bool()) {
            text = *truth ? "true" : "false";
        }
    }
    if (text.size() > limits_.max_text_bytes) {
        text = std::string(trim(cut_text(text, limits_.max_text_bytes)));
        findings_.add(tls::kCut, key);
    }
    charge(text.size());
    return text;
}

std::string TlsReader::text(const json::object& object, std::string_view key) {
    const auto* value = member(object, key);
    return value == nullptr ? std::string{} : scalar(*value, key);
}

std::string TlsReader::required_text(const json::object& object, std::string_view key) {
    auto result = text(object, key);
    if (result.empty()) {
        findings_.add(tls::kMissingField, key);
    }
    return result;
}

/// A string, or an array of them, one to a line.
std::string TlsReader::lines(const json::object& object, std::string_view key) {
    const auto* value = member(object, key);
    if (value == nullptr) {
        return {};
    }
    const auto* array = value->if_array();
    if (array == nullptr) {
        return scalar(*value, key);
    }
    std::string joined;
    for (const auto& entry : *array) {
        const auto line = entry.is_null() ? std::string{} : scalar(entry, key);
        if (line.empty()) {
            continue;
        }
        joined += joined.empty() ? "" : "\n";
        joined += line;
        if (joined.size() > limits_.max_text_bytes) {
            joined = std::string(trim(cut_text(joined, limits_.max_text_bytes)));
            findings_.add(tls::kCut, key);
            break;
        }
    }
    return joined;
}

std::string TlsReader::host(std::string_view sent) {
    if (sent.size() > 1 && sent.ends_with('.')) {
        findings_.add(tls::kTrailingDot, sent);
    }
    return normalize_domain(sent);
}

std::string TlsReader::host_lines(std::string_view sent) {
    std::string hosts;
    while (!sent.empty()) {
        const auto end = std::min(sent.find('\n'), sent.size());
        const auto name = host(sent.substr(0, end));
        hosts.append(hosts.empty() || name.empty() ? "" : "\n").append(name);
        sent.remove_prefix(std::min(end + 1, sent.size()));
    }
    return hosts;
}

std::string TlsReader::address(std::string_view sent) {
    if (sent.empty()) {
        return {};
    }
    const auto parsed = parse_ip(sent);
    if (!parsed) {
        findings_.add(tls::kBadIp, sent);
        return std::string(sent);
    }
    if (!parsed->exact) {
        findings_.add(tls::kIpForm, sent);
    }
    return parsed->address.text();
}

std::int64_t TlsReader::count(const json::value& value, std::string_view key) {
    std::string as_sent;
    if (const auto* number = value.if_int64()) {
        if (*number >= 0 && *number <= kMaxCount) {
            return *number;
        }
        as_sent = std::to_string(*number);
    } else if (const auto* real = value.if_double()) {
        if (*real >= 0 && *real <= static_cast<double>(kMaxCount) && std::floor(*real) == *real) {
            findings_.add(tls::kOddType, key);
            return static_cast<std::int64_t>(*real);
        }
        as_sent = std::to_string(*real);
    } else if (const auto* string = value.if_string()) {
        as_sent = collapse(view(*string));
        std::int64_t result = 0;
        const auto* end = as_sent.data() + as_sent.size();
        const auto read = std::from_chars(as_sent.data(), end, result);
        if (read.ec == std::errc{} && read.ptr == end && result >= 0 && result <= kMaxCount) {
            findings_.add(tls::kOddType, key);
            return result;
        }
    } else if (const auto* big = value.if_uint64()) {
        as_sent = std::to_string(*big);
    }
    findings_.add(tls::kBadCount, std::string(key) + ": " + as_sent);
    return 0;
}

template <std::size_t N>
std::string TlsReader::token(const std::string& sent,
                             const std::array<std::string_view, N>& known,
                             const FindingCode& odd) {
    if (sent.empty() || std::find(known.begin(), known.end(), sent) != known.end()) {
        return sent;
    }
    findings_.add(odd, sent);
    return lower_case(sent);
}

std::optional<std::int64_t> TlsReader::read_date(const json::object& range, std::string_view key) {
    const auto* value = member(range, key);
    if (value == nullptr) {
        findings_.add(tls::kMissingField, key);
        return std::nullopt;
    }
    const auto number = number_text(*value);
    const auto sent = number ? *number : scalar(*value, key);
    if (is_strict_date(sent)) {
        if (const auto time = parse_rfc3339(sent)) {
            return time;
        }
    }
    const auto time = read_odd_date(sent);
    findings_.add(time ? tls::kOddDate : tls::kBadDate, sent);
    return time;
}

void TlsReader::read_range(const json::object& root) {
    const auto* value = member(root, "date-range");
    const auto* range = value == nullptr ? nullptr : value->if_object();
    if (range == nullptr) {
        findings_.add(tls::kMissingField, "date-range");
        return;
    }
    note_unknown(*range, {"start-datetime", "end-datetime"}, "date-range/");
    report_.begin_at = read_date(*range, "start-datetime");
    report_.end_at = read_date(*range, "end-datetime");
    if (!report_.begin_at || !report_.end_at) {
        return;
    }
    const auto begin = *report_.begin_at;
    const auto end = *report_.end_at;
    // The first two also keep the difference from overflowing.
    if (begin < kYear2010 || end < begin || end - begin > kLongestRange) {
        findings_.add(tls::kOddRange, format_utc(begin) + " to " + format_utc(end));
    }
}

void TlsReader::read_policy_object(const json::object& object, TlsPolicy& policy) {
    note_unknown(object,
                 {"policy-type", "policy-domain", "policy-string", "mx-host", "mx-host-pattern"},
                 "policy/");
    policy.policy_type =
        token(required_text(object, "policy-type"), kPolicyTypes, tls::kOddPolicyType);
    policy.policy_domain = host(text(object, "policy-domain"));
    const auto* strings = member(object, "policy-string");
    if (strings != nullptr && strings->is_string()) {
        findings_.add(tls::kOddType, "policy-string");
    }
    policy.policy_string = lines(object, "policy-string");
    // RFC 8460 calls it mx-host in one place and mx-host-pattern in another, and shows a plain
    // string where it asks for an array.
    const auto hosts = lines(object, "mx-host");
    policy.mx_host = host_lines(hosts.empty() ? lines(object, "mx-host-pattern") : hosts);
}

void TlsReader::read_details(const json::object& entry, TlsPolicy& policy) {
    const auto* details = member(entry, "failure-details");
    if (details == nullptr) {
        return;
    }
    const auto take = [&](const json::value& value) {
        if (const auto* object = value.if_object()) {
            policy.failures.push_back(read_failure(*object));
        } else {
            findings_.add(tls::kSkippedEntry, "failure-details");
        }
    };
    if (const auto* array = details->if_array()) {
        const auto objects = static_cast<std::size_t>(
            std::count_if(array->begin(), array->end(),
                          [](const json::value& value) { return value.is_object(); }));
        if (objects > limits_.max_records - std::min(details_, limits_.max_records)) {
            throw std::bad_alloc();
        }
        details_ += objects;
        charge(objects * sizeof(TlsFailure));
        policy.failures.reserve(objects);
        std::for_each(array->begin(), array->end(), take);
    } else {
        findings_.add(tls::kOddType, "failure-details");
        take(*details);
    }
}

TlsFailure TlsReader::read_failure(const json::object& object) {
    if (expired_ && ++read_ % kAskEvery == 0 && expired_()) {
        throw OutOfTime{};
    }
    note_unknown(
        object,
        {"result-type", "sending-mta-ip", "receiving-mx-hostname", "receiving-mx-helo",
         "receiving-ip", "failed-session-count", "additional-information", "failure-reason-code"},
        "failure-details/");
    TlsFailure failure;
    failure.result_type =
        token(required_text(object, "result-type"), kResultTypes, tls::kOddResultType);
    failure.sending_mta_ip = address(required_text(object, "sending-mta-ip"));
    failure.receiving_mx_hostname = host(required_text(object, "receiving-mx-hostname"));
    failure.receiving_mx_helo = text(object, "receiving-mx-helo");
    failure.receiving_ip = address(text(object, "receiving-ip"));
    failure.additional_information = text(object, "additional-information");
    failure.failure_reason_code = text(object, "failure-reason-code");
    if (const auto* sessions = member(object, "failed-session-count")) {
        failure.failed_session_count = count(*sessions, "failed-session-count");
    } else {
        findings_.add(tls::kMissingField, "failed-session-count");
    }
    return failure;
}

void TlsReader::read_summary(const json::object& entry, TlsPolicy& policy) {
    const auto* value = member(entry, "summary");
    const auto* summary = value == nullptr ? nullptr : value->if_object();
    const auto* success =
        summary == nullptr ? nullptr : member(*summary, "total-successful-session-count");
    const auto* failure =
        summary == nullptr ? nullptr : member(*summary, "total-failure-session-count");
    if (success != nullptr) {
        policy.success_count = count(*success, "total-successful-session-count");
    } else {
        findings_.add(tls::kMissingField, "total-successful-session-count");
    }
    if (summary != nullptr) {
        note_unknown(*summary, {"total-successful-session-count", "total-failure-session-count"},
                     "summary/");
    }
    std::int64_t sum = 0;
    for (const auto& detail : policy.failures) {
        sum += detail.failed_session_count;
    }
    if (failure == nullptr) {
        findings_.add(tls::kMissingTotal, std::to_string(sum) + " in the details");
        policy.failure_count = std::min(sum, kMaxCount);
        return;
    }
    policy.failure_count = count(*failure, "total-failure-session-count");
    if (!policy.failures.empty() && sum != policy.failure_count) {
        findings_.add(tls::kSumMismatch, "details " + std::to_string(sum) + " total " +
                                             std::to_string(policy.failure_count));
    }
}

void TlsReader::read_policy(const json::value& entry) {
    if (expired_ && expired_()) {
        throw OutOfTime{};
    }
    const auto* object = entry.if_object();
    if (object == nullptr) {
        findings_.add(tls::kSkippedEntry, "policies");
        return;
    }
    note_unknown(*object, {"policy", "summary", "failure-details"}, "policies/");
    TlsPolicy policy;
    const auto* value = member(*object, "policy");
    if (const auto* list = value == nullptr ? nullptr : value->if_array();
        list != nullptr && list->size() == 1) {
        findings_.add(tls::kOddType, "policy");
        value = &list->front();
    }
    if (const auto* policy_object = value == nullptr ? nullptr : value->if_object()) {
        read_policy_object(*policy_object, policy);
    } else {
        findings_.add(tls::kMissingField, "policy");
    }
    if (policy.policy_domain.empty()) {
        policy.policy_domain = normalize_domain(report_domain_);
        if (policy.policy_domain.empty()) {
            findings_.add(tls::kMissingField, "policy-domain");
        } else {
            findings_.add(tls::kDomainFromHeader, policy.policy_domain);
        }
    }
    read_details(*object, policy);
    read_summary(*object, policy);
    report_.policies.push_back(std::move(policy));
}

TlsReport TlsReader::read(const json::object& root) {
    note_unknown(root, {"organization-name", "date-range", "contact-info", "report-id", "policies"},
                 {});
    report_.org_name = required_text(root, "organization-name");
    report_.contact_info = required_text(root, "contact-info");
    report_.report_id = required_text(root, "report-id");
    read_range(root);
    const auto* policies = member(root, "policies");
    if (policies == nullptr) {
        findings_.add(tls::kMissingField, "policies");
    } else if (const auto* array = policies->if_array()) {
        if (array->size() > limits_.max_records) {
            throw std::bad_alloc();
        }
        if (array->empty()) {
            findings_.add(tls::kMissingField, "policies");
        }
        charge(array->size() * sizeof(TlsPolicy));
        report_.policies.reserve(array->size());
        for (const auto& entry : *array) {
            read_policy(entry);
        }
    } else {
        findings_.add(tls::kOddType, "policies");
        read_policy(*policies);
    }
    report_.content_sha256 = content_hash(report_);
    return std::move(report_);
}

constexpr std::array<std::string_view, 3> kReportKeys{"organization-name", "date-range",
                                                      "policies"};

/// Neither white space nor what stands between documents (RFC 7464, a list of them).
bool is_text(char c) {
    return c != ' ' && c != '\t' && c != '\r' && c != '\n' && c != ',' && c != '\x1e' && c != '\0';
}

/// Two of the three: one may be forgotten, but `policies` alone is in many a JSON file.
bool has_report_keys(const json::object& root) {
    return std::count_if(kReportKeys.begin(), kReportKeys.end(), [&](std::string_view key) {
               return std::any_of(root.begin(), root.end(),
                                  [key](const auto& entry) { return means(name_of(entry), key); });
           }) >= 2;
}

/// The objects that stand beside each other in a text; empty if something else stands there, or
/// more than a hundred.
std::vector<std::string_view> objects_of(std::string_view json) {
    std::vector<std::string_view> objects;
    std::size_t depth = 0;
    std::size_t begin = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (quoted) {
            i += c == '\\' ? 1 : 0;
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            begin = depth == 0 ? i : begin;
            ++depth;
        } else if (c == '}' || c == ']') {
            if (depth == 0 || objects.size() == kMaxReports) {
                return {};
            }
            if (--depth == 0) {
                objects.push_back(json.substr(begin, i + 1 - begin));
            }
        } else if (depth == 0 && is_text(c)) {
            return {};
        }
    }
    return depth == 0 ? objects : std::vector<std::string_view>{};
}

}  // namespace

tl::expected<TlsReport, ParseError> parse_tls(std::string_view json,
                                              std::string_view report_domain,
                                              const Limits& limits,
                                              const Expired& expired) {
    FindingList findings(limits.max_findings, tls::kMoreFindings);
    MemoryBudget budget(limits.max_parse_bytes);
    const auto tree = parse_json(json, budget, expired, findings);
    if (!tree) {
        return tl::unexpected(tree.error());
    }
    const auto* root = tree->root().if_object();
    if (root == nullptr || !has_report_keys(*root)) {
        return tl::unexpected(
            ParseError{ParseError::Kind::no_report, make_finding(tls::kNoReport)});
    }
    try {
        auto report = TlsReader(report_domain, limits, expired, budget, findings).read(*root);
        report.findings = findings.take();
        return report;
    } catch (const std::bad_alloc&) {
        return tl::unexpected(
            ParseError{ParseError::Kind::memory, make_finding(tls::kMemory, "report")});
    } catch (const OutOfTime&) {
        return tl::unexpected(ParseError{ParseError::Kind::time, make_finding(tls::kTime)});
    }
}

std::vector<std::string_view> split_tls(std::string_view json) {
    const auto document = trim(json);
    if (document.starts_with('[') && document.ends_with(']')) {
        return objects_of(document.substr(1, document.size() - 2));
    }
    auto objects = objects_of(json);
    return objects.size() > 1 ? std::move(objects) : std::vector<std::string_view>{};
}

bool looks_like_tls(std::string_view json) {
    for (auto at = json.find('"'); at != std::string_view::npos; at = json.find('"', at + 1)) {
        const auto rest = json.substr(at + 1);
        const bool found =
            std::any_of(kReportKeys.begin(), kReportKeys.end(), [rest](std::string_view key) {
                return rest.size() > key.size() && rest[key.size()] == '"' &&
                       means(rest.substr(0, key.size()), key);
            });
        if (found) {
            return true;
        }
    }
    return false;
}

}  // namespace dmarcbox::schema
