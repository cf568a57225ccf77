#include "server/redaction.hpp"

#include <doctest/doctest.h>

#include <array>
#include <regex>
#include <string>

using namespace dmarcbox;

TEST_CASE("redaction: local parts become tokens and the rest stays") {
    const Redactor redactor("key");
    struct Row {
        const char* name;
        std::string_view text;
        std::string_view shape;  ///< with T for a token
    };
    const auto rows = std::to_array<Row>({
        {"no address", "a text at home", "a text at home"},
        {"plain", "alice@example.org", "T@example.org"},
        {"in angle brackets", "Alice <alice@example.org>, x", "Alice <T@example.org>, x"},
        {"dots and tags", "a.b+c@example.org", "T@example.org"},
        {"quoted", "\"alice b\"@example.org", "T@example.org"},
        {"UTF-8", "größe@example.org", "T@example.org"},
        {"rfc822 prefix", "rfc822;alice@example.org", "rfc822;T@example.org"},
        {"mailto", "mailto:alice@example.org", "mailto:T@example.org"},
        {"a result", "spf=pass smtp.mailfrom=a@b.example;", "spf=pass smtp.mailfrom=T@b.example;"},
        {"an identity without local part", "i=@example.org", "i=@example.org"},
        {"VERP", "bounce+bob=example.com@list.example", "T@list.example"},
        {"address literal", "alice@[192.0.2.1]", "T@[192.0.2.1]"},
        {"in a URL", "?e=alice%40example.org", "T%40example.org"},
        {"quoted-printable", "alice=40example.org", "T=40example.org"},
        {"two", "a@b.example,c@d.example", "T@b.example,T@d.example"},
        {"at the end", "alice@", "T@"},
        {"a blank before the domain", "<a.b@ relay.example>", "<T@ relay.example>"},
        {"a percent that is none", "100%40", "100%40"},
        {"alone", "@", "@"},
        {"a quote without beginning", "\"@example.org", "\"@example.org"},
    });
    const std::regex token("redacted-[0-9a-f]{16}");
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            const std::string redacted = redactor.redact(row.text);
            CHECK(std::regex_replace(redacted, token, "T") == row.shape);
            CHECK(redactor.redact(redacted) == redacted);
        }
    }
}

TEST_CASE("redaction: case makes no other token and the key does") {
    const Redactor redactor("key");
    CHECK(redactor.redact("Alice@example.org") == redactor.redact("alice@example.org"));
    CHECK(redactor.redact("alicf@example.org") != redactor.redact("alice@example.org"));
    CHECK(Redactor("other").redact("alice@example.org") != redactor.redact("alice@example.org"));
}

TEST_CASE("redaction: findings keep to their 200 bytes") {
    std::string detail;
    while (detail.size() < 180) {
        detail += "a@example.org ";
    }
    schema::FailureReport report;
    report.findings.push_back({{"bad_date", "failure", false}, "2", detail});
    Redactor("key").redact(report);
    CHECK(report.findings.front().detail.size() == 200);
    CHECK(report.findings.front().detail.starts_with("redacted-"));
    CHECK(report.findings.front().part == "2");
}

TEST_CASE("redaction: a token of the RFC stays and an address in its place does not") {
    struct Row {
        const char* name;
        const char* sent;
        bool stays;
    };
    const std::array rows{
        Row{"token", "reject", true},
        Row{"odd value", "discarded", true},
        Row{"odd value with an address", "odd for alice@victim.example", false},
    };
    const Redactor redactor("key");
    for (const auto& row : rows) {
        CAPTURE(std::string(row.name));
        schema::FailureReport report;
        report.delivery_result = report.auth_failure = report.identity_alignment = row.sent;
        redactor.redact(report);
        for (const auto& text :
             {report.delivery_result, report.auth_failure, report.identity_alignment}) {
            CHECK((text == row.sent) == row.stays);
            CHECK(text.find("alice") == std::string::npos);
        }
    }
}
