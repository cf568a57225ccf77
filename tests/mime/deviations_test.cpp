#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "archive_builder.hpp"
#include "found.hpp"
#include "limits_for_tests.hpp"
#include "mail_builder.hpp"
#include "mime/charset.hpp"
#include "mime/decompress.hpp"
#include "mime/sniff.hpp"
#include "mime/unpack.hpp"

namespace dmarcbox::mime {
namespace {

const std::string kXml = "<?xml version=\"1.0\"?>\n<feedback></feedback>\n";
const std::string kHead =
    "From: noreply@reporter.example\r\nSubject: Report Domain: example.org\r\n";

/// Part and kind of each document that the mail holds, other kinds than reports left out, then the
/// findings.
std::string taken_apart(const std::string& mail) {
    const auto message = unpack(mail, kTestLimits);
    REQUIRE(message.has_value());
    std::string out;
    Findings findings = message->findings;
    for (const Part& part : message->parts) {
        if (part.sample || part.media_type == "message/feedback-report" || part.content.empty()) {
            continue;
        }
        const auto sink = [&](Document document) {
            const ContentKind kind = sniff(document.bytes);
            if (kind == ContentKind::xml || kind == ContentKind::json) {
                out += document.part + (kind == ContentKind::xml ? ":xml " : ":json ");
                CHECK(
                    is_utf8(document_to_utf8(std::move(document.bytes), document.part, findings)));
            }
        };
        decompress({part.section, part.file_name, part.content}, kTestLimits, {}, sink, findings);
    }
    return out + "[" + codes(findings) + "]";
}

std::string attached(std::string_view type, std::string_view bytes, std::string_view name = "r") {
    return kHead +
           "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee attachment.\r\n" +
           "--b\r\nContent-Type: " + std::string(type) + "; name=\"" + std::string(name) +
           "\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64(bytes) + "\r\n--b--\r\n";
}

TEST_CASE("deviations of mail and container: each comes apart") {
    struct Row {
        const char* name;
        std::string mail;
        std::string expected;
    };
    const std::string zipped = zip({{"r.xml", kXml}});
    // Made once: the table is built again for each subcase.
    static const std::string bomb = gzip(std::string(std::size_t{2} << 20U, '<'));
    std::string utf16 = "\xFF\xFE";
    for (const char c : kXml) {
        utf16 += {c, '\0'};
    }
    const std::string plain_mail = kHead + "Content-Type: text/xml\r\n\r\n" + kXml;
    const std::vector<Row> rows{
        {"1 zip labelled gzip", attached("application/gzip", zipped), "2/r.xml:xml []"},
        {"1 gzip labelled zip", attached("application/zip", gzip(kXml)), "2:xml []"},
        {"2 gzip as octet-stream", attached("application/octet-stream", gzip(kXml)), "2:xml []"},
        {"3 x-gzip", attached("application/x-gzip", gzip(kXml)), "2:xml []"},
        {"3 x-zip-compressed", attached("application/x-zip-compressed", zipped), "2/r.xml:xml []"},
        {"4 name of a report and a picture inside",
         attached("application/octet-stream", gzip("\x89PNG\r\n\x1A\n"), "r.xml.gz"), "[]"},
        {"5 top-level body",
         kHead + "Content-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
             base64(zipped),
         "1/r.xml:xml []"},
        {"6 zip", attached("application/zip", zipped), "2/r.xml:xml []"},
        {"7 bytes behind the gzip", attached("application/gzip", gzip(kXml) + "\r\n"),
         "2:xml [gzip_trailing@2]"},
        {"8 double gzip", attached("application/gzip", gzip(gzip(kXml))),
         "2:xml [nested_archive@2]"},
        {"9 folder empty file and text in a zip",
         attached("application/zip", zip({{"a.xml/", "", 0},
                                          {"b.xml", "", 0},
                                          {"c.txt", "t"},
                                          {"d.xml", kXml},
                                          {"e.xml", kXml}})),
         "2/d.xml:xml 2/e.xml:xml [empty@2/b.xml]"},
        {"10 bomb", attached("application/gzip", bomb), "[ratio_too_high@2]"},
        {"11 uncompressed XML", attached("text/xml", kXml), "2:xml []"},
        {"12 XML as text", attached("text/plain", kXml, "r.txt"), "2:xml []"},
        {"13 inline",
         kHead + "Content-Type: text/xml\r\nContent-Disposition: inline\r\n\r\n" + kXml,
         "1:xml []"},
        {"14 misspelt ContentType",
         kHead + "ContentType: application/gzip\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
             base64(gzip(kXml)),
         "1:xml [field_misspelt@1]"},
        {"15 report in the middle",
         kHead + "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\na\r\n--b\r\n\r\n" +
             kXml + "\r\n--b\r\n\r\nz\r\n--b--\r\n",
         "2:xml []"},
        {"16 HTML beside it",
         kHead +
             "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: "
             "text/html\r\n\r\n<html><body>Report</body></html>\r\n--b\r\n\r\n" +
             kXml + "\r\n--b--\r\n",
         "2:xml []"},
        {"17 report mail attached to a mail",
         kHead + "Content-Type: message/rfc822\r\n\r\n" + attached("application/zip", zipped),
         "1.2/r.xml:xml []"},
        {"18 base64 with odd lines and no padding",
         kHead + "Content-Type: application/gzip\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
             with_line_ends(base64(gzip(kXml), "\n \n"), "\r"),
         "1:xml []"},
        {"19 gzip of the word unused", attached("application/gzip", gzip("unused")), "[]"},
        {"20 zero bytes in a zip", attached("application/zip", zip({{"r.xml", "", 0}})),
         "[empty@2/r.xml]"},
        {"22 name that tells nothing", attached("text/xml", kXml, "!example.org!1!2.xml"),
         "2:xml []"},
        {"24 body in another charset",
         kHead +
             "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; "
             "charset=iso-8859-1\r\n\r\nGr\xFC\xDF\x65\r\n--b\r\nContent-Type: text/xml\r\n\r\n" +
             kXml + "\r\n--b--\r\n",
         "2:xml []"},
        {"27 CR only", with_line_ends(kHead + "Content-Type: text/xml\n\n<feedback/>\n", "\r"),
         "1:xml [cr_line_ends]"},
        {"28 blank as separator line", kHead + "Content-Type: text/xml\r\n \r\n" + kXml,
         "1:xml [blank_separator@1]"},
        {"UTF-16 XML", attached("text/xml", utf16), "2:xml [utf16@2]"},
        {"zip inside zip", attached("application/zip", zip({{"i.zip", zipped, 0}})),
         "2/i.zip/r.xml:xml [nested_archive@2/i.zip]"},
        {"gzip inside zip", attached("application/zip", zip({{"r.xml.gz", gzip(kXml)}})),
         "2/r.xml.gz:xml [nested_archive@2/r.xml.gz]"},
        {"encrypted zip", attached("application/zip", zip({{"r.xml", kXml, 8, 1}})),
         "[encrypted@2/r.xml]"},
        {"several reports in one mail",
         kHead + "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" + kXml +
             "\r\n--b\r\n\r\n{\"policies\":[]}\r\n--b--\r\n",
         "1:xml 2:json []"},
        {"quoted-printable gzip",
         kHead +
             "Content-Type: application/gzip\r\nContent-Transfer-Encoding: "
             "quoted-printable\r\n\r\n" +
             [] {
                 constexpr std::string_view digits = "0123456789ABCDEF";
                 std::string out;
                 for (const char c : gzip(kXml)) {
                     const auto byte = static_cast<unsigned char>(c);
                     out += {'=', digits[byte >> 4U], digits[byte & 15U]};
                     out += out.size() % 75 == 72 ? "=\r\n" : "";
                 }
                 return out;
             }(),
         "1:xml []"},
        {"NUL in XML", attached("text/xml", kXml + std::string(1, '\0')), "2:xml [nul_bytes@2]"},
        {"mail of an importing mbox", "From a@b.example Thu Jan  1 00:00:00 2026\r\n" + plain_mail,
         "1:xml []"},
    };
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            CHECK(taken_apart(row.mail) == row.expected);
        }
    }
}

}  // namespace
}  // namespace dmarcbox::mime
