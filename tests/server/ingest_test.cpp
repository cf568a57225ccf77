#include "server/ingest.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <string>
#include <string_view>
#include <variant>

#include "../mime/archive_builder.hpp"
#include "report_mail.hpp"
#include "schema/content_hash.hpp"

using namespace dmarcbox;
using namespace dmarcbox::test;

namespace {

std::string without_declaration(const std::string& xml) {
    return xml.substr(xml.find("<feedback"));
}

/// More than what is looked through for the kind of a document.
std::string long_text() {
    std::string text;
    while (text.size() < 5000) {
        text += "Dear postmaster, your report follows.\r\n";
    }
    return text;
}

}  // namespace

TEST_CASE("ingest: reports are found wherever they are") {
    struct Row {
        const char* name;
        std::string bytes;
        std::string_view reports;
    };
    const std::string xml_mail = mail("text/xml", kXml);
    const Row rows[] = {
        {"the body itself", xml_mail, "aggregate"},
        {"a gzip attachment",
         multipart("mixed",
                   {part("text/plain", "hello"), part("application/gzip", gzip(kXml), true)}),
         "aggregate"},
        {"gzip in gzip with the wrong label",
         multipart("mixed", {part("application/zip; name=x.zip", gzip(gzip(kXml)), true)}),
         "aggregate"},
        {"text with another label", mail("text/plain", kXml), "aggregate"},
        {"JSON", mail("application/tlsrpt+json", kTls), "tls"},
        {"JSON in gzip",
         multipart("report; report-type=tlsrpt",
                   {part("text/plain", "see"), part("application/tlsrpt+gzip", gzip(kTls), true)}),
         "tls"},
        {"an attached mail",
         multipart("mixed", {part("text/plain", "fwd"), part("message/rfc822", xml_mail)}),
         "aggregate"},
        {"two in one mail",
         multipart("mixed", {part("text/xml", kXml), part("application/json", kTls)}),
         "aggregate tls"},
        {"an HTML part that is the report", mail("text/html", kXml), "aggregate"},
        {"gzip labelled as HTML", multipart("mixed", {part("text/html", gzip(kXml), true)}),
         "aggregate"},
        {"JSON labelled as HTML", mail("text/html", kTls), "tls"},
        {"a report in an envelope",
         mail("text/xml", "<e:Envelope xmlns:e=\"urn:e\"><e:Body>" + without_declaration(kXml) +
                              "</e:Body></e:Envelope>"),
         "aggregate"},
        {"two reports in one element",
         mail("text/xml",
              "<reports>" + without_declaration(kXml) + without_declaration(kXml) + "</reports>"),
         "aggregate aggregate"},
        {"two reports in two gzip members", gzip(kXml) + gzip(kXml), "aggregate aggregate"},
        {"a TLS report in an array", gzip("[" + kTls + "]\n"), "tls"},
        {"two TLS reports in an array", gzip("[\n" + kTls + ",\n" + kTls + "]"), "tls tls"},
        {"two TLS reports in two gzip members", gzip(kTls) + gzip(kTls), "tls tls"},
        {"a mail with a binary zip in its beginning",
         multipart("mixed", {part("application/gzip", gzip(kXml), true),
                             "Content-Type: application/zip\r\nContent-Transfer-Encoding: "
                             "binary\r\n\r\n" +
                                 mime::zip({{"a.xml", kXml}})}),
         "aggregate aggregate"},
        {"behind a long text", mail("text/plain", long_text() + without_declaration(kXml)),
         "aggregate"},
        {"an attached mail that begins with an empty line",
         multipart("mixed", {part("message/rfc822", "\r\n" + xml_mail)}), "aggregate"},
        {"a mail attached as a file",
         multipart("mixed", {part("application/octet-stream; name=r.eml",
                                  multipart("mixed", {part("text/xml", kXml)}), true)}),
         "aggregate"},
        {"an attached mail labelled as text",
         multipart("mixed",
                   {part("text/plain", multipart("mixed", {part("text/xml", kXml)}), true)}),
         "aggregate"},
        {"base64 with a footer behind it",
         mail("application/tlsrpt+json",
              base64(kTls + std::string((3 - kTls.size() % 3) % 3, ' ')) + "\r\n" +
                  std::string(47, '_') + "\r\nReports -- https://lists.example.org/\r\n",
              "Content-Transfer-Encoding: base64\r\n"),
         "tls"},
        {"the second of two Content-Type fields",
         "Content-Type: text/plain\r\n" +
             multipart("mixed", {part("application/gzip", gzip(kXml), true)}),
         "aggregate"},
        {"a multipart in base64",
         mail("multipart/mixed; boundary=b2",
              base64("--b2\r\n" + part("application/gzip", gzip(kXml), true) + "--b2--\r\n"),
              "Content-Transfer-Encoding: base64\r\n"),
         "aggregate"},
        {"base64 of base64",
         multipart("mixed", {part("application/gzip", base64(gzip(kXml)), true)}), "aggregate"},
        {"a bare file", kXml, "aggregate"},
        {"a bare gzip file", gzip(kXml), "aggregate"},
        {"a bare JSON file", kTls, "tls"},
        {"a mail in gzip", gzip(failure_mail()), "failure"},
        {"a mail with a gzip attachment, in gzip",
         gzip(multipart("mixed", {part("application/gzip", gzip(kXml), true)})), "aggregate"},
        {"an mbox of one mail in gzip", gzip("From a@b.example Tue Nov 14 2023\n" + xml_mail),
         "aggregate"},
        {"a failure report", failure_mail(), "failure"},
        {"a failure report with an encoded sample", failure_mail(true), "failure"},
        {"a failure report as multipart/mixed",
         multipart("mixed", {part("text/plain", "x"), part("message/feedback-report", kFields),
                             part("text/rfc822-headers", kSampleHeader)}),
         "failure"},
        {"a failure report without sample",
         multipart("report; report-type=feedback-report",
                   {part("text/plain", "x"), part("message/feedback-report", kFields)}),
         "failure"},
        {"two failure reports",
         multipart("mixed", {part("message/feedback-report", kFields),
                             part("text/rfc822-headers", kSampleHeader),
                             part("message/feedback-report", kFields),
                             part("text/rfc822-headers", kSampleHeader)}),
         "failure failure"},
        {"a report inside the sample of a failure report is no report",
         multipart("report; report-type=feedback-report",
                   {part("text/plain", "x"), part("message/feedback-report", kFields),
                    part("message/rfc822", xml_mail)}),
         "failure"},
        {"a sample before the fields",
         multipart("report; report-type=feedback-report",
                   {part("text/plain", "x"), part("message/rfc822", xml_mail),
                    part("message/feedback-report", kFields)}),
         "failure"},
        {"fields labelled as text",
         multipart("report; report-type=feedback-report",
                   {part("text/plain", "x"), part("text/plain", kFields),
                    part("message/rfc822", xml_mail)}),
         "failure"},
        {"fields labelled as text in a multipart/mixed",
         multipart("mixed", {part("text/plain", "x"), part("text/plain", kFields),
                             part("message/rfc822", xml_mail)}),
         "failure"},
        {"gzip labelled as the fields of a failure report",
         multipart("mixed", {part("message/feedback-report", gzip(kXml), true)}), "aggregate"},
        {"the plain-text form",
         mail("text/plain",
              "A message claiming to be from you has failed the published DMARC policy for your "
              "domain.\r\n\r\n  Sender Domain: example.org\r\n  Sender IP Address: 203.0.113.68\r\n"
              "  Received Date: Mon, 07 Apr 2025 23:16:09 +0200\r\n  SPF Alignment: no\r\n"
              "  DKIM Alignment: no\r\n  DMARC Results: None, Accept\r\n\r\n"
              "------ This is a copy of the headers that were received before the error was "
              "detected.\r\n\r\n" +
                  kSampleHeader),
         "failure"},
    };
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            const auto submission = read(row.bytes);
            CHECK(kinds(submission) == row.reports);
            CHECK(submission.outcome == storage::Outcome::report);
            CHECK(submission.detail.empty());
        }
    }
}

TEST_CASE("ingest: mail without report is told apart") {
    struct Row {
        const char* name;
        std::string bytes;
        storage::Outcome outcome;
        std::string_view detail;  ///< its beginning
    };
    using storage::Outcome;
    const std::string packed = gzip(kXml);
    std::string abuse = kFields;
    abuse.replace(abuse.find("auth-failure"), 12, "abuse");
    const Row rows[] = {
        {"a mail", mail("text/plain", "hello"), Outcome::other, "no report"},
        {"an empty file", "", Outcome::other, "empty"},
        {"other XML", "<?xml version=\"1.0\"?><rss></rss>", Outcome::other, "no report"},
        {"a text that quotes the fields of a failure report",
         mail("text/plain", kFields + "\r\nWhat is this?"), Outcome::other, "no report"},
        {"a text with the address of a feedback mailbox",
         mail("text/plain", "Write to <feedback@example.org> or <feedback>."), Outcome::other,
         "no report"},
        {"other JSON", "{\"a\": 1}", Outcome::other, "no report"},
        {"HTML that speaks of feedback",
         mail("text/html", "<html><body>&lt;feedback&gt; <p>feedback</p></body></html>"),
         Outcome::other, "no report"},
        {"the word unused", multipart("mixed", {part("application/gzip", gzip("unused\n"), true)}),
         Outcome::other, "unused"},
        {"a complaint",
         multipart("report; report-type=feedback-report",
                   {part("text/plain", "x"), part("message/feedback-report", abuse),
                    part("message/rfc822", kSampleHeader + kSampleBody)}),
         Outcome::other, "feedback: abuse"},
        {"a bounce",
         multipart("report; report-type=delivery-status",
                   {part("text/plain", "x"), part("message/delivery-status", "Status: 5.1.1")}),
         Outcome::other, "bounce"},
        {"an auto-reply", mail("text/plain", "I am away", "Auto-Submitted: auto-replied\r\n"),
         Outcome::other, "auto-reply"},
        {"a gzip that breaks off",
         multipart("mixed", {part("application/gzip", packed.substr(0, packed.size() / 2), true)}),
         Outcome::unreadable, "truncated"},
        {"an mbox of two mails in gzip",
         gzip("From a@b.example Tue Nov 14 2023\n" + mail("text/xml", kXml) +
              "\r\n\r\nFrom a@b.example Tue Nov 14 2023\r\n" + mail("text/xml", kXml)),
         Outcome::unreadable, "mails_not_read: mbox"},
        {"a mail in an archive in a mail in an archive",
         gzip(multipart("mixed", {part("application/gzip", gzip(failure_mail()), true)})),
         Outcome::unreadable, "mails_not_read: archive in archive"},
        {"text that begins like a header, in gzip", gzip("Subject: nothing\r\n\r\nhello"),
         Outcome::other, "no report"},
        {"a tar archive in gzip",
         gzip("report.xml" + std::string(247, '\0') + "ustar" + std::string(250, '\0') + kXml),
         Outcome::unreadable, "foreign_archive: tar"},
        {"7z", multipart("mixed", {part("application/x-7z", "7z\xBC\xAF\x27\x1C\0\4", true)}),
         Outcome::unreadable, "foreign_archive: 7z"},
        {"XML that breaks off before any record",
         mail("text/xml", kXml.substr(0, kXml.find("<policy_published>"))), Outcome::unreadable,
         ""},
    };
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            const auto submission = read(row.bytes);
            CHECK(submission.reports.empty());
            CHECK(submission.outcome == row.outcome);
            CHECK(submission.detail.substr(0, row.detail.size()) == row.detail);
            const bool fault = std::any_of(submission.findings.begin(), submission.findings.end(),
                                           [](const auto& finding) { return finding.code.fault; });
            CHECK(fault == (row.outcome == Outcome::unreadable));
            CHECK(kept(submission) == row.bytes);
        }
    }
}

TEST_CASE("ingest: what a session brings is a mail, whatever its first line is") {
    struct Row {
        const char* name;
        std::string bytes;
        std::string_view source;
        std::string_view reports;
        std::string_view subject;
        bool garbage;
    };
    const std::string report = mail("text/xml", kXml);
    const Row rows[] = {
        {"unknown field without blank", "List-Id:<a>\r\n" + report, "smtp", "aggregate", "Grüße",
         false},
        {"the same over LMTP", "List-Id:<a>\r\n" + report, "lmtp", "aggregate", "Grüße", false},
        {"the same from a file", "List-Id:<a>\r\n" + report, "import", "aggregate", "Grüße", false},
        {"field without colon", "Return-path <a@b.example>\r\n" + report, "smtp", "aggregate",
         "Grüße", true},
        {"the same from a file", "Return-path <a@b.example>\r\n" + report, "import", "aggregate",
         "Grüße", true},
        {"fold of nothing", " (qmail 1 invoked by uid 1)\r\n" + report, "smtp", "aggregate",
         "Grüße", true},
        {"unknown fields only", "Foo:1\r\nSubject:x\r\n\r\n" + kXml, "smtp", "aggregate", "x",
         false},
        {"a report without header", kXml, "smtp", "aggregate", "", false},
        {"gzip without header", gzip(kXml), "smtp", "aggregate", "", false},
        {"JSON without header", kTls, "lmtp", "tls", "", false},
        {"a text without header", "hello\r\nall of you\r\n", "smtp", "", "", false},
        {"a text file with one colon", "Note:this\r\nis a text\r\n", "import", "", "", false},
        {"a file of XML with fields in it", "<?xml version=\"1.0\"?>\r\nFrom: a\r\n" + kXml,
         "import", "aggregate", "", false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CAPTURE(row.source);
        Message message;
        message.bytes = row.bytes;
        message.source = row.source;
        const auto submission = ingest(message, {});
        CHECK(kinds(submission) == row.reports);
        CHECK(submission.receipt.subject == row.subject);
        if (row.reports == "aggregate") {
            const auto& findings =
                std::get<schema::AggregateReport>(submission.reports.front()).findings;
            CHECK(std::any_of(findings.begin(), findings.end(), [](const auto& finding) {
                      return finding.code.code == "header_garbage";
                  }) == row.garbage);
        }
    }
}

TEST_CASE("ingest: a document that is no report says what it is") {
    struct Row {
        const char* name;
        std::string bytes;
        std::string_view finding;
    };
    std::string upper = kXml;
    upper.replace(upper.find("<feedback>"), 10, "<Feedback>");
    upper.replace(upper.find("</feedback>"), 11, "</Feedback>");
    const Row rows[] = {
        {"another root", "<?xml version=\"1.0\"?><rss></rss>", "xml/no_report rss"},
        {"another root without declaration", mail("text/xml", "<a:b>x</a:b>"), "xml/no_report a:b"},
        {"the root in other case", mail("text/xml", upper), "xml/no_report Feedback"},
        {"a declaration only", "<?xml version=\"1.0\"?>", "xml/no_report "},
        {"a text that begins with an address", mail("text/plain", "<a@b.example> wrote:\r\nyes"),
         ""},
        {"HTML", mail("text/plain", "<p>hello</p>"), ""},
        {"XHTML", mail("text/html", "<?xml version=\"1.0\"?><html></html>"), ""},
        {"other JSON", "{\"a\": 1}", "tls/no_report "},
        {"a text that begins with a brace", mail("text/plain", "{see below} hello"), ""},
        {"beside a report",
         multipart("mixed", {part("image/svg+xml", "<svg></svg>"), part("text/xml", kXml)}), ""},
        {"opaque S/MIME",
         mail("application/pkcs7-mime; smime-type=signed-data", base64("0\x82"),
              "Content-Transfer-Encoding: base64\r\n"),
         "mime/smime signed-data"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto submission = read(row.bytes);
        std::string found;
        for (const auto& finding : submission.findings) {
            found += std::string(finding.code.stage) + "/" + std::string(finding.code.code) + " " +
                     finding.detail;
        }
        CHECK(found == row.finding);
        for (const auto& report : submission.reports) {
            const auto& findings = std::get<schema::AggregateReport>(report).findings;
            CHECK(std::none_of(findings.begin(), findings.end(), [](const auto& finding) {
                return finding.code.code == "no_report";
            }));
        }
    }
}

TEST_CASE("ingest: the receipt says what header and session said") {
    Message message;
    const std::string bytes = mail("text/plain", "hello");
    message.bytes = bytes;
    message.source = "smtp";
    message.helo = "mail\xff.example";
    message.envelope_from = "<>";
    const auto submission = ingest(message, {});
    CHECK(submission.receipt.header_from == "Reports <noreply@reporter.example>");
    CHECK(submission.receipt.subject == "Grüße");
    CHECK(submission.receipt.sent_at == 1700000000);
    CHECK(submission.receipt.message_id == "m1@reporter.example");
    CHECK(submission.receipt.helo != message.helo);  // a column holds UTF-8
    CHECK(submission.receipt.helo.starts_with("mail"));
    CHECK(submission.receipt.envelope_from == "<>");
    CHECK(submission.receipt.size == static_cast<std::int64_t>(bytes.size()));
    CHECK(submission.receipt.sha256 == schema::sha256(bytes));
    CHECK_FALSE(submission.skip_known_bytes);
    message.source = "import";
    CHECK(ingest(message, {}).skip_known_bytes);
}

TEST_CASE("ingest: a fault beside a report is a finding") {
    const auto submission = read(multipart(
        "mixed", {part("text/xml", kXml), part("application/gzip", "\x1f\x8b\x08", true)}));
    CHECK(submission.outcome == storage::Outcome::report);
    CHECK(kinds(submission) == "aggregate");
    REQUIRE(submission.findings.size() == 1);
    CHECK(submission.findings.front().code.fault);
    CHECK(submission.findings.front().part == "2");
}

TEST_CASE("ingest: deviations of the mail belong to its only report") {
    const auto submission =
        read(multipart("mixed", {part("application/gzip", gzip(kXml) + "\r\n", true)}));
    REQUIRE(kinds(submission) == "aggregate");
    CHECK(submission.findings.empty());
    const auto& findings = std::get<schema::AggregateReport>(submission.reports.front()).findings;
    CHECK(std::any_of(findings.begin(), findings.end(), [](const auto& finding) {
        return finding.code.code == "gzip_trailing" && finding.part == "1";
    }));
}

TEST_CASE("ingest: findings are capped and the last says how many more") {
    std::string body;
    for (int i = 0; i < 50; ++i) {
        body += "--b1\r\n" + part("application/gzip", "\x1f\x8b\x08 broken", true) + "\r\n";
    }
    IngestSettings settings;
    settings.limits.max_findings = 10;
    const auto submission =
        read(mail("multipart/mixed; boundary=b1", body + "--b1--\r\n"), settings);
    CHECK(submission.outcome == storage::Outcome::unreadable);
    REQUIRE(submission.findings.size() == 10);
    CHECK(submission.findings.back().code.code == "more_findings");
    CHECK(submission.findings.back().detail == "41 more");
}

TEST_CASE("ingest: a report of thousands of records is read whole") {
    const std::size_t begin = kXml.find("<record>");
    const std::string record = kXml.substr(begin, kXml.find("</feedback>") - begin);
    std::string xml = kXml.substr(0, begin);
    for (int i = 0; i < 8000; ++i) {  // beyond 2 MiB: read in slices
        xml += record;
    }
    const auto submission = read(xml + "</feedback>\n");
    REQUIRE(kinds(submission) == "aggregate");
    const auto& report = std::get<schema::AggregateReport>(submission.reports.front());
    CHECK(report.record_count == 8000);
    CHECK(report.message_count() == 24000);
    CHECK(report.records.back().dkim_results.size() == 1);
}

TEST_CASE("ingest: reports of one message share its memory") {
    const std::string record =
        kXml.substr(kXml.find("<record>"), kXml.find("</feedback>") - kXml.find("<record>"));
    std::string xml = kXml.substr(0, kXml.find("<record>"));
    for (int i = 0; i < 200; ++i) {
        xml += record;
    }
    xml += "</feedback>\n";
    std::string body;
    for (int i = 0; i < 20; ++i) {
        body += "--b1\r\n" + part("application/gzip", gzip(xml), true) + "\r\n";
    }
    const auto bytes = mail("multipart/mixed; boundary=b1", body + "--b1--\r\n");
    CHECK(read(bytes).reports.size() == 20);
    IngestSettings settings;
    settings.limits.max_parse_bytes = std::size_t{1} << 20U;
    const auto submission = read(bytes, settings);
    CHECK(submission.reports.size() > 1);
    CHECK(submission.reports.size() < 20);
    REQUIRE_FALSE(submission.findings.empty());
    CHECK(submission.findings.front().code.code == "memory");
    CHECK(submission.findings.front().code.fault);
}

TEST_CASE("ingest: parts of one message share what they may unpack to") {
    std::string xml = kXml;
    while (xml.size() < 5000) {
        xml += "<!-- " + std::to_string(xml.size()) + " -->\n";
    }
    std::string body;
    for (int i = 0; i < 4; ++i) {
        body += "--b1\r\n" + part("application/gzip", gzip(xml), true) + "\r\n";
    }
    IngestSettings settings;
    settings.limits.max_unpacked_bytes = 6000;
    const auto submission =
        read(mail("multipart/mixed; boundary=b1", body + "--b1--\r\n"), settings);
    CHECK(submission.reports.size() == 2);
    REQUIRE(submission.findings.size() == 2);
    CHECK(submission.findings.front().code.code == "unpacked_too_big");
}

TEST_CASE("ingest: a report from a mail that failed DMARC is kept and marked") {
    const auto findings = [](std::string_view field) {
        const auto submission = read(mail("text/xml", kXml, field));
        REQUIRE(kinds(submission) == "aggregate");
        return std::get<schema::AggregateReport>(submission.reports.front()).findings;
    };
    const auto failed = findings("Authentication-Results: mx.example; spf=pass; DMARC=fail\r\n");
    CHECK(std::any_of(failed.begin(), failed.end(),
                      [](const auto& f) { return f.code.code == "dmarc_fail"; }));
    for (const auto* const field : {"Authentication-Results: mx.example; dmarc=pass\r\n",
                                    "Authentication-Results: mx.example; dmarc=pass\r\n"
                                    "Authentication-Results: forged.example; dmarc=fail\r\n"}) {
        const auto passed = findings(field);
        CHECK(std::none_of(passed.begin(), passed.end(),
                           [](const auto& f) { return f.code.code == "dmarc_fail"; }));
    }
}

TEST_CASE("ingest: many reports with many findings took minutes") {
    std::string body;
    for (int i = 0; i < 900; ++i) {
        body += "--b1\r\n" + part("application/gzip", gzip(kXml) + "x", true) + "\r\n";
    }
    IngestSettings settings;
    settings.limits.max_findings = 100'000;
    const std::clock_t start = std::clock();
    const auto submission =
        read(mail("multipart/mixed; boundary=b1", body + "--b1--\r\n"), settings);
    CHECK(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC < 3.0);
    REQUIRE(submission.reports.size() == 900);
    CHECK(submission.findings.empty());
    for (const auto& report : submission.reports) {
        const auto& findings = std::get<schema::AggregateReport>(report).findings;
        CHECK(std::count_if(findings.begin(), findings.end(),
                            [](const auto& f) { return f.code.code == "gzip_trailing"; }) == 1);
    }
}

TEST_CASE("ingest: without time left a message is unreadable") {
    IngestSettings settings;
    settings.limits.parse_seconds = std::chrono::seconds{0};
    const auto submission = read(mail("text/xml", kXml), settings);
    CHECK(submission.outcome == storage::Outcome::unreadable);
    CHECK(submission.detail.substr(0, 4) == "time");
    CHECK(kept(submission) == mail("text/xml", kXml));
}

TEST_CASE("ingest: a message of big documents asks at the gate, once for all of them") {
    int entered = 0;
    std::weak_ptr<int> turn;
    IngestSettings settings;
    settings.big_message_gate = [&]() -> std::shared_ptr<void> {
        ++entered;
        CHECK(turn.expired());
        auto given = std::make_shared<int>();
        turn = given;
        return given;
    };
    (void)read(kXml, settings);
    CHECK(entered == 0);
    settings.limits.big_document_bytes = 100;
    CHECK(kinds(read(kXml, settings)) == "aggregate");
    CHECK(entered == 1);

    // None of two is big, both are.
    settings.limits.big_document_bytes = kXml.size() + 10;
    entered = 0;
    CHECK(kinds(read(mail("text/xml", kXml), settings)) == "aggregate");
    CHECK(entered == 0);
    const auto several = multipart(
        "mixed", {part("text/xml", kXml), part("text/xml", kXml), part("text/xml", kXml)});
    CHECK(kinds(read(several, settings)) == "aggregate aggregate aggregate");
    CHECK(entered == 1);
    CHECK(turn.expired());
}

TEST_CASE("original: plain where zlib would not shorten it") {
    const std::string noise = "\x1f\x8b\x08\x9d\x02\xe7";
    const auto short_one = read(noise);
    CHECK(short_one.original.content == noise);
    CHECK(short_one.original.size == static_cast<std::int64_t>(noise.size()));
    const std::string long_one = mail("text/plain", std::string(10000, 'x'));
    const auto submission = read(long_one);
    CHECK(submission.original.content.size() < 1000);
    CHECK(kept(submission) == long_one);
    CHECK(submission.original.sha256 == schema::sha256(long_one));
    CHECK_FALSE(submission.original.reduced);
}

TEST_CASE("failure report: the sample is read as a person would read it") {
    const auto submission = read(failure_mail());
    const auto& report = failure_of(submission);
    CHECK(report.sample_subject == "回复:谢谢！");
    CHECK(report.reported_domain == "example.org");
    CHECK(report.source_ip == "192.0.2.9");
    REQUIRE(report.headers.size() == 5);
    CHECK(report.headers[2].value == "回复:谢谢！");
    CHECK(report.headers[2].raw == " =?GB2312?B?u9i4tDrQu9C7o6E=?=");
}

TEST_CASE("failure report: an empty line between the fields loses none of them") {
    std::string fields = kFields;
    fields.insert(fields.find("Source-IP"), "\r\n");
    const auto submission = read(failure_mail(false, fields));
    const auto& report = failure_of(submission);
    CHECK(report.source_ip == "192.0.2.9");
    CHECK(report.fields.size() == failure_of(read(failure_mail())).fields.size());
    CHECK(std::any_of(report.findings.begin(), report.findings.end(), [](const auto& finding) {
        return finding.code.code == "fields_behind_empty_line";
    }));
}

TEST_CASE("failure report: raw header text is read in the charset that part or sample name") {
    const std::string chinese = "\xD6\xD0\xCE\xC4";          // GB2312
    const std::string russian = "\xF0\xD2\xC9\xD7\xC5\xD4";  // KOI8-R
    struct Row {
        const char* name;
        std::string sample;
        std::string_view subject;
        std::string_view raw;
    };
    const Row rows[] = {
        {"the part says it",
         part("text/rfc822-headers; charset=gb2312", "Subject: " + chinese + "\r\n"), "中文",
         " \\xd6\\xd0\\xce\\xc4"},
        {"the sample says it",
         part("text/rfc822-headers",
              "Subject: " + russian + "\r\nContent-Type: text/plain; charset=koi8-r\r\n"),
         "Привет", " \\xf0\\xd2\\xc9\\xd7\\xc5\\xd4"},
        {"it is UTF-8 all the same",
         part("text/rfc822-headers; charset=gb2312", "Subject: Grüße\r\n"), "Grüße", " Grüße"},
        {"a backslash beside raw bytes",
         part("text/rfc822-headers; charset=koi8-r",
              "Subject: a\\" + russian.substr(0, 1) + "\r\n"),
         "a\\П", " a\\x5c\\xf0"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto submission = read(multipart(
            "report; report-type=feedback-report",
            {part("text/plain", "x"), part("message/feedback-report", kFields), row.sample}));
        const auto& report = failure_of(submission);
        CHECK(report.sample_subject == row.subject);
        REQUIRE_FALSE(report.headers.empty());
        CHECK(report.headers.front().raw == row.raw);
    }
}

TEST_CASE("failure report: a sample is read behind lines of blanks and in ISO-2022-JP") {
    struct Row {
        const char* name;
        std::string sample;
        std::string_view subject;
        bool raw;
    };
    const Row rows[] = {
        {"lines of blanks", " \r\n\t\r\nSubject: s\r\n\r\nbody", "s", false},
        {"ISO-2022-JP",
         "Subject: \x1b$B=EMW\x1b(B raw\r\nContent-Type: text/plain; charset=iso-2022-jp\r\n",
         "重要 raw", true},
        {"ISO-2022-JP that nothing declares", "Subject: \x1b$B=EMW\x1b(B\r\n", "重要", true},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto submission = read(
            multipart("report; report-type=feedback-report",
                      {part("text/plain", "x"), part("message/feedback-report", " \r\n" + kFields),
                       part("message/rfc822", row.sample)}));
        const auto& report = failure_of(submission);
        CHECK(report.sample_subject == row.subject);
        CHECK(report.source_ip == "192.0.2.9");
        const auto has = [&report](std::string_view code) {
            return std::any_of(report.findings.begin(), report.findings.end(),
                               [code](const auto& finding) { return finding.code.code == code; });
        };
        CHECK(has("raw_8bit") == row.raw);
        CHECK_FALSE(has("no_sample"));
        CHECK_FALSE(has("fields_behind_empty_line"));
    }
}

TEST_CASE("ingest: the charset of a part counts where the document names none") {
    std::string xml = without_declaration(kXml);
    xml.replace(xml.find("Reporter Inc"), 12, "\xCF\xEE\xF7\xF2\xE0");
    const auto submission = read(mail("text/xml; charset=windows-1251", xml));
    REQUIRE(kinds(submission) == "aggregate");
    CHECK(std::get<schema::AggregateReport>(submission.reports.front()).org_name == "Почта");
}

TEST_CASE("ingest: an attached mail names the domain of the TLS report in it") {
    std::string json = kTls;
    const std::string domain = "\"policy-domain\":\"example.org\"";
    REQUIRE(json.find(domain) != std::string::npos);
    json.replace(json.find(domain), domain.size(), "\"mx-host\":[]");
    const std::string inner = mail("application/tlsrpt+json", json,
                                   "TLS-Report-Domain: inner.example\r\n"
                                   "TLS-Report-Submitter: other.example\r\n");
    struct Row {
        const char* name;
        std::string bytes;
        std::string domain;
        bool differs;
    };
    const std::string odd = mail("application/tlsrpt+json", json,
                                 "TLS-Report-Domain: b\xFC"
                                 "cher.example\r\n");
    const std::string outer = "TLS-Report-Domain: outer.example\r\n";
    for (const Row& row :
         {Row{"attached", multipart("mixed", {part("message/rfc822", inner)}), "inner.example",
              true},
          Row{"attached in base64 to a mail that names another",
              outer + multipart("mixed", {part("message/rfc822", inner, true)}), "inner.example",
              true},
          Row{"attached in bytes that are no UTF-8",
              multipart("mixed", {part("message/rfc822", odd)}), "bücher.example", false},
          Row{"attached without a name",
              outer + multipart("mixed",
                                {part("message/rfc822", mail("application/tlsrpt+json", json))}),
              "outer.example", false},
          Row{"beside an attached mail",
              outer + multipart("mixed", {part("message/rfc822", mail("text/plain", "x")),
                                          part("application/tlsrpt+json", json)}),
              "outer.example", false}}) {
        CAPTURE(std::string(row.name));
        const auto submission = read(row.bytes);
        REQUIRE(kinds(submission) == "tls");
        const auto& report = std::get<schema::TlsReport>(submission.reports.front());
        REQUIRE(report.policies.size() == 1);
        CHECK(report.policies.front().policy_domain == row.domain);
        CHECK(std::any_of(report.findings.begin(), report.findings.end(), [](const auto& finding) {
                  return finding.code.code == "submitter_differs";
              }) == row.differs);
    }
}

TEST_CASE("ingest: a TLS report whose submitter is another than its contact says so") {
    struct Row {
        const char* submitter;
        bool differs;
    };
    for (const Row& row : {Row{"reporter.example", false}, Row{"Reporter.Example.", false},
                           Row{"other.example", true}}) {
        CAPTURE(std::string(row.submitter));
        const auto submission =
            read(mail("application/tlsrpt+json", kTls,
                      "TLS-Report-Submitter: " + std::string(row.submitter) + "\r\n"));
        REQUIRE(kinds(submission) == "tls");
        const auto& findings = std::get<schema::TlsReport>(submission.reports.front()).findings;
        CHECK(std::any_of(findings.begin(), findings.end(), [](const auto& finding) {
                  return finding.code.code == "submitter_differs";
              }) == row.differs);
    }
}
