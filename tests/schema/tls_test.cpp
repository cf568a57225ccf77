#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <string>
#include <string_view>

#include "schema/tls_parser.hpp"

namespace {

using namespace dmarcbox::schema;  // NOLINT(google-build-using-namespace)

constexpr Limits kLimits{.max_parse_bytes = std::size_t{16} << 20U,
                         .max_text_bytes = 65536,
                         .max_records = 100'000,
                         .max_header_fields = 2000,
                         .max_findings = 100};

/// `code: detail` per finding, joined by newline.
std::string notes(const Findings& findings) {
    std::string text;
    for (const auto& finding : findings) {
        CHECK(finding.code.stage == "tls");
        CHECK(finding.part.empty());
        text += text.empty() ? "" : "\n";
        text += finding.code.code;
        text += finding.detail.empty() ? "" : ": " + finding.detail;
    }
    return text;
}

constexpr std::string_view kHead =
    R"({"organization-name":"Example Mail","contact-info":"tls@mail.example","report-id":"r1@mail.example",)"
    R"("date-range":{"start-datetime":"2025-04-07T00:00:00Z","end-datetime":"2025-04-07T23:59:59Z"},"policies":)";

std::string report_with(std::string_view policies) {
    return std::string(kHead) + std::string(policies) + "}";
}

constexpr std::string_view kGoodPolicy =
    R"([{"policy":{"policy-type":"sts","policy-string":["version: STSv1","mode: enforce"],)"
    R"("policy-domain":"example.org","mx-host":["mx1.example.org","*.mx.example.org"]},)"
    R"("summary":{"total-successful-session-count":5,"total-failure-session-count":3},)"
    R"("failure-details":[{"result-type":"certificate-expired","sending-mta-ip":"2001:DB8:0::1",)"
    R"("receiving-mx-hostname":"MX1.example.org","receiving-mx-helo":"mx1","receiving-ip":"192.0.2.7",)"
    R"("failed-session-count":3,"additional-information":"https://mail.example/r1",)"
    R"("failure-reason-code":"X509_V_ERR_CERT_HAS_EXPIRED"}]}])";

TlsReport parse(std::string_view json, std::string_view domain = {}) {
    auto report = parse_tls(json, domain, kLimits, {});
    REQUIRE(report.has_value());
    return std::move(*report);
}

ParseError refuse(std::string_view json,
                  const Limits& limits = kLimits,
                  const Expired& expired = {}) {
    const auto report = parse_tls(json, {}, limits, expired);
    REQUIRE_FALSE(report.has_value());
    return report.error();
}

}  // namespace

TEST_CASE("tls: a report by the book has every column and no finding") {
    const auto report = parse(report_with(kGoodPolicy));
    CHECK(report.org_name == "Example Mail");
    CHECK(report.contact_info == "tls@mail.example");
    CHECK(report.report_id == "r1@mail.example");
    CHECK(report.begin_at == 1743984000);
    CHECK(report.end_at == 1744070399);
    REQUIRE(report.policies.size() == 1);
    const auto& policy = report.policies[0];
    CHECK(policy.policy_type == "sts");
    CHECK(policy.policy_domain == "example.org");
    CHECK(policy.policy_string == "version: STSv1\nmode: enforce");
    CHECK(policy.mx_host == "mx1.example.org\n*.mx.example.org");
    CHECK(policy.success_count == 5);
    CHECK(policy.failure_count == 3);
    REQUIRE(policy.failures.size() == 1);
    const auto& failure = policy.failures[0];
    CHECK(failure.result_type == "certificate-expired");
    CHECK(failure.sending_mta_ip == "2001:db8::1");
    CHECK(failure.receiving_mx_hostname == "mx1.example.org");
    CHECK(failure.receiving_mx_helo == "mx1");
    CHECK(failure.receiving_ip == "192.0.2.7");
    CHECK(failure.failed_session_count == 3);
    CHECK(failure.additional_information == "https://mail.example/r1");
    CHECK(failure.failure_reason_code == "X509_V_ERR_CERT_HAS_EXPIRED");
    CHECK(notes(report.findings).empty());
    CHECK(report.content_sha256 != Digest{});
}

TEST_CASE("tls: deviations in a policy are tolerated and noted") {
    struct Row {
        std::string_view name;
        std::string_view policies;
        std::string_view domain;  ///< of the TLS-Report-Domain field
        std::string_view policy;  ///< type|domain|string|mx|success|failure
        std::string_view notes;
    };
    constexpr std::string_view kSums =
        R"("summary":{"total-successful-session-count":1,"total-failure-session-count":0})";
    const auto with_sums = [&](std::string_view policy) {
        return "[{\"policy\":" + std::string(policy) + "," + std::string(kSums) + "}]";
    };
    const std::array sent{
        with_sums(R"({"policy-type":"no-policy-found"})"),
        with_sums(R"({"policy-type":"no-policy-found"})"),
        with_sums(R"({"policy-type":"STS","policy-domain":"Example.ORG."})"),
        with_sums(R"({"policy-type":"quantum","policy-domain":"example.org"})"),
        with_sums(R"({"policy-type":"sts","policy-domain":"example.org","policy-string":"v: 1"})"),
        with_sums(R"({"policy-type":"sts","policy-domain":"example.org","policy-string":[]})"),
        with_sums(
            R"({"policy-type":"tlsa","policy-domain":"example.org","mx-host":"MX.example.org"})"),
        with_sums(
            R"({"policy-type":"sts","policy-domain":"example.org","mx-host-pattern":["*.example.org"]})"),
        with_sums(R"({"policy-type":null,"policy-domain":"example.org","mx-host":null})"),
        with_sums(R"("sts")"),
        with_sums(
            R"({"policy-type":"sts","policy-domain":"example.org","mx-host":[],"mx-host-pattern":["*.Example.org"]})"),
        with_sums(
            R"({"policy-type":"sts","policy-domain":"example.org","mx-host":["*.Example.org.","mx2.example.org","."]})"),
        with_sums(
            R"({"Policy_Type":"sts","POLICY-DOMAIN":"example.org","mx_host":"a.example.org","policy_string":"v: 1"})"),
        with_sums(
            R"({"policy-type":"sts","Policy-Type":"tlsa","policy-domain":"example.org","policy--type":"x"})"),
    };
    const auto rows = std::to_array<Row>({
        {"domain from the mail", sent[0], "Example.org.", "no-policy-found|example.org|||1|0",
         "domain_from_header: example.org"},
        {"no domain at all", sent[1], "", "no-policy-found||||1|0", "missing_field: policy-domain"},
        {"upper case type and dot", sent[2], "", "sts|example.org|||1|0",
         "odd_policy_type: STS\ntrailing_dot: Example.ORG."},
        {"unknown type", sent[3], "", "quantum|example.org|||1|0", "odd_policy_type: quantum"},
        {"policy string not an array", sent[4], "", "sts|example.org|v: 1||1|0",
         "odd_type: policy-string"},
        {"policy string empty", sent[5], "", "sts|example.org|||1|0", ""},
        {"mx host as a string", sent[6], "", "tlsa|example.org||mx.example.org|1|0", ""},
        {"mx host pattern", sent[7], "", "sts|example.org||*.example.org|1|0", ""},
        {"null members", sent[8], "", "|example.org|||1|0", "missing_field: policy-type"},
        {"policy is no object", sent[9], "", "||||1|0",
         "missing_field: policy\nmissing_field: policy-domain"},
        {"mx host empty beside its pattern", sent[10], "", "sts|example.org||*.example.org|1|0",
         ""},
        {"mx host with a dot", sent[11], "", "sts|example.org||*.example.org\nmx2.example.org|1|0",
         "trailing_dot: *.Example.org."},
        {"names in upper case and with underscores", sent[12], "",
         "sts|example.org|v: 1|a.example.org|1|0",
         "misspelt_field: policy/Policy_Type\nmisspelt_field: policy/POLICY-DOMAIN\n"
         "misspelt_field: policy/mx_host\nmisspelt_field: policy/policy_string\n"
         "odd_type: policy-string"},
        {"the name as it should be counts", sent[13], "", "sts|example.org|||1|0",
         "unknown_field: policy/Policy-Type\nunknown_field: policy/policy--type"},
    });
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto report = parse(report_with(row.policies), row.domain);
        REQUIRE(report.policies.size() == 1);
        const auto& policy = report.policies[0];
        CHECK(policy.policy_type + "|" + policy.policy_domain + "|" + policy.policy_string + "|" +
                  policy.mx_host + "|" + std::to_string(policy.success_count) + "|" +
                  std::to_string(policy.failure_count) ==
              row.policy);
        CHECK(notes(report.findings) == row.notes);
    }
}

TEST_CASE("tls: session counts") {
    struct Row {
        std::string_view summary;
        std::string_view details;
        std::int64_t success;
        std::int64_t failure;
        std::string_view notes;
    };
    constexpr std::string_view kDetail =
        R"({"result-type":"dane-required","sending-mta-ip":"192.0.2.1","receiving-mx-hostname":"mx.example","failed-session-count":1})";
    const std::string two = std::string(kDetail) + "," + std::string(kDetail);
    const auto rows = std::to_array<Row>({
        {R"({"total-successful-session-count":"42","total-failure-session-count":"7"})", "", 42, 7,
         "odd_type: total-successful-session-count\nodd_type: total-failure-session-count"},
        {R"({"total-successful-session-count":4.0,"total-failure-session-count":0})", "", 4, 0,
         "odd_type: total-successful-session-count"},
        {R"({"total-successful-session-count":4.5,"total-failure-session-count":-1})", "", 0, 0,
         "bad_count: total-successful-session-count: 4.500000\n"
         "bad_count: total-failure-session-count: -1"},
        {R"({"total-successful-session-count":1000000000000,"total-failure-session-count":1000000000001})",
         "", 1'000'000'000'000, 0, "bad_count: total-failure-session-count: 1000000000001"},
        {R"({"total-successful-session-count":18446744073709551615,"total-failure-session-count":1e300})",
         "", 0, 0, ""},
        {R"({"total-successful-session-count":"many","total-failure-session-count":true})", "", 0,
         0,
         "bad_count: total-successful-session-count: many\n"
         "bad_count: total-failure-session-count: "},
        {R"({"total-successful-session-count":1})", "", 1, 0, "missing_total: 0 in the details"},
        {R"({"total-successful-session-count":1})", two, 1, 2, "missing_total: 2 in the details"},
        {R"({"total-successful-session-count":0,"total-failure-session-count":1})", two, 0, 1,
         "sum_mismatch: details 2 total 1"},
        {R"({"total-successful-session-count":0,"total-failure-session-count":2})", two, 0, 2, ""},
        {R"("none")", "", 0, 0,
         "missing_field: total-successful-session-count\nmissing_total: 0 in the details"},
    });
    for (const auto& row : rows) {
        CAPTURE(row.summary);
        const auto report = parse(report_with(
            R"([{"policy":{"policy-type":"sts","policy-domain":"example.org"},"summary":)" +
            std::string(row.summary) + R"(,"failure-details":[)" + std::string(row.details) +
            "]}]"));
        REQUIRE(report.policies.size() == 1);
        CHECK(report.policies[0].success_count == row.success);
        CHECK(report.policies[0].failure_count == row.failure);
        if (row.summary.find("1e300") == std::string_view::npos) {
            CHECK(notes(report.findings) == row.notes);
        } else {
            REQUIRE(report.findings.size() == 2);
            CHECK(report.findings[0].code.code == "bad_count");
            CHECK(report.findings[1].code.code == "bad_count");
        }
    }
}

TEST_CASE("tls: failure details") {
    struct Row {
        std::string_view details;
        std::string_view failures;  ///< type|mta|mx|ip|sessions, joined by newline
        std::string_view notes;
    };
    const auto rows = std::to_array<Row>({
        {R"([{"result-type":"STARTTLS-not-supported","sending-mta-ip":"[192.0.2.1]:25","receiving-mx-hostname":"mx.example.org.","receiving-ip":"::ffff:192.0.2.9","failed-session-count":1}])",
         "starttls-not-supported|192.0.2.1|mx.example.org|192.0.2.9|1",
         "odd_result_type: STARTTLS-not-supported\nip_form: [192.0.2.1]:25\n"
         "trailing_dot: mx.example.org."},
        {R"([{"result-type":"sts-policy-fetch-error","failed-session-count":1,"failure-reason-code":404}])",
         "sts-policy-fetch-error||||1",
         "missing_field: sending-mta-ip\nmissing_field: receiving-mx-hostname\n"
         "odd_type: failure-reason-code"},
        {R"([{"result-type":"quantum-flux","sending-mta-ip":"108r.166.27.220","receiving-mx-hostname":"mx.example.org"}])",
         "quantum-flux|108r.166.27.220|mx.example.org||0",
         "odd_result_type: quantum-flux\nbad_ip: 108r.166.27.220\n"
         "missing_field: failed-session-count\nsum_mismatch: details 0 total 1"},
        {R"({"result-type":"tlsa-invalid","sending-mta-ip":"192.0.2.1","receiving-mx-hostname":"mx.example.org","failed-session-count":"1"})",
         "tlsa-invalid|192.0.2.1|mx.example.org||1",
         "odd_type: failure-details\nodd_type: failed-session-count"},
        {R"([17,null,"x"])", "", "skipped_entry: failure-details"},
        {R"([{"result-type":"dnssec-invalid","sending-mta-ip":"","receiving-mx-hostname":"mx.example.org","failed-session-count":1}])",
         "dnssec-invalid||mx.example.org||1", "missing_field: sending-mta-ip"},
    });
    for (const auto& row : rows) {
        CAPTURE(row.details);
        const auto report = parse(report_with(
            R"([{"policy":{"policy-type":"sts","policy-domain":"example.org"},"summary":)"
            R"({"total-successful-session-count":0,"total-failure-session-count":1},"failure-details":)" +
            std::string(row.details) + "}]"));
        REQUIRE(report.policies.size() == 1);
        std::string failures;
        for (const auto& failure : report.policies[0].failures) {
            failures += failures.empty() ? "" : "\n";
            failures += failure.result_type + "|" + failure.sending_mta_ip + "|" +
                        failure.receiving_mx_hostname + "|" + failure.receiving_ip + "|" +
                        std::to_string(failure.failed_session_count);
        }
        CHECK(failures == row.failures);
        CHECK(notes(report.findings) == row.notes);
    }
}

TEST_CASE("tls: head of the report") {
    struct Row {
        std::string_view json;
        std::string_view head;  ///< org|contact|id|begin|end
        std::string_view notes;
    };
    const auto rows = std::to_array<Row>({
        {R"({"organization-name":"  Example\n Mail ","contact-info":null,"report-id":"123+","date-range":{"start-datetime":"2025-04-07T00:00:00+00:00","end-datetime":"2025-04-08T00:00:00Z"},"policies":[]})",
         "Example Mail||123+|1743984000|1744070400",
         "missing_field: contact-info\nmissing_field: policies"},
        {R"({"organization-name":"Example","contact-info":"https://mail.example","report-id":17,"date-range":{"start-datetime":"2025-04-07 00:00:00","end-datetime":"Tue, 08 Apr 2025 00:00:00 +0000"}})",
         "Example|https://mail.example|17|1743984000|1744070400",
         "odd_type: report-id\nodd_date: 2025-04-07 00:00:00\n"
         "odd_date: Tue, 08 Apr 2025 00:00:00 +0000\nmissing_field: policies"},
        {R"({"organization-name":"Example","contact-info":"a@mail.example","date-range":{"start-datetime":1743984000,"end-datetime":"soon"},"policies":[]})",
         "Example|a@mail.example||1743984000|-",
         "missing_field: report-id\nodd_date: 1743984000\nbad_date: soon\nmissing_field: policies"},
        {R"({"organization-name":"Example","contact-info":"a@mail.example","report-id":"r","date-range":{"start-datetime":"2025-04-08T00:00:00Z","end-datetime":"2025-04-07T00:00:00Z"},"policies":[]})",
         "Example|a@mail.example|r|1744070400|1743984000",
         "odd_range: 2025-04-08T00:00:00Z to 2025-04-07T00:00:00Z\nmissing_field: policies"},
        {R"({"contact-info":"a@mail.example","report-id":"r","date-range":{"start-datetime":-9223372036854775808,"end-datetime":9223372036854775807},"policies":[]})",
         "|a@mail.example|r|-|-",
         "missing_field: organization-name\nbad_date: -9223372036854775808\n"
         "bad_date: 9223372036854775807\nmissing_field: policies"},
        {R"({"organization-name":"Example","policies":7})", "Example|||-|-",
         "missing_field: contact-info\nmissing_field: report-id\nmissing_field: date-range\n"
         "odd_type: policies\nskipped_entry: policies"},
        {R"({"organization-name":"a\u0000b\u001b[31m","contact-info":"c","report-id":"r","date-range":{},"policies":[]})",
         "a b [31m|c|r|-|-",
         "missing_field: start-datetime\nmissing_field: end-datetime\nmissing_field: policies"},
    });
    for (const auto& row : rows) {
        CAPTURE(row.json);
        const auto report = parse(row.json);
        const auto time = [](const std::optional<std::int64_t>& value) {
            return value ? std::to_string(*value) : std::string("-");
        };
        CHECK(report.org_name + "|" + report.contact_info + "|" + report.report_id + "|" +
                  time(report.begin_at) + "|" + time(report.end_at) ==
              row.head);
        CHECK(notes(report.findings) == row.notes);
    }
}

TEST_CASE("tls: begin and end as reporters write them") {
    struct Row {
        std::string_view begin;  ///< as JSON
        std::string_view end;
        std::string_view times;  ///< begin|end
        std::string_view notes;
    };
    constexpr std::string_view kDay = "1764115200|1764201599";
    const auto rows = std::to_array<Row>({
        {R"("2025-11-26T00:00:00Z")", R"("2025-11-26T23:59:59+00:00")", kDay, ""},
        {R"("2025-11-26T02:00:00+02:00")", R"("2025-11-27T01:59:59+0200")", kDay,
         "odd_date: 2025-11-27T01:59:59+0200"},
        {"1764115200", R"("1764201599")", kDay, "odd_date: 1764115200\nodd_date: 1764201599"},
        {"1764115200000", R"("1764201599000")", kDay,
         "odd_date: 1764115200000\nodd_date: 1764201599000"},
        {"1764115200000000", "1764201599000000", kDay,
         "odd_date: 1764115200000000\nodd_date: 1764201599000000"},
        {"1764115200.5", "1764201599.0", kDay,
         "odd_date: 1764115200.500000\nodd_date: 1764201599.000000"},
        {R"("2025-11-26")", R"("2025-11-27")", "1764115200|1764201600",
         "odd_date: 2025-11-26\nodd_date: 2025-11-27"},
        {R"("2025-11-26 00:00:00 UTC")", R"("2025-11-26 23:59:59 +0000 UTC")", kDay,
         "odd_date: 2025-11-26 00:00:00 UTC\nodd_date: 2025-11-26 23:59:59 +0000 UTC"},
        {R"("Wed, 26 Nov 2025 00:00:00 UTC")", R"("Wed, 26 Nov 2025 23:59:59 GMT")", kDay,
         "odd_date: Wed, 26 Nov 2025 00:00:00 UTC\nodd_date: Wed, 26 Nov 2025 23:59:59 GMT"},
        {R"("2025-11-26T24:00:00Z")", "1e300", "-|-", ""},
        {"true", R"([1764201599])", "-|-",
         "odd_type: start-datetime\nbad_date: true\nodd_type: end-datetime\nbad_date"},
        {"253402300800", "18446744073709551615", "-|-",
         "bad_date: 253402300800\nbad_date: 18446744073709551615"},
    });
    for (const auto& row : rows) {
        CAPTURE(row.begin);
        CAPTURE(row.end);
        auto json = report_with(kGoodPolicy);
        json.replace(json.find(R"("2025-04-07T00:00:00Z")"), 22, row.begin);
        json.replace(json.find(R"("2025-04-07T23:59:59Z")"), 22, row.end);
        const auto report = parse(json);
        const auto time = [](const std::optional<std::int64_t>& value) {
            return value ? std::to_string(*value) : std::string("-");
        };
        CHECK(time(report.begin_at) + "|" + time(report.end_at) == row.times);
        if (row.end != "1e300") {
            CHECK(notes(report.findings) == row.notes);
        } else {
            REQUIRE(report.findings.size() == 2);
            CHECK(report.findings[0].code.code == "bad_date");
            CHECK(report.findings[1].code.code == "bad_date");
        }
    }
}

TEST_CASE("tls: names of members in upper case or with underscores are read as meant") {
    auto json = report_with(kGoodPolicy);
    const auto change = [&json](std::string_view from, std::string_view to) {
        json.replace(json.find(from), from.size(), to);
    };
    const auto meant = parse(json);
    change("organization-name", "Organization-Name");
    change("date-range", "date_range");
    change("start-datetime", "START-DATETIME");
    change("policies", "Policies");
    change("\"policy\"", "\"Policy\"");
    change("summary", "Summary");
    change("total-failure-session-count", "total_failure_session_count");
    change("failure-details", "Failure-Details");
    change("result-type", "Result_Type");
    CHECK(looks_like_tls(json));
    const auto report = parse(json);
    CHECK(report.content_sha256 == meant.content_sha256);
    CHECK(notes(report.findings) ==
          "misspelt_field: Organization-Name\nmisspelt_field: date_range\n"
          "misspelt_field: Policies\nmisspelt_field: date-range/START-DATETIME\n"
          "misspelt_field: policies/Policy\nmisspelt_field: policies/Summary\n"
          "misspelt_field: policies/Failure-Details\n"
          "misspelt_field: failure-details/Result_Type\n"
          "misspelt_field: summary/total_failure_session_count");
}

TEST_CASE("tls: JSON that is nearly JSON") {
    const auto good = report_with(kGoodPolicy);
    struct Row {
        std::string_view name;
        std::string json;
        std::string notes;
    };
    auto commas = good;
    commas.insert(commas.size() - 1, ",");
    auto raw_newline = good;
    raw_newline.replace(raw_newline.find("Example Mail"), 12, "Example\nMail");
    auto both = raw_newline;
    both.insert(both.size() - 1, " , ");
    const auto named = [&good](std::string_view name) {
        auto text = good;
        return text.replace(text.find("Example Mail"), 12,
                            "Example Mail\",\"x\":\"" + std::string(name));
    };
    const std::array<Row, 12> rows{{
        {"half a character", named("\\ud800"), "bad_character\nunknown_field: x"},
        {"the other half", named("\\udc00 \\\\ud800"), "bad_character\nunknown_field: x"},
        {"both halves", named("\\ud83d\\ude00"), "unknown_field: x"},
        {"white space around", " \r\n\t" + good + "\r\n \n", ""},
        {"NULs behind", good + std::string(3, '\0'), ""},
        {"trailing comma", commas, "json_extension"},
        {"comment", "/* daily */" + good, "json_extension"},
        {"line comment", "// daily\n" + good, "json_extension"},
        {"trailing bytes", good + "\r\n--boundary--", "trailing_bytes: 12 bytes"},
        {"second report", good + good, "second_report"},
        {"raw newline in a string", raw_newline, "control_character"},
        {"raw newline and comma", both, "control_character"},
    }};
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto report = parse(row.json);
        CHECK(report.org_name == "Example Mail");
        CHECK(report.policies.size() == 1);
        CHECK(notes(report.findings) == row.notes);
    }
}

TEST_CASE("tls: what is no report") {
    const auto rows = std::to_array<std::string_view>({
        "{}",
        "[]",
        "17",
        "\"policies\"",
        R"({"policies":[]})",
        R"({"Version":"2012-10-17","policies":[],"date":"x"})",
        R"([{"organization-name":"x","date-range":{},"policies":[]}])",
    });
    for (const auto row : rows) {
        CAPTURE(row);
        const auto error = refuse(row);
        CHECK(error.kind == ParseError::Kind::no_report);
        CHECK(error.finding.code.code == "no_report");
        CHECK_FALSE(error.finding.code.fault);
    }
}

TEST_CASE("tls: what is broken") {
    const auto good = report_with(kGoodPolicy);
    const auto rows = std::to_array<std::string>({
        "",
        " ",
        "{",
        good.substr(0, good.size() / 2),
        good.substr(0, good.size() - 1),
        "x" + good,
        std::string(kHead) + std::string(40, '[') + std::string(40, ']') + "}",
        std::string(100'000, '['),
        "{\"organization-name\":\"\xff\",\"policies\":[]}",
        R"({"organization-name":"x" "policies":[]})",
    });
    for (const auto& row : rows) {
        CAPTURE(row.substr(0, 80));
        const auto error = refuse(row);
        CHECK(error.kind == ParseError::Kind::broken);
        CHECK(error.finding.code.code == "bad_json");
        CHECK(error.finding.code.fault);
        CHECK_FALSE(error.finding.detail.empty());
    }
}

TEST_CASE("tls: memory of tree and report is capped") {
    auto limits = kLimits;
    limits.max_parse_bytes = std::size_t{1} << 20U;
    std::string details;
    for (int i = 0; i < 20'000; ++i) {
        details += "{},";
    }
    details += "{}";
    const auto rows = std::to_array<std::string>({
        report_with("[" + details + "]"),
        report_with(R"([{"failure-details":[)" + details + "]}]"),
        report_with("[\"" + std::string(2'000'000, 'a') + "\"]"),
    });
    for (const auto& row : rows) {
        const auto error = refuse(row, limits);
        CHECK(error.kind == ParseError::Kind::memory);
        CHECK(error.finding.code.code == "memory");
        CHECK(error.finding.code.fault);
    }
    limits = kLimits;
    limits.max_records = 20'000;
    CHECK(refuse(rows[0], limits).kind == ParseError::Kind::memory);
    CHECK(refuse(rows[1], limits).kind == ParseError::Kind::memory);
}

TEST_CASE("tls: the clock ends the work at any step") {
    const auto json = report_with(kGoodPolicy);
    int steps = 0;
    REQUIRE(parse_tls(json, {}, kLimits, [&] {
        ++steps;
        return false;
    }));
    CHECK(steps >= 2);
    for (int last = 1; last <= steps; ++last) {
        int asked = 0;
        const auto error = refuse(json, kLimits, [&] { return ++asked >= last; });
        CHECK(error.kind == ParseError::Kind::time);
        CHECK(error.finding.code.code == "time");
    }
}

TEST_CASE("tls: long values are cut on a character and findings are counted") {
    auto limits = kLimits;
    limits.max_text_bytes = 4;
    const auto cut = parse_tls(
        R"({"organization-name":"abcäö","contact-info":"c","report-id":"r","policies":[]})", {},
        limits, {});
    REQUIRE(cut);
    CHECK(cut->org_name == "abc");
    CHECK(notes(cut->findings) ==
          "cut: organization-name\nmissing_field: date-range\nmissing_field: policies");

    limits = kLimits;
    limits.max_findings = 3;
    const auto many = parse_tls(R"({"organization-name":"","policies":[17,{}]})", {}, limits, {});
    REQUIRE(many);
    CHECK(notes(many->findings) ==
          "missing_field: organization-name\nmissing_field: contact-info\nmore_findings: 7 more");
}

TEST_CASE("tls: the same report hashes the same whatever its container") {
    const auto a = parse(report_with(kGoodPolicy));
    const auto b = parse("\n" + report_with(kGoodPolicy) + "\n--x--");
    CHECK(a.content_sha256 == b.content_sha256);
    auto changed = report_with(kGoodPolicy);
    changed.replace(changed.find("\"total-successful-session-count\":5"), 34,
                    "\"total-successful-session-count\":6");
    CHECK(parse(changed).content_sha256 != a.content_sha256);
}

TEST_CASE("tls: what is worth parsing") {
    CHECK(looks_like_tls(R"({"date-range":{}})"));
    CHECK(looks_like_tls(R"({ "organization-name" : "x")"));
    CHECK(looks_like_tls(R"({"policies")"));
    CHECK(looks_like_tls(R"({"Date_Range":{}})"));
    CHECK_FALSE(looks_like_tls(R"({"my-policies":[]})"));
    CHECK_FALSE(looks_like_tls(R"({"policies)"));
    CHECK_FALSE(looks_like_tls("policies"));
    CHECK_FALSE(looks_like_tls(""));
    CHECK_FALSE(looks_like_tls("{}"));
}
