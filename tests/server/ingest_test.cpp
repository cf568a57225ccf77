#include "server/ingest.hpp"

#include <doctest/doctest.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <string>
#include <string_view>
#include <variant>

#include "schema/content_hash.hpp"

using namespace dmarcbox;

namespace {

const std::string kXml =
    "<?xml version=\"1.0\"?>\n<feedback><report_metadata><org_name>Reporter Inc</org_name>"
    "<report_id>r1</report_id><date_range><begin>1700006400</begin><end>1700092799</end>"
    "</date_range></report_metadata><policy_published><domain>example.org</domain><p>none</p>"
    "</policy_published><record><row><source_ip>192.0.2.1</source_ip><count>3</count>"
    "<policy_evaluated><disposition>none</disposition><dkim>pass</dkim><spf>fail</spf>"
    "</policy_evaluated></row><identifiers><header_from>example.org</header_from></identifiers>"
    "<auth_results><dkim><domain>example.org</domain><selector>s1</selector><result>pass</result>"
    "</dkim></auth_results></record></feedback>\n";

const std::string kTls =
    R"({"organization-name":"Reporter Inc","date-range":{"start-datetime":"2026-01-01T00:00:00Z",)"
    R"("end-datetime":"2026-01-01T23:59:59Z"},"contact-info":"tls@reporter.example",)"
    R"("report-id":"t1","policies":[{"policy":{"policy-type":"sts","policy-domain":"example.org"},)"
    R"("summary":{"total-successful-session-count":5,"total-failure-session-count":0}}]})";

std::string gzip(std::string_view bytes) {
    z_stream stream{};
    REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string out(deflateBound(&stream, bytes.size()) + 32, '\0');
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

std::string base64(std::string_view bytes) {
    constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        unsigned group = 0;
        for (std::size_t j = 0; j < 3; ++j) {
            group = group << 8U |
                    (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
        }
        for (std::size_t j = 0; j < 4; ++j) {
            out += i + j > bytes.size() ? '=' : kAlphabet[group >> (18 - 6 * j) & 63U];
        }
        if (out.size() % 78 == 76) {
            out += "\r\n";
        }
    }
    return out + "\r\n";
}

std::string mail(std::string_view type, std::string_view body, std::string_view more = {}) {
    return "From: Reports <noreply@reporter.example>\r\n"
           "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
           "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
           "Message-ID: <m1@reporter.example>\r\n" +
           std::string(more) + "Content-Type: " + std::string(type) + "\r\n\r\n" +
           std::string(body);
}

/// A multipart of `parts`, each with its own header.
std::string multipart(std::string_view type, std::initializer_list<std::string> parts) {
    std::string body;
    for (const auto& part : parts) {
        body += "--b1\r\n" + part + "\r\n";
    }
    return mail("multipart/" + std::string(type) + "; boundary=b1", body + "--b1--\r\n");
}

std::string part(std::string_view type, std::string_view body, bool encoded = false) {
    return "Content-Type: " + std::string(type) + "\r\n" +
           (encoded ? "Content-Transfer-Encoding: base64\r\n\r\n" + base64(body)
                    : "\r\n" + std::string(body));
}

const std::string kFields =
    "Feedback-Type: auth-failure\r\nUser-Agent: Reporter/1.0\r\nVersion: 1\r\n"
    "Auth-Failure: dmarc\r\nOriginal-Mail-From: <bounce@sender.example>\r\n"
    "Original-Rcpt-To: <Alice@example.net>\r\nSource-IP: 192.0.2.9\r\n"
    "Reported-Domain: example.org\r\nArrival-Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
    "Authentication-Results: mx.reporter.example; spf=fail smtp.mailfrom=bounce@sender.example\r\n";
const std::string kSampleHeader =
    "From: =?utf-8?q?Alice_=3Calice=40secret=2Eexample=3E?= <alice@example.org>\r\n"
    "To: Alice@example.net\r\nSubject: =?GB2312?B?u9i4tDrQu9C7o6E=?=\r\n"
    "Message-ID: <s1@example.org>\r\nDate: Tue, 14 Nov 2023 22:13:19 +0000\r\n";
const std::string kSampleBody = "\r\nDear Bob, bob@private.example knows the secret.\r\n";

std::string failure_mail(bool encoded = false, const std::string& fields = kFields) {
    return multipart("report; report-type=feedback-report",
                     {part("text/plain", "This is a failure report about alice@example.org.\r\n"),
                      part("message/feedback-report", fields),
                      part("message/rfc822", kSampleHeader + kSampleBody, encoded)});
}

storage::Submission read(const std::string& bytes, const IngestSettings& settings = {}) {
    Message message;
    message.bytes = bytes;
    message.source = "smtp";
    message.received_at = 1700000000;
    return ingest(message, settings);
}

std::string kinds(const storage::Submission& submission) {
    std::string out;
    for (const auto& report : submission.reports) {
        out += std::string(out.empty() ? "" : " ") +
               std::array{"aggregate", "failure", "tls"}[report.index()];
    }
    return out;
}

/// The bytes that were kept, uncompressed.
std::string kept(const storage::Submission& submission) {
    const auto& original = submission.original;
    const auto size = static_cast<std::size_t>(original.size);
    if (original.content.size() == size) {
        return original.content;
    }
    std::string out(size, '\0');
    auto length = static_cast<uLongf>(size);
    REQUIRE(uncompress(reinterpret_cast<Bytef*>(out.data()), &length,
                       reinterpret_cast<const Bytef*>(original.content.data()),
                       static_cast<uLong>(original.content.size())) == Z_OK);
    REQUIRE(length == size);
    return out;
}

const schema::FailureReport& failure_of(const storage::Submission& submission) {
    REQUIRE(kinds(submission) == "failure");
    return std::get<schema::FailureReport>(submission.reports.front());
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

TEST_CASE("ingest: a big document waits at the gate and a small one does not") {
    int entered = 0;
    IngestSettings settings;
    settings.big_document_gate = [&entered]() -> std::shared_ptr<void> {
        ++entered;
        return nullptr;
    };
    (void)read(kXml, settings);
    CHECK(entered == 0);
    settings.limits.big_document_bytes = 100;
    CHECK(kinds(read(kXml, settings)) == "aggregate");
    CHECK(entered == 1);
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

TEST_CASE("failure report: keep headers drops bodies and nothing else") {
    for (const bool encoded : {false, true}) {
        CAPTURE(encoded);
        IngestSettings settings;
        settings.keep = FailureKeep::full;
        const auto full = read(failure_mail(encoded), settings);
        CHECK_FALSE(full.original.reduced);
        CHECK(kept(full) == failure_mail(encoded));

        settings.keep = FailureKeep::headers;
        const auto reduced = read(failure_mail(encoded), settings);
        CHECK(reduced.original.reduced);
        const std::string bytes = kept(reduced);
        CHECK(bytes.find("secret.\r\n") == std::string::npos);
        CHECK(bytes.find(base64(kSampleHeader + kSampleBody).substr(300, 60)) == std::string::npos);
        CHECK(reduced.original.sha256 == schema::sha256(bytes));
        CHECK(reduced.receipt.sha256 == schema::sha256(failure_mail(encoded)));
        // What is left reads the same.
        const auto again = read(bytes, settings);
        CHECK(failure_of(again).content_sha256 == failure_of(full).content_sha256);
        CHECK(failure_of(again).headers.size() == failure_of(full).headers.size());
        CHECK(failure_of(again).sample_subject == failure_of(full).sample_subject);
        CHECK_FALSE(again.original.reduced);
    }
}

TEST_CASE("failure report: keep headers leaves a mail without bodies as it is") {
    const std::string bytes =
        multipart("report; report-type=feedback-report",
                  {part("text/plain", "x"), part("message/feedback-report", kFields),
                   part("text/rfc822-headers", kSampleHeader)});
    const auto submission = read(bytes);
    CHECK_FALSE(submission.original.reduced);
    CHECK(kept(submission) == bytes);
}

TEST_CASE("failure report: a sample of empty lines only stopped the worker") {
    const std::string bytes =
        multipart("report; report-type=feedback-report",
                  {part("text/plain", "x"), part("message/feedback-report", kFields),
                   part("message/rfc822", "\r\n\r\n")});
    CHECK(kinds(read(bytes)) == "failure");
}

TEST_CASE("failure report: the canonicalized body is a body too") {
    const std::string fields =
        kFields + "DKIM-Canonicalized-Body: " + base64("Dear Bob, a secret.");
    const auto submission = read(failure_mail(false, fields));
    const auto& report = failure_of(submission);
    const auto field = std::find_if(report.fields.begin(), report.fields.end(), [](const auto& f) {
        return f.name == "DKIM-Canonicalized-Body";
    });
    REQUIRE(field != report.fields.end());
    CHECK(field->value == "(removed)");
    CHECK(kept(submission).find(base64("Dear Bob, a secret.").substr(0, 20)) == std::string::npos);
    CHECK(submission.original.reduced);
}

TEST_CASE("failure report: keep redacted leaves no local part anywhere") {
    for (const bool encoded : {false, true}) {
        CAPTURE(encoded);
        IngestSettings settings;
        settings.keep = FailureKeep::full;
        const auto full = read(failure_mail(encoded), settings);
        settings.keep = FailureKeep::redacted;
        settings.redaction_key = "0123456789abcdef";
        const auto redacted = read(failure_mail(encoded), settings);
        const auto& report = failure_of(redacted);
        CHECK(report.content_sha256 == failure_of(full).content_sha256);
        CHECK(redacted.original.reduced);

        std::string all = kept(redacted) + report.original_mail_from + report.original_rcpt_to +
                          report.authentication_results + report.sample_from + report.sample_to +
                          report.sample_message_id;
        for (const auto* fields : {&report.fields, &report.headers}) {
            for (const auto& field : *fields) {
                all += field.value + field.raw;
            }
        }
        for (const std::string_view secret :
             {"alice@", "Alice@", "alice=40", "bob@", "bounce@", "s1@", "noreply@"}) {
            CAPTURE(secret);
            CHECK(all.find(secret) == std::string::npos);
        }
        CHECK(report.sample_from.find("@example.org") != std::string::npos);
        CHECK(report.sample_subject == "回复:谢谢！");
        // Alice is the same person as recipient and sender.
        const std::string token = report.sample_to.substr(0, report.sample_to.find('@'));
        CHECK(token.starts_with("redacted-"));
        CHECK(report.sample_from.find(token + "@example.org") != std::string::npos);
        // What is left reads the same, and is not redacted a second time.
        const auto again = read(kept(redacted), settings);
        CHECK(failure_of(again).sample_from == report.sample_from);
        CHECK(failure_of(again).original_rcpt_to == report.original_rcpt_to);
        CHECK(failure_of(again).headers.size() == report.headers.size());
        // Another key gives other tokens.
        settings.redaction_key = "another";
        CHECK(failure_of(read(failure_mail(encoded), settings)).sample_to != report.sample_to);
    }
}

TEST_CASE("failure report: redaction without a key is refused") {
    IngestSettings settings;
    settings.keep = FailureKeep::redacted;
    CHECK_THROWS_AS((void)read(failure_mail(), settings), std::invalid_argument);
}
