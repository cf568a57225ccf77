#include <doctest/doctest.h>

#include <array>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schema/date_time.hpp"
#include "schema/failure_parser.hpp"

namespace {

using namespace dmarcbox::schema;  // NOLINT(google-build-using-namespace)

constexpr Limits kLimits{.max_parse_bytes = std::size_t{16} << 20U,
                         .max_text_bytes = 65536,
                         .max_records = 100'000,
                         .max_header_fields = 2000,
                         .max_findings = 100};

using Pairs = std::vector<std::pair<std::string_view, std::string_view>>;

std::vector<HeaderField> fields_of(const Pairs& pairs) {
    std::vector<HeaderField> fields;
    for (const auto& [name, value] : pairs) {
        fields.push_back({std::string(name), std::string(value), " " + std::string(value)});
    }
    return fields;
}

/// `code: detail` per finding, joined by newline.
std::string notes(const Findings& findings) {
    std::string text;
    for (const auto& finding : findings) {
        CHECK(finding.code.stage == "failure");
        text += text.empty() ? "" : "\n";
        text += finding.code.code;
        text += finding.detail.empty() ? "" : ": " + finding.detail;
    }
    return text;
}

bool has(const FailureReport& report, std::string_view note) {
    return ("\n" + notes(report.findings) + "\n").find("\n" + std::string(note) + "\n") !=
           std::string::npos;
}

const Pairs kGood{
    {"Feedback-Type", "auth-failure"},
    {"User-Agent", "Example-Reporter/2.1"},
    {"Version", "1"},
    {"Original-Envelope-Id", "4Ab12"},
    {"Original-Mail-From", "<bounce@bulk.example>"},
    {"Original-Rcpt-To", "<user@mail.example>"},
    {"Arrival-Date", "Mon, 07 Apr 2025 23:16:09 +0200"},
    {"Reporting-MTA", "dns; mx.mail.example"},
    {"Source-IP", "192.0.2.7"},
    {"Source-Port", "40123"},
    {"Incidents", "2"},
    {"Authentication-Results", "mx.mail.example; dmarc=fail header.from=example.org"},
    {"Reported-Domain", "Example.ORG"},
    {"Auth-Failure", "dmarc"},
    {"Delivery-Result", "reject"},
    {"DKIM-Domain", "bulk.example"},
    {"DKIM-Identity", "@bulk.example"},
    {"DKIM-Selector", "s1"},
    {"Identity-Alignment", "none"},
};

const Pairs kSample{
    {"Received", "from a.bulk.example by mx.mail.example; Mon, 7 Apr 2025 23:16:08 +0200"},
    {"Received", "by a.bulk.example; Mon, 7 Apr 2025 23:16:01 +0200"},
    {"From", "\"Example, Shop\" <shop@Example.org>"},
    {"To", "user@mail.example"},
    {"Subject", "Your order \xe2\x82\xac 5"},
    {"Date", "Mon, 7 Apr 2025 23:16:00 +0200"},
    {"Message-ID", "<m1@bulk.example>"},
};

FailureParts parts(const Pairs& fields, const Pairs& sample = kSample) {
    return {fields_of(fields), fields_of(sample), "fields", "headers", false};
}

FailureReport parse(FailureParts from) {
    auto report = parse_failure(std::move(from), kLimits);
    REQUIRE(report.has_value());
    return std::move(*report);
}

/// kGood with one field set, added, or (no value) removed.
Pairs with(std::string_view name, std::optional<std::string_view> value) {
    Pairs pairs;
    bool found = false;
    for (const auto& pair : kGood) {
        if (pair.first != name) {
            pairs.push_back(pair);
        } else if (value) {
            pairs.emplace_back(name, *value);
            found = true;
        }
    }
    if (!found && value) {
        pairs.emplace_back(name, *value);
    }
    return pairs;
}

std::string time_of(const std::optional<std::int64_t>& time) {
    return time ? format_utc(*time) : "-";
}

}  // namespace

TEST_CASE("failure: a report by the book has every column and no finding") {
    const auto report = parse(parts(kGood));
    CHECK(report.feedback_type == "auth-failure");
    CHECK(report.auth_failure == "dmarc");
    CHECK(report.delivery_result == "reject");
    CHECK(report.identity_alignment == "none");
    CHECK(time_of(report.arrived_at) == "2025-04-07T21:16:09Z");
    CHECK(report.source_ip == "192.0.2.7");
    CHECK(report.source_port == 40123);
    CHECK(report.reporting_mta == "dns; mx.mail.example");
    CHECK(report.reported_domain == "example.org");
    CHECK(report.original_mail_from == "bounce@bulk.example");
    CHECK(report.original_rcpt_to == "user@mail.example");
    CHECK(report.dkim_domain == "bulk.example");
    CHECK(report.dkim_selector == "s1");
    CHECK(report.dkim_identity == "@bulk.example");
    CHECK(report.authentication_results == "mx.mail.example; dmarc=fail header.from=example.org");
    CHECK(report.incidents == 2);
    CHECK(report.user_agent == "Example-Reporter/2.1");
    CHECK(report.sample_from == "\"Example, Shop\" <shop@Example.org>");
    CHECK(report.sample_to == "user@mail.example");
    CHECK(report.sample_subject == "Your order \xe2\x82\xac 5");
    CHECK(time_of(report.sample_date_at) == "2025-04-07T21:16:00Z");
    CHECK(report.sample_message_id == "m1@bulk.example");
    CHECK(report.fields.size() == kGood.size());
    CHECK(report.headers.size() == kSample.size());
    CHECK(report.fields[5].name == "Original-Rcpt-To");
    CHECK(report.fields[5].value == "<user@mail.example>");
    CHECK(notes(report.findings).empty());
}

TEST_CASE("failure: values as senders write them") {
    struct Row {
        std::string_view name;
        std::string_view sent;
        std::string FailureReport::*column;
        std::string_view value;
        std::string_view note;  ///< the only finding; empty: none
    };
    const auto rows = std::to_array<Row>({
        {"Auth-Failure", "DMARC (no aligned identifier)", &FailureReport::auth_failure, "dmarc",
         ""},
        {"Auth-Failure", "BodyHash", &FailureReport::auth_failure, "bodyhash", ""},
        {"Auth-Failure", "Alignment", &FailureReport::auth_failure, "alignment",
         "odd_auth_failure: Alignment"},
        {"Delivery-Result", "SMG-Policy-Action", &FailureReport::delivery_result,
         "smg-policy-action", "odd_delivery_result: SMG-Policy-Action"},
        {"Delivery-Result", "Delivered (inbox)", &FailureReport::delivery_result, "delivered", ""},
        {"Identity-Alignment", "SPF,dkim", &FailureReport::identity_alignment, "SPF,dkim", ""},
        {"Source-IP", "192.0.2.7 (host.bulk.example)", &FailureReport::source_ip, "192.0.2.7",
         "ip_form: 192.0.2.7 (host.bulk.example)"},
        {"Source-IP", "[2001:DB8::0:1]", &FailureReport::source_ip, "2001:db8::1",
         "ip_form: [2001:DB8::0:1]"},
        {"Source-IP", "2001:DB8:0:0:0:0:0:1", &FailureReport::source_ip, "2001:db8::1", ""},
        {"Source-IP", "::ffff:192.0.2.7", &FailureReport::source_ip, "192.0.2.7", ""},
        {"Source-IP", "108r.166.27.220 (host)", &FailureReport::source_ip, "108r.166.27.220",
         "bad_ip: 108r.166.27.220 (host)"},
        {"Source-IP", "192.0.2.1, 192.0.2.2", &FailureReport::source_ip, "192.0.2.1",
         "bad_ip: 192.0.2.1, 192.0.2.2"},
        {"Original-Mail-From", "bounce@bulk.example", &FailureReport::original_mail_from,
         "bounce@bulk.example", ""},
        {"Original-Mail-From", "<>", &FailureReport::original_mail_from, "<>", ""},
        {"Original-Mail-From", " < > ", &FailureReport::original_mail_from, "<>", ""},
        {"Original-Mail-From", "<a@bulk.example> SIZE=99", &FailureReport::original_mail_from,
         "a@bulk.example", ""},
        {"Original-Mail-From", "", &FailureReport::original_mail_from, "", ""},
        {"Reported-Domain", "Example.Org. (the From domain)", &FailureReport::reported_domain,
         "example.org", ""},
        {"DKIM-Domain", "Bulk.Example.", &FailureReport::dkim_domain, "bulk.example", ""},
        {"Version", "0.1", &FailureReport::user_agent, "Example-Reporter/2.1", "odd_version: 0.1"},
        {"Redacted-Address", "user", &FailureReport::user_agent, "Example-Reporter/2.1", ""},
        {"user-agent", " folded\r\n  name/1 ", &FailureReport::user_agent, "Example-Reporter/2.1",
         "repeated_field: User-Agent"},
        {"User-Agent", " folded\r\n  name/1 ", &FailureReport::user_agent, "folded name/1", ""},
        {"User-Agent", "", &FailureReport::user_agent, "", "missing_field: User-Agent"},
    });
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CAPTURE(row.sent);
        const auto report = parse(parts(with(row.name, row.sent)));
        CHECK(report.*row.column == row.value);
        CHECK(notes(report.findings) == row.note);
    }
}

TEST_CASE("failure: numbers and dates") {
    struct Row {
        std::string_view name;
        std::optional<std::string_view> sent;
        std::string_view incidents;
        std::string_view port;
        std::string_view arrived;
        std::string_view note;
    };
    const auto rows = std::to_array<Row>({
        {"Incidents", std::nullopt, "1", "40123", "2025-04-07T21:16:09Z", ""},
        {"Incidents", "0", "0", "40123", "2025-04-07T21:16:09Z", ""},
        {"Incidents", "1000000000000", "1000000000000", "40123", "2025-04-07T21:16:09Z", ""},
        {"Incidents", "1000000000001", "0", "40123", "2025-04-07T21:16:09Z",
         "bad_count: Incidents: 1000000000001"},
        {"Incidents", "-3", "0", "40123", "2025-04-07T21:16:09Z", "bad_count: Incidents: -3"},
        {"Incidents", "99999999999999999999", "0", "40123", "2025-04-07T21:16:09Z",
         "bad_count: Incidents: 99999999999999999999"},
        {"Incidents", "many", "0", "40123", "2025-04-07T21:16:09Z", "bad_count: Incidents: many"},
        {"Incidents", "7 (about)", "7", "40123", "2025-04-07T21:16:09Z", ""},
        {"Source-Port", std::nullopt, "2", "-", "2025-04-07T21:16:09Z", ""},
        {"Source-Port", "0", "2", "-", "2025-04-07T21:16:09Z", "bad_port: 0"},
        {"Source-Port", "65536", "2", "-", "2025-04-07T21:16:09Z", "bad_port: 65536"},
        {"Source-Port", "smtp", "2", "-", "2025-04-07T21:16:09Z", "bad_port: smtp"},
        {"Arrival-Date", std::nullopt, "2", "40123", "2025-04-07T21:16:08Z",
         "derived: arrived_at from Received"},
        {"Arrival-Date", "2025-04-07T21:16:09Z", "2", "40123", "2025-04-07T21:16:09Z",
         "odd_date: 2025-04-07T21:16:09Z"},
        {"Arrival-Date", "Mon, 07 Apr 2025 11:16:09 p.m. -0600", "2", "40123",
         "2025-04-08T05:16:09Z", "odd_date: Mon, 07 Apr 2025 11:16:09 p.m. -0600"},
        {"Arrival-Date", "Mon Apr  7 23:16:09 CEST 2025", "2", "40123", "2025-04-07T21:16:09Z",
         "odd_date: Mon Apr 7 23:16:09 CEST 2025"},
        {"Arrival-Date", "Mon, 07 apr. 2025 23:16:09 +0200", "2", "40123", "2025-04-07T21:16:09Z",
         "odd_date: Mon, 07 apr. 2025 23:16:09 +0200"},
        {"Arrival-Date", "Mon, 07 Apr 2025 23:16:09", "2", "40123", "2025-04-07T23:16:09Z",
         "odd_date: Mon, 07 Apr 2025 23:16:09"},
        {"Arrival-Date", "Mon, 07 Apr 2025 23:16:09 EDT (summer)", "2", "40123",
         "2025-04-08T03:16:09Z", ""},
        {"Arrival-Date", "Mon, 07 Apr 2025 23:16:09 &#43;0200", "2", "40123",
         "2025-04-07T21:16:08Z",
         "bad_date: Mon, 07 Apr 2025 23:16:09 &#43;0200\nderived: arrived_at from Received"},
        {"Arrival-Date", "Mon, 07 Apr 2025 23:16:09 IST", "2", "40123", "2025-04-07T21:16:08Z",
         "bad_date: Mon, 07 Apr 2025 23:16:09 IST\nderived: arrived_at from Received"},
        {"Arrival-Date", "yesterday", "2", "40123", "2025-04-07T21:16:08Z",
         "bad_date: yesterday\nderived: arrived_at from Received"},
        {"Received-Date", "Mon, 07 Apr 2025 01:00:00 +0000", "2", "40123", "2025-04-07T21:16:09Z",
         "received_date: beside Arrival-Date: Mon, 07 Apr 2025 01:00:00 +0000"},
    });
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CAPTURE(row.sent.value_or("absent"));
        const auto report = parse(parts(with(row.name, row.sent)));
        CHECK(std::to_string(report.incidents) == row.incidents);
        CHECK((report.source_port ? std::to_string(*report.source_port) : "-") == row.port);
        CHECK(time_of(report.arrived_at) == row.arrived);
        CHECK(notes(report.findings) == row.note);
    }
}

TEST_CASE("failure: Received-Date stands for Arrival-Date") {
    auto fields = with("Arrival-Date", std::nullopt);
    fields.emplace_back("Received-Date", "Mon, 07 Apr 2025 01:00:00 +0000");
    const auto report = parse(parts(fields));
    CHECK(time_of(report.arrived_at) == "2025-04-07T01:00:00Z");
    CHECK(notes(report.findings) == "received_date");
}

TEST_CASE("failure: what part 2 lacks comes from the sample") {
    const Pairs undated{{"Received", "from nowhere"}, {"Date", "Mon, 7 Apr 2025 23:16:00 +0200"}};
    const auto from_date = parse(parts(with("Arrival-Date", std::nullopt), undated));
    CHECK(time_of(from_date.arrived_at) == "2025-04-07T21:16:00Z");
    CHECK(notes(from_date.findings) == "derived: arrived_at from Date");

    const auto nothing = parse(parts(with("Arrival-Date", std::nullopt), {{"Subject", "x"}}));
    CHECK_FALSE(nothing.arrived_at);
    CHECK(notes(nothing.findings).empty());

    const auto unsure = parse(parts(with("Arrival-Date", std::nullopt),
                                    {{"Received", "by mx; Mon, 7 Apr 2025 23:16:08 IST"},
                                     {"Date", "Mon, 7 Apr 2025 23:16:00 Europe/Berlin"}}));
    CHECK_FALSE(unsure.arrived_at);
    CHECK_FALSE(unsure.sample_date_at);

    const auto domain = parse(parts(with("Reported-Domain", std::nullopt)));
    CHECK(domain.reported_domain == "example.org");
    CHECK(notes(domain.findings) == "derived: reported_domain from From");
}

TEST_CASE("failure: domain of the sample's author") {
    struct Row {
        std::string_view from;
        std::string_view domain;
    };
    const auto rows = std::to_array<Row>({
        {"shop@example.org", "example.org"},
        {"Shop <shop@Example.ORG.>", "example.org"},
        {"\"a@evil.example <x@evil.example>\" <shop@example.org>", "example.org"},
        {"(a@evil.example) shop@example.org (x)", "example.org"},
        {"\"quoted \\\" @evil.example\"@example.org", "example.org"},
        {"Shop <@relay.example:shop@example.org>", "example.org"},
        {"shop@example.org, other@evil.example", "example.org"},
        {"<shop@example.org", "example.org"},
        {"=?utf-8?q?x=40evil=2Eexample?= <shop@example.org>", "example.org"},
        {"shop@b\xc3\xbc"
         "cher.example",
         "b\xc3\xbc"
         "cher.example"},
        {"shop", ""},
        {"", ""},
        {"shop@", ""},
        {"shop@exa mple", "exa"},
        {"shop@<script>", ""},
        {"shop@[192.0.2.1]", ""},
        {"undisclosed:;", ""},
    });
    for (const auto& row : rows) {
        CAPTURE(row.from);
        const auto report =
            parse(parts(with("Reported-Domain", std::nullopt), {{"From", row.from}}));
        CHECK(report.reported_domain == row.domain);
    }
}

TEST_CASE("failure: repeated fields stay in order and the first is in the column") {
    auto fields = kGood;
    fields.emplace_back("Original-Rcpt-To", "<second@mail.example>");
    fields.emplace_back("Reported-Domain", "second.example");
    fields.emplace_back("Authentication-Results", "mx.mail.example; spf=fail");
    fields.emplace_back("Source-IP", "192.0.2.8");
    const auto report = parse(parts(fields));
    CHECK(report.original_rcpt_to == "user@mail.example");
    CHECK(report.reported_domain == "example.org");
    CHECK(report.authentication_results == "mx.mail.example; dmarc=fail header.from=example.org");
    CHECK(report.source_ip == "192.0.2.7");
    REQUIRE(report.fields.size() == fields.size());
    CHECK(report.fields[fields.size() - 4].value == "<second@mail.example>");
    CHECK(notes(report.findings) == "repeated_field: Source-IP");
}

TEST_CASE("failure: missing fields and sample are noted") {
    const auto report = parse({fields_of({{"Feedback-Type", "auth-failure"}}), {}, "f", "", false});
    CHECK(notes(report.findings) ==
          "missing_field: User-Agent\nmissing_field: Version\nmissing_field: Auth-Failure\n"
          "missing_field: Authentication-Results\nmissing_field: Identity-Alignment\nno_sample");
    CHECK(report.auth_failure.empty());
    CHECK(report.incidents == 1);
    CHECK_FALSE(report.arrived_at);
}

TEST_CASE("failure: other feedback is told apart") {
    struct Row {
        Pairs fields;
        std::string_view type;  ///< of the refusal; empty: a failure report
        std::string_view note;
    };
    const std::vector<Row> rows{
        {{{"Feedback-Type", "abuse"}}, "abuse", ""},
        {{{"Feedback-Type", " Abuse (spam) "}}, "abuse", ""},
        {{{"Feedback-Type", "fraud"}}, "fraud", ""},
        {{{"Feedback-Type", "virus"}}, "virus", ""},
        {{{"Feedback-Type", "other"}}, "other", ""},
        {{{"Feedback-Type", "not-spam"}}, "not-spam", ""},
        {{{"Feedback-Type", "opt-out"}}, "opt-out", ""},
        {{{"Feedback-Type", "abuse"}, {"Auth-Failure", "dmarc"}}, "abuse", ""},
        {{{"User-Agent", "x"}}, "unknown", ""},
        {{{"Feedback-Type", ""}}, "unknown", ""},
        {{{"Feedback-Type", "Auth-Failure"}}, "", ""},
        {{{"feedback-type", "auth-failure (x)"}}, "", ""},
        {{{"Feedback-Type", "abuse"}, {"Feedback-Type", "auth-failure"}},
         "",
         "repeated_field: Feedback-Type"},
        {{{"Auth-Failure", "dmarc"}}, "", "missing_field: Feedback-Type"},
        {{{"Feedback-Type", ""}, {"Identity-Alignment", "none"}},
         "",
         "missing_field: Feedback-Type"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.fields[0].second);
        const auto report = parse_failure(parts(row.fields), kLimits);
        REQUIRE(report.has_value() == row.type.empty());
        if (report) {
            CHECK(report->feedback_type == "auth-failure");
            CHECK((row.note.empty() || has(*report, row.note)));
        } else {
            CHECK(report.error().kind == ParseError::Kind::no_report);
            CHECK(report.error().finding.code.code == "feedback");
            CHECK(report.error().finding.detail == row.type);
            CHECK_FALSE(report.error().finding.code.fault);
        }
    }
}

TEST_CASE("failure: no field at all is broken") {
    const auto report = parse_failure(parts({}), kLimits);
    REQUIRE_FALSE(report);
    CHECK(report.error().kind == ParseError::Kind::broken);
    CHECK(report.error().finding.code.code == "no_fields");
    CHECK(report.error().finding.code.fault);
}

TEST_CASE("failure: everything that grows is capped") {
    auto limits = kLimits;
    limits.max_header_fields = 3;
    auto report = parse_failure(parts(kGood), limits);
    REQUIRE(report);
    CHECK(report->fields.size() == 3);
    CHECK(report->headers.size() == 3);
    CHECK(has(*report, "too_many_fields: feedback-report"));
    CHECK(has(*report, "too_many_fields: sample"));

    limits = kLimits;
    limits.max_text_bytes = 12;
    report = parse_failure(parts(kGood), limits);
    REQUIRE(report);
    CHECK(report->sample_subject == "Your order");  // the euro sign does not fit
    CHECK(report->fields[1].value == "Example-Repo");
    CHECK(has(*report, "cut: User-Agent"));

    limits.max_text_bytes = 14;
    report = parse_failure(
        {fields_of({{"SPF Alignment", "no"}, {"DKIM Alignment", "none"}}), {}, {}, {}, true},
        limits);
    REQUIRE(report);
    CHECK(report->identity_alignment == "spf=no dkim=no");
    CHECK(has(*report, "cut: Alignment"));

    limits = kLimits;
    limits.max_findings = 2;
    report = parse_failure(parts({{"Feedback-Type", "auth-failure"}}, {}), limits);
    REQUIRE(report);
    CHECK(notes(report->findings) == "missing_field: User-Agent\nmore_findings: 5 more");
}

TEST_CASE("failure: hash over both parts as sent but for line ends") {
    const auto hash = [](std::string fields, std::string headers) {
        return parse({fields_of(kGood), {}, std::move(fields), std::move(headers), false})
            .content_sha256;
    };
    CHECK(hash("a: 1\r\nb: 2\r\n", "c: 3\r\n") == hash("a: 1\nb: 2\n", "c: 3\n\n"));
    CHECK(hash("a: 1\rb: 2", "c: 3") == hash("a: 1\nb: 2\n", "c: 3\n"));
    CHECK(hash("a: 1\n", "c: 3") != hash("a: 1\nc: 3", ""));
    CHECK(hash("a: 1", "c: 3") != hash("a: 1", "c: 4"));
    CHECK(hash("a: 1", "c: 3") != hash("a: 2", "c: 3"));
}

TEST_CASE("failure: hash of the plain-text form is that of its values") {
    const auto hash = [](std::string_view domain, std::string fields, std::string headers) {
        return parse({fields_of({{"Sender Domain", domain}}),
                      {},
                      std::move(fields),
                      std::move(headers),
                      true})
            .content_sha256;
    };
    CHECK(hash("a.example", "> quoted", "c: 3") == hash("a.example", "plain", "c: 3\r\n"));
    CHECK(hash("a.example", "x", "c: 3") != hash("b.example", "x", "c: 3"));
    CHECK(hash("a.example", "x", "c: 3") != hash("a.example", "x", "c: 4"));
}
