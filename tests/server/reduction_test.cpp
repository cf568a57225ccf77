#include "server/reduction.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "../mime/archive_builder.hpp"
#include "mime/decompress.hpp"
#include "mime/sniff.hpp"
#include "mime/unpack.hpp"
#include "report_mail.hpp"
#include "schema/content_hash.hpp"

using namespace dmarcbox;
using namespace dmarcbox::test;

namespace {

/// Everything that can be read out of kept bytes: parts, files in archives, mails in those.
void unfold(const std::string& bytes, std::string& all, int depth = 0) {
    all += bytes;
    if (depth > 4) {
        return;
    }
    const mime::Limits limits = Limits{}.mime();
    mime::Findings findings;
    mime::decompress(
        {"1", "", bytes}, limits, {},
        [&](mime::Document document) {
            if (document.bytes != bytes) {
                unfold(document.bytes, all, depth + 1);
            }
        },
        findings);
    if (const auto message = mime::unpack(bytes, limits);
        message && mime::looks_like_message(bytes)) {
        for (const auto& part : message->parts) {
            if (part.content != bytes) {
                unfold(part.content, all, depth + 1);
            }
        }
    }
}

struct Shape {
    const char* name;
    std::string bytes;
};

/// The sample wherever reporters, forwarders and mail programs put it.
std::vector<Shape> shapes() {
    const std::string sample = kSampleHeader + kSampleBody;
    const std::string arf = failure_mail();
    const std::string type = "report; report-type=feedback-report";
    const std::string form =
        "A message claiming to be from you has failed the published DMARC policy for your "
        "domain.\r\n\r\n  Sender Domain: example.org\r\n  Sender IP Address: 203.0.113.68\r\n"
        "  Received Date: Mon, 07 Apr 2025 23:16:09 +0200\r\n  SPF Alignment: no\r\n"
        "  DKIM Alignment: no\r\n  DMARC Results: None, Accept\r\n\r\n"
        "------ This is a copy of the headers that were received before the error was "
        "detected.\r\n\r\n" +
        kSampleHeader;
    const auto nested = [](std::initializer_list<std::string> parts) {
        std::string body;
        for (const auto& text : parts) {
            body += "--b2\r\n" + text + "\r\n";
        }
        return "Content-Type: multipart/mixed; boundary=b2\r\n\r\n" + body + "--b2--\r\n";
    };
    return {
        {"in clear text", arf},
        {"in base64", failure_mail(true)},
        {"before the fields",
         multipart(type, {part("text/plain", "x"), part("message/rfc822", sample),
                          part("message/feedback-report", kFields)})},
        {"in a multipart of its own",
         multipart(type, {part("text/plain", "x"), part("message/feedback-report", kFields),
                          nested({part("message/rfc822", sample)})})},
        {"beside the multipart of the fields",
         multipart(type,
                   {nested({part("text/plain", "x"), part("message/feedback-report", kFields)}),
                    part("message/rfc822", sample)})},
        {"twice",
         multipart(type, {part("text/plain", "x"), part("message/feedback-report", kFields),
                          part("message/rfc822", sample), part("message/rfc822", sample)})},
        {"in gzip",
         multipart(type, {part("text/plain", "x"), part("message/feedback-report", kFields),
                          part("application/gzip", gzip(sample), true)})},
        {"as text",
         multipart(type, {part("text/plain", "x"), part("message/feedback-report", kFields),
                          part("text/plain", sample)})},
        {"fields labelled text/plain",
         multipart(type, {part("text/plain", "x"), part("text/plain", kFields),
                          part("message/rfc822", sample)})},
        {"beside the plain-text form",
         multipart(type, {part("text/plain", form), part("message/rfc822", sample)})},
        {"behind the plain-text form", mail("text/plain", form + kSampleBody)},
        {"behind the plain-text form that begins like markup",
         mail("text/plain", "<https://example.org>\r\n" + form + kSampleBody)},
        {"behind the plain-text form labelled otherwise",
         mail("text/enriched", form + kSampleBody)},
        {"behind the plain-text form that names a feedback mailbox",
         mail("text/plain", form + "Reply-To: <feedback@example.org>\r\n" + kSampleBody)},
        {"text that begins like markup in zip",
         mime::zip({{"r.txt", "<https://example.org>\r\n" + form + kSampleBody}})},
        {"forwarded", multipart("mixed", {part("text/plain", "fwd"), part("message/rfc822", arf)})},
        {"forwarded as a file",
         multipart("mixed", {part("application/octet-stream; name=r.eml", arf, true)})},
        {"mail in gzip", gzip(arf)},
        {"mail in zip", mime::zip({{"r.eml", arf}})},
        {"two mails in zip",
         mime::zip({{"r.eml", arf}, {"q.eml", mail("text/plain", form + kSampleBody)}})},
        {"attached gzip of a mail",
         multipart("mixed", {part("application/gzip", gzip(arf), true)})},
        {"attached zip of a mail and a report",
         multipart("mixed",
                   {part("application/zip", mime::zip({{"r.eml", arf}, {"a.xml", kXml}}), true)})},
        {"behind a line of one blank",
         multipart(type, {part("text/plain", "x"), part("message/feedback-report", kFields),
                          part("message/rfc822", " \r\n" + sample)})},
        {"in a multipart in base64",
         mail("multipart/report; report-type=feedback-report; boundary=b2",
              base64("--b2\r\n" + part("message/feedback-report", kFields) + "\r\n--b2\r\n" +
                     part("message/rfc822", sample) + "\r\n--b2--\r\n"),
              "Content-Transfer-Encoding: base64\r\n")},
        {"in a mail that begins with an odd line", "Return-path <bounce@sender.example>\r\n" + arf},
        {"in a mail that begins with an unknown field", "List-Id:<reports.example>\r\n" + arf},
        {"in a mail of unknown fields only",
         "Foo:1\r\n" + arf.substr(arf.find("Content-Type: multipart"))},
        {"in ISO-2022-JP",
         multipart(type, {part("text/plain", "x"), part("message/feedback-report", kFields),
                          part("message/rfc822",
                               "Reply-To: \x1b$B=EMW\x1b(B <alice@example.org>\r\n" + sample)})},
        {"text file", form + kSampleBody},
    };
}

}  // namespace

TEST_CASE("failure report: no body of a sample is kept in any shape") {
    IngestSettings full;
    full.keep = FailureKeep::full;
    IngestSettings headers;
    headers.keep = FailureKeep::headers;
    IngestSettings redacted;
    redacted.keep = FailureKeep::redacted;
    redacted.redaction_key = "0123456789abcdef";
    for (const auto& shape : shapes()) {
        const std::string_view name = shape.name;
        CAPTURE(name);
        const auto whole = read(shape.bytes, full);
        REQUIRE(kinds(whole).find("failure") != std::string::npos);
        for (const auto* settings : {&headers, &redacted}) {
            const bool is_redacted = settings == &redacted;
            CAPTURE(is_redacted);
            const auto submission = read(shape.bytes, *settings);
            CHECK(kinds(submission) == kinds(whole));
            CHECK(submission.original.reduced);
            const std::string bytes = kept(submission);
            std::string all;
            unfold(bytes, all);
            CHECK(all.find("knows the secret") == std::string::npos);
            for (const std::string_view address : {"bob@", "alice@", "Alice@", "bounce@"}) {
                CAPTURE(address);
                CHECK((all.find(address) == std::string::npos || !is_redacted));
            }
            // What is left gives the same reports.
            const auto again = read(bytes, *settings);
            REQUIRE(kinds(again) == kinds(whole));
            for (std::size_t i = 0; i < whole.reports.size(); ++i) {
                const auto* before = std::get_if<schema::FailureReport>(&submission.reports[i]);
                const auto* after = std::get_if<schema::FailureReport>(&again.reports[i]);
                REQUIRE((before == nullptr) == (after == nullptr));
                if (before != nullptr) {
                    CHECK(after->sample_subject == before->sample_subject);
                    CHECK(after->sample_from == before->sample_from);
                    CHECK(after->source_ip == before->source_ip);
                    CHECK(after->headers.size() == before->headers.size());
                }
            }
        }
    }
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
