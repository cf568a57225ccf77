#include "schema/failure_parser.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <initializer_list>
#include <utility>

#include "schema/content_hash.hpp"
#include "schema/date_time.hpp"
#include "schema/domain_name.hpp"
#include "schema/finding_codes_failure.hpp"
#include "schema/finding_list.hpp"
#include "schema/ip_address.hpp"
#include "schema/mailbox_domain.hpp"
#include "schema/scalar_text.hpp"

namespace dmarcbox::schema {
namespace {

using Fields = std::vector<HeaderField>;

constexpr std::string_view kAuthFailure = "auth-failure";
constexpr std::int64_t kMaxCount = 1'000'000'000'000;  // 10^12: no total can overflow

// RFC 6591 section 3.2.2, and `dmarc` of RFC 7489 section 7.3.1 and RFC 9991.
constexpr std::array<std::string_view, 6> kAuthFailures{"adsp",      "bodyhash", "revoked",
                                                        "signature", "spf",      "dmarc"};
// RFC 6591 section 3.2.2.
constexpr std::array<std::string_view, 5> kDeliveryResults{"delivered", "spam", "policy", "reject",
                                                           "other"};
// Fields that only a report of an authentication failure has.
constexpr std::array<std::string_view, 6> kAuthFailureFields{
    "Auth-Failure", "Delivery-Result", "Identity-Alignment",
    "DKIM-Domain",  "DKIM-Selector",   "SPF-DNS"};
// RFC 5965 section 3.1, RFC 6591 section 3.1, RFC 9991: exactly once, or at least once.
constexpr std::array<std::string_view, 5> kRequiredFields{
    "User-Agent", "Version", "Auth-Failure", "Authentication-Results", "Identity-Alignment"};
// RFC 5965 section 3.2 and RFC 6591 section 3.2: at most once.
constexpr std::array<std::string_view, 20> kSingleFields{"Feedback-Type",
                                                         "User-Agent",
                                                         "Version",
                                                         "Original-Envelope-Id",
                                                         "Original-Mail-From",
                                                         "Arrival-Date",
                                                         "Received-Date",
                                                         "Reporting-MTA",
                                                         "Source-IP",
                                                         "Source-Port",
                                                         "Incidents",
                                                         "Auth-Failure",
                                                         "Delivery-Result",
                                                         "DKIM-Domain",
                                                         "DKIM-Identity",
                                                         "DKIM-Selector",
                                                         "DKIM-Canonicalized-Header",
                                                         "DKIM-Canonicalized-Body",
                                                         "DKIM-ADSP-DNS",
                                                         "Identity-Alignment"};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

/// Without comments (RFC 5322 section 3.2.2), collapsed.
std::string without_comments(std::string_view text) {
    std::string out;
    std::size_t depth = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '(') {
            ++depth;
        } else if (text[i] == ')' && depth > 0) {
            --depth;
        } else if (text[i] == '\\' && depth > 0) {
            ++i;
        } else if (depth == 0) {
            out += text[i];
        }
    }
    return collapse(out);
}

/// A reverse or forward path without its angle brackets; the null path stays `<>`.
std::string path_text(std::string_view text) {
    auto path = collapse(text);
    const auto open = path.find('<');
    const auto close = path.find('>', open == std::string::npos ? 0 : open);
    if (open == std::string::npos || close == std::string::npos) {
        return path;
    }
    const auto inner = collapse(std::string_view(path).substr(open + 1, close - open - 1));
    return inner.empty() ? "<>" : inner;
}

/// Lines end in LF, none at the end: a copy from a Maildir hashes like the one from SMTP.
std::string hashed_form(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\r') {
            out += text[i];
        } else if (i + 1 == text.size() || text[i + 1] != '\n') {
            out += '\n';
        }
    }
    out.erase(out.find_last_not_of(" \t\n") + 1);
    return out;
}

/// Better no time than one that is hours off.
std::optional<std::int64_t> sure_time(const std::optional<MailDate>& date) {
    return date && date->zone_known ? std::optional(date->time) : std::nullopt;
}

void append_prefixed(std::string& out, std::string_view text) {
    out.append(std::to_string(text.size())).append(":").append(text);
}

class FailureReader {
  public:
    FailureReader(FailureParts parts, const Limits& limits)
        : parts_(std::move(parts)),
          limits_(limits),
          findings_(limits.max_findings, failure::kMoreFindings) {}

    tl::expected<FailureReport, ParseError> read();

  private:
    void cap(Fields& fields, std::string_view what);
    void cut(std::string& text, std::string_view what);

    [[nodiscard]] const HeaderField* find(const Fields& fields, std::string_view name) const;
    [[nodiscard]] std::string_view value(std::string_view name) const;
    [[nodiscard]] std::string text(std::string_view name) const { return collapse(value(name)); }
    [[nodiscard]] std::string sample_text(std::string_view name) const;
    [[nodiscard]] std::optional<ParseError> refuse_other_feedback();
    std::optional<std::int64_t> read_date(std::string_view sent);

    void read_fields();
    void read_plain_fields();
    void read_sample();
    void read_source_ip(std::string_view sent);
    void read_source_port();
    void read_incidents();
    void read_arrival();
    void note_form();
    template <std::size_t N>
    std::string read_token(std::string_view name,
                           const std::array<std::string_view, N>& known,
                           const FindingCode& odd);
    void derive_arrival();
    void derive_reported_domain();
    [[nodiscard]] Digest hash() const;

    FailureParts parts_;
    const Limits& limits_;
    FindingList findings_;
    FailureReport report_;
};

void FailureReader::cut(std::string& text, std::string_view what) {
    if (text.size() > limits_.max_text_bytes) {
        text.resize(cut_text(text, limits_.max_text_bytes).size());
        findings_.add(failure::kCut, what);
    }
}

void FailureReader::cap(Fields& fields, std::string_view what) {
    if (fields.size() > limits_.max_header_fields) {
        fields.resize(limits_.max_header_fields);
        findings_.add(failure::kTooManyFields, what);
    }
    for (auto& field : fields) {
        cut(field.name, what);
        cut(field.value, field.name);
        cut(field.raw, field.name);
    }
}

const HeaderField* FailureReader::find(const Fields& fields, std::string_view name) const {
    const auto found = std::find_if(fields.begin(), fields.end(), [&](const HeaderField& field) {
        return equal_ignoring_case(field.name, name);
    });
    return found == fields.end() ? nullptr : &*found;
}

/// The first field of that name that has a value.
std::string_view FailureReader::value(std::string_view name) const {
    for (const auto& field : parts_.fields) {
        if (equal_ignoring_case(field.name, name) && !trim(field.value).empty()) {
            return field.value;
        }
    }
    return {};
}

std::string FailureReader::sample_text(std::string_view name) const {
    const auto* field = find(parts_.headers, name);
    return field == nullptr ? std::string{} : collapse(field->value);
}

/// Complaints and other feedback share the container; only auth-failure is ours.
std::optional<ParseError> FailureReader::refuse_other_feedback() {
    std::string first;
    for (const auto& field : parts_.fields) {
        if (!equal_ignoring_case(field.name, "Feedback-Type")) {
            continue;
        }
        auto type = lower_case(without_comments(field.value));
        if (type == kAuthFailure) {
            return std::nullopt;
        }
        if (first.empty()) {
            first = std::move(type);
        }
    }
    const bool about_authentication =
        std::any_of(kAuthFailureFields.begin(), kAuthFailureFields.end(),
                    [&](std::string_view name) { return find(parts_.fields, name) != nullptr; });
    if (first.empty() && about_authentication) {
        findings_.add(failure::kMissingField, "Feedback-Type");
        return std::nullopt;
    }
    return ParseError{ParseError::Kind::no_report,
                      make_finding(failure::kFeedback, first.empty() ? "unknown" : first)};
}

std::optional<std::int64_t> FailureReader::read_date(std::string_view sent) {
    const auto date = read_mail_date(sent);
    if (date && date->standard) {
        return date->time;
    }
    const auto time = date ? sure_time(date) : parse_rfc3339(sent);
    findings_.add(time ? failure::kOddDate : failure::kBadDate, collapse(sent));
    return time;
}

void FailureReader::read_source_ip(std::string_view sent) {
    const auto as_sent = collapse(sent);
    if (as_sent.empty()) {
        return;
    }
    if (const auto parsed = parse_ip(as_sent)) {
        report_.source_ip = parsed->address.text();
        if (!parsed->exact) {
            findings_.add(failure::kIpForm, as_sent);
        }
        return;
    }
    report_.source_ip = as_sent.substr(0, as_sent.find_first_of(" ,;"));
    findings_.add(failure::kBadIp, as_sent);
}

void FailureReader::read_source_port() {
    const auto sent = without_comments(value("Source-Port"));
    if (sent.empty()) {
        return;
    }
    std::int64_t port = 0;
    const auto* end = sent.data() + sent.size();
    const auto result = std::from_chars(sent.data(), end, port);
    if (result.ec == std::errc{} && result.ptr == end && port > 0 && port <= 65535) {
        report_.source_port = port;
    } else {
        findings_.add(failure::kBadPort, sent);
    }
}

void FailureReader::read_incidents() {
    const auto sent = without_comments(value("Incidents"));
    if (sent.empty()) {
        return;  // absent means one (RFC 5965 section 3.2)
    }
    std::int64_t count = 0;
    const auto* end = sent.data() + sent.size();
    const auto result = std::from_chars(sent.data(), end, count);
    if (result.ec == std::errc{} && result.ptr == end && count >= 0 && count <= kMaxCount) {
        report_.incidents = count;
    } else {
        report_.incidents = 0;
        findings_.add(failure::kBadCount, "Incidents: " + sent);
    }
}

void FailureReader::read_arrival() {
    const auto arrival = value("Arrival-Date");
    const auto received = value("Received-Date");
    if (!arrival.empty()) {
        report_.arrived_at = read_date(arrival);
    }
    if (!received.empty()) {
        findings_.add(failure::kReceivedDate,
                      arrival.empty() ? "" : "beside Arrival-Date: " + collapse(received));
        if (!report_.arrived_at) {
            report_.arrived_at = read_date(received);
        }
    }
}

template <std::size_t N>
std::string FailureReader::read_token(std::string_view name,
                                      const std::array<std::string_view, N>& known,
                                      const FindingCode& odd) {
    const auto sent = text(name);
    auto token = lower_case(without_comments(sent));
    if (!token.empty() && !contains(known, token)) {
        findings_.add(odd, sent);
    }
    return token;
}

/// What breaks the field rules of the RFCs without touching a value.
void FailureReader::note_form() {
    for (const auto name : kRequiredFields) {
        if (value(name).empty()) {
            findings_.add(failure::kMissingField, name);
        }
    }
    for (const auto name : kSingleFields) {
        const auto times = std::count_if(
            parts_.fields.begin(), parts_.fields.end(),
            [&](const HeaderField& field) { return equal_ignoring_case(field.name, name); });
        if (times > 1) {
            findings_.add(failure::kRepeatedField, name);
        }
    }
    const auto version = without_comments(value("Version"));
    if (!version.empty() && version != "1") {
        findings_.add(failure::kOddVersion, version);
    }
}

void FailureReader::read_fields() {
    note_form();
    report_.auth_failure = read_token("Auth-Failure", kAuthFailures, failure::kOddAuthFailure);
    report_.delivery_result =
        read_token("Delivery-Result", kDeliveryResults, failure::kOddDeliveryResult);
    report_.identity_alignment = text("Identity-Alignment");  // its polarity is ambiguous: raw
    report_.reporting_mta = text("Reporting-MTA");
    report_.reported_domain = normalize_domain(without_comments(value("Reported-Domain")));
    report_.original_mail_from = path_text(value("Original-Mail-From"));
    report_.original_rcpt_to = path_text(value("Original-Rcpt-To"));
    report_.dkim_domain = normalize_domain(without_comments(value("DKIM-Domain")));
    report_.dkim_selector = text("DKIM-Selector");
    report_.dkim_identity = text("DKIM-Identity");
    report_.authentication_results = text("Authentication-Results");
    report_.user_agent = text("User-Agent");
    read_source_ip(value("Source-IP"));
    read_source_port();
    read_incidents();
    read_arrival();
}

/// The plain-text form says that the published DMARC policy failed, hence `dmarc`; its results are
/// the policy and what was done: Accept is delivered, Reject is reject, and Quarantine is policy
/// (RFC 6591: not delivered to the intended inbox, which folder is not told).
void FailureReader::read_plain_fields() {
    findings_.add(failure::kPlainTextForm);
    report_.auth_failure = "dmarc";
    report_.reported_domain = normalize_domain(text("Sender Domain"));
    read_source_ip(value("Sender IP Address"));
    if (const auto received = value("Received Date"); !received.empty()) {
        report_.arrived_at = read_date(received);
    }
    for (const auto& [mechanism, name] :
         std::initializer_list<std::pair<std::string_view, std::string_view>>{
             {"spf", "SPF Alignment"}, {"dkim", "DKIM Alignment"}}) {
        if (const auto aligned = lower_case(text(name)); !aligned.empty()) {
            report_.identity_alignment += report_.identity_alignment.empty() ? "" : " ";
            report_.identity_alignment.append(mechanism).append("=").append(aligned);
        }
    }
    cut(report_.identity_alignment, "Alignment");
    report_.identity_alignment = trim(report_.identity_alignment);
    const auto results = text("DMARC Results");
    const auto done = lower_case(trim(std::string_view(results).substr(
        results.find(',') == std::string::npos ? 0 : results.find(',') + 1)));
    if (done == "accept") {
        report_.delivery_result = "delivered";
    } else if (done == "quarantine") {
        report_.delivery_result = "policy";
    } else {
        report_.delivery_result = done;
        if (!done.empty() && done != "reject") {
            findings_.add(failure::kOddDeliveryResult, results);
        }
    }
}

void FailureReader::read_sample() {
    if (parts_.headers.empty()) {
        findings_.add(failure::kNoSample);
        return;
    }
    report_.sample_from = sample_text("From");
    report_.sample_to = sample_text("To");
    report_.sample_subject = sample_text("Subject");
    report_.sample_date_at = sure_time(read_mail_date(sample_text("Date")));
    report_.sample_message_id = path_text(sample_text("Message-ID"));
    if (report_.sample_message_id == "<>") {
        report_.sample_message_id.clear();
    }
}

/// From the last relay's note of the time (topmost Received), else from the author's.
void FailureReader::derive_arrival() {
    if (report_.arrived_at) {
        return;
    }
    if (const auto* received = find(parts_.headers, "Received")) {
        const auto semicolon = received->value.rfind(';');
        if (semicolon != std::string::npos) {
            report_.arrived_at =
                sure_time(read_mail_date(std::string_view(received->value).substr(semicolon + 1)));
        }
    }
    if (report_.arrived_at) {
        findings_.add(failure::kDerived, "arrived_at from Received");
    } else if (report_.sample_date_at) {
        report_.arrived_at = report_.sample_date_at;
        findings_.add(failure::kDerived, "arrived_at from Date");
    }
}

void FailureReader::derive_reported_domain() {
    const auto* from = find(parts_.headers, "From");
    if (!report_.reported_domain.empty() || from == nullptr) {
        return;
    }
    report_.reported_domain = mailbox_domain(from->raw.empty() ? from->value : from->raw);
    if (!report_.reported_domain.empty()) {
        findings_.add(failure::kDerived, "reported_domain from From");
    }
}

/// The plain-text form is hashed by its values: quoting, wrapping and footers are not the report's.
Digest FailureReader::hash() const {
    std::string text;
    if (parts_.plain_text) {
        for (const auto& field : parts_.fields) {
            append_prefixed(text, lower_case(field.name));
            append_prefixed(text, field.value);
        }
    } else {
        append_prefixed(text, hashed_form(parts_.fields_text));
    }
    append_prefixed(text, hashed_form(parts_.headers_text));
    return sha256(text);
}

tl::expected<FailureReport, ParseError> FailureReader::read() {
    if (parts_.fields.empty()) {
        return tl::unexpected(
            ParseError{ParseError::Kind::broken, make_finding(failure::kNoFields)});
    }
    cap(parts_.fields, "feedback-report");
    cap(parts_.headers, "sample");
    if (parts_.plain_text) {
        read_plain_fields();
    } else if (auto other = refuse_other_feedback()) {
        return tl::unexpected(std::move(*other));
    } else {
        read_fields();
    }
    report_.feedback_type = kAuthFailure;
    read_sample();
    derive_arrival();
    derive_reported_domain();
    report_.content_sha256 = hash();
    report_.fields = std::move(parts_.fields);
    report_.headers = std::move(parts_.headers);
    report_.findings = findings_.take();
    return std::move(report_);
}

}  // namespace

tl::expected<FailureReport, ParseError> parse_failure(FailureParts parts, const Limits& limits) {
    return FailureReader(std::move(parts), limits).read();
}

}  // namespace dmarcbox::schema
