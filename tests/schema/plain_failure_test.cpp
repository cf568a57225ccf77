#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>

#include "schema/date_time.hpp"
#include "schema/failure_parser.hpp"

namespace {

using namespace dmarcbox::schema;  // NOLINT(google-build-using-namespace)

constexpr Limits kLimits{.max_parse_bytes = std::size_t{16} << 20U,
                         .max_text_bytes = 65536,
                         .max_records = 100'000,
                         .max_header_fields = 2000,
                         .max_findings = 100};

constexpr std::string_view kForm =
    "A message claiming to be from you has failed the published DMARC policy for your domain.\n"
    "\n"
    "  Sender Domain: example.org\n"
    "  Sender IP Address: 192.0.2.68\n"
    "  Received Date: Mon, 07 Apr 2025 23:16:09 +0200\n"
    "  SPF Alignment: no\n"
    "  DKIM Alignment: yes\n"
    "  DMARC Results: None, Accept\n"
    "\n"
    "------ This is a copy of the headers that were received before the error was detected.\n"
    "\n"
    "Received: from [192.0.2.68] (helo=pc)\n"
    "\tby mx.mail.example with esmtp; Mon, 07 Apr 2025 23:16:08 +0200\n"
    "From: <user@example.org>\n"
    "Subject: Invoice\n"
    "\n"
    "-- \n"
    "footer: of a list\n";

constexpr std::string_view kHeaders =
    "Received: from [192.0.2.68] (helo=pc)\n"
    "\tby mx.mail.example with esmtp; Mon, 07 Apr 2025 23:16:08 +0200\n"
    "From: <user@example.org>\n"
    "Subject: Invoice\n";

constexpr std::string_view kFields =
    "Sender Domain=example.org|Sender IP Address=192.0.2.68|"
    "Received Date=Mon, 07 Apr 2025 23:16:09 +0200|SPF Alignment=no|DKIM Alignment=yes|"
    "DMARC Results=None, Accept|";

std::string flat(const std::vector<HeaderField>& fields) {
    std::string text;
    for (const auto& field : fields) {
        text += field.name + "=" + field.value + "|";
    }
    return text;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
    return text;
}

std::string quoted(std::string_view text) {
    return "> " + replaced(std::string(text.substr(0, text.size() - 1)), "\n", "\n> ") + "\n";
}

}  // namespace

TEST_CASE("plain failure: found however the text was carried") {
    struct Row {
        std::string_view name;
        std::string text;
        std::string headers;
    };
    const std::string form(kForm);
    const std::string headers(kHeaders);
    const std::array<Row, 11> rows{{
        {"as sent", form, headers},
        {"CRLF", replaced(form, "\n", "\r\n"), replaced(headers, "\n", "\r\n")},
        {"CR only", replaced(form, "\n", "\r"), replaced(headers, "\n", "\r")},
        {"first line wrapped", replaced(form, "published DMARC policy", "published\nDMARC policy"),
         headers},
        {"quoted", quoted(form), headers},
        {"quoted twice", quoted(quoted(form)), headers},
        {"behind a banner", "[EXTERNAL]\n\nDear owner,\n" + form, headers},
        {"every line doubled", replaced(form, "\n  ", "\n\n  "), headers},
        {"indented with no-break spaces", replaced(form, "\n  ", " \xC2\xA0\n\xC2\xA0 "), headers},
        {"marker wrapped", replaced(form, "before the error was", "before\nthe error\nwas"),
         headers},
        {"fields run together", replaced(replaced(form, "\n  S", " S"), "\n  D", "  D"), headers},
    }};
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto found = find_plain_failure(row.text);
        REQUIRE(found.has_value());
        CHECK(flat(found->fields) == kFields);
        CHECK(found->headers_text == row.headers);
    }
}

TEST_CASE("plain failure: any case and names as written") {
    const auto found = find_plain_failure(
        "A MESSAGE CLAIMING TO BE FROM YOU HAS FAILED THE PUBLISHED DMARC POLICY\n"
        "sender domain : example.org\nReceived date: x\n  y\n");
    REQUIRE(found);
    CHECK(flat(found->fields) == "sender domain=example.org|Received date=x y|");
    CHECK(found->headers_text.empty());
}

TEST_CASE("plain failure: wrapped value and no copy of headers") {
    const auto found = find_plain_failure(
        "A message claiming to be from you has failed the published DMARC policy for your "
        "domain.\nSender Domain: example.org\nReceived Date: Mon, 07 Apr\n2025 23:16:09 +0200\n"
        "DMARC Results: None,\nAccept\n\nUnsubscribe: from this list\n");
    REQUIRE(found);
    CHECK(flat(found->fields) ==
          "Sender Domain=example.org|Received Date=Mon, 07 Apr 2025 23:16:09 +0200|"
          "DMARC Results=None, Accept|");
    CHECK(found->headers_text.empty());
}

TEST_CASE("plain failure: what is something else") {
    const auto rows = std::to_array<std::string>({
        "",
        "Sender Domain: example.org\nSender IP Address: 192.0.2.68\n",
        "A message claiming to be from you has failed the published DMARC policy.",
        "A message claiming to be from you has failed the published DMARC policy.\n\n"
        "The Sender Domains: x\nMySender Domain: x\n",
        std::string(100'000, '\n') + std::string(kForm),
        std::string(100'000, '>'),
        std::string(3, '\0'),
    });
    for (const auto& row : rows) {
        CAPTURE(row.substr(0, 80));
        CHECK_FALSE(find_plain_failure(row).has_value());
    }
}

TEST_CASE("plain failure: a huge text takes linear time and memory") {
    const auto rows = std::to_array<std::string>({
        std::string(kForm) + std::string(20'000'000, 'x'),
        std::string(20'000'000, '\n'),
        std::string(20'000'000, ' ') + std::string(kForm),
        "A message claiming to be from you has failed the published DMARC policy copy of the "
        "headers " +
            std::string(20'000'000, '-'),
    });
    CHECK(find_plain_failure(rows[0]).has_value());
    CHECK_FALSE(find_plain_failure(rows[1]).has_value());
    CHECK_FALSE(find_plain_failure(rows[2]).has_value());  // begins beyond the window
    CHECK_FALSE(find_plain_failure(rows[3]).has_value());
}

TEST_CASE("plain failure: becomes a failure report") {
    struct Row {
        std::string_view results;
        std::string_view delivery;
        std::string_view note;  ///< beside plain_text_form
    };
    const auto rows = std::to_array<Row>({
        {"None, Accept", "delivered", ""},
        {"Reject, Reject", "reject", ""},
        {"Quarantine, QUARANTINE", "policy", ""},
        {"Reject", "reject", ""},
        {"None, Tempfail", "tempfail", "odd_delivery_result"},
    });
    for (const auto& row : rows) {
        CAPTURE(row.results);
        auto found = find_plain_failure(replaced(std::string(kForm), "None, Accept", row.results));
        REQUIRE(found);
        const std::vector<HeaderField> sample{{"From", "<user@example.org>", " <user@example.org>"},
                                              {"Subject", "Invoice", ""}};
        const auto report =
            parse_failure({found->fields, sample, "f", found->headers_text, true}, kLimits);
        REQUIRE(report);
        CHECK(report->feedback_type == "auth-failure");
        CHECK(report->auth_failure == "dmarc");
        CHECK(report->reported_domain == "example.org");
        CHECK(report->source_ip == "192.0.2.68");
        REQUIRE(report->arrived_at);
        CHECK(format_utc(*report->arrived_at) == "2025-04-07T21:16:09Z");
        CHECK(report->identity_alignment == "spf=no dkim=yes");
        CHECK(report->delivery_result == row.delivery);
        CHECK(report->sample_from == "<user@example.org>");
        CHECK(report->fields.size() == 6);
        REQUIRE(report->findings.size() == (row.note.empty() ? 1U : 2U));
        CHECK(report->findings[0].code.code == "plain_text_form");
        CHECK((row.note.empty() || report->findings[1].code.code == row.note));
    }
}
