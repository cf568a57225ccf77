#pragma once

#include <doctest/doctest.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "server/ingest.hpp"

/// Mails with one report of each kind, and what ingest() makes of them.
namespace dmarcbox::test {

inline const std::string kXml =
    "<?xml version=\"1.0\"?>\n<feedback><report_metadata><org_name>Reporter Inc</org_name>"
    "<report_id>r1</report_id><date_range><begin>1700006400</begin><end>1700092799</end>"
    "</date_range></report_metadata><policy_published><domain>example.org</domain><p>none</p>"
    "</policy_published><record><row><source_ip>192.0.2.1</source_ip><count>3</count>"
    "<policy_evaluated><disposition>none</disposition><dkim>pass</dkim><spf>fail</spf>"
    "</policy_evaluated></row><identifiers><header_from>example.org</header_from></identifiers>"
    "<auth_results><dkim><domain>example.org</domain><selector>s1</selector><result>pass</result>"
    "</dkim></auth_results></record></feedback>\n";

inline const std::string kTls =
    R"({"organization-name":"Reporter Inc","date-range":{"start-datetime":"2026-01-01T00:00:00Z",)"
    R"("end-datetime":"2026-01-01T23:59:59Z"},"contact-info":"tls@reporter.example",)"
    R"("report-id":"t1","policies":[{"policy":{"policy-type":"sts","policy-domain":"example.org"},)"
    R"("summary":{"total-successful-session-count":5,"total-failure-session-count":0}}]})";

inline std::string gzip(std::string_view bytes) {
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

inline std::string base64(std::string_view bytes) {
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

inline std::string mail(std::string_view type, std::string_view body, std::string_view more = {}) {
    return "From: Reports <noreply@reporter.example>\r\n"
           "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
           "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
           "Message-ID: <m1@reporter.example>\r\n" +
           std::string(more) + "Content-Type: " + std::string(type) + "\r\n\r\n" +
           std::string(body);
}

/// A multipart of `parts`, each with its own header.
inline std::string multipart(std::string_view type, std::initializer_list<std::string> parts) {
    std::string body;
    for (const auto& part : parts) {
        body += "--b1\r\n" + part + "\r\n";
    }
    return mail("multipart/" + std::string(type) + "; boundary=b1", body + "--b1--\r\n");
}

inline std::string part(std::string_view type, std::string_view body, bool encoded = false) {
    return "Content-Type: " + std::string(type) + "\r\n" +
           (encoded ? "Content-Transfer-Encoding: base64\r\n\r\n" + base64(body)
                    : "\r\n" + std::string(body));
}

inline const std::string kFields =
    "Feedback-Type: auth-failure\r\nUser-Agent: Reporter/1.0\r\nVersion: 1\r\n"
    "Auth-Failure: dmarc\r\nOriginal-Mail-From: <bounce@sender.example>\r\n"
    "Original-Rcpt-To: <Alice@example.net>\r\nSource-IP: 192.0.2.9\r\n"
    "Reported-Domain: example.org\r\nArrival-Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
    "Authentication-Results: mx.reporter.example; spf=fail smtp.mailfrom=bounce@sender.example\r\n";
inline const std::string kSampleHeader =
    "From: =?utf-8?q?Alice_=3Calice=40secret=2Eexample=3E?= <alice@example.org>\r\n"
    "To: Alice@example.net\r\nSubject: =?GB2312?B?u9i4tDrQu9C7o6E=?=\r\n"
    "Message-ID: <s1@example.org>\r\nDate: Tue, 14 Nov 2023 22:13:19 +0000\r\n";
inline const std::string kSampleBody = "\r\nDear Bob, bob@private.example knows the secret.\r\n";

inline std::string failure_mail(bool encoded = false, const std::string& fields = kFields) {
    return multipart("report; report-type=feedback-report",
                     {part("text/plain", "This is a failure report about alice@example.org.\r\n"),
                      part("message/feedback-report", fields),
                      part("message/rfc822", kSampleHeader + kSampleBody, encoded)});
}

inline storage::Submission read(const std::string& bytes, const IngestSettings& settings = {}) {
    Message message;
    message.bytes = bytes;
    message.source = "smtp";
    message.received_at = 1700000000;
    return ingest(message, settings);
}

inline std::string kinds(const storage::Submission& submission) {
    std::string out;
    for (const auto& report : submission.reports) {
        out += std::string(out.empty() ? "" : " ") +
               std::array{"aggregate", "failure", "tls"}[report.index()];
    }
    return out;
}

/// The bytes that were kept, uncompressed.
inline std::string kept(const storage::Submission& submission) {
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

inline const schema::FailureReport& failure_of(const storage::Submission& submission) {
    REQUIRE(kinds(submission) == "failure");
    return std::get<schema::FailureReport>(submission.reports.front());
}

}  // namespace dmarcbox::test
