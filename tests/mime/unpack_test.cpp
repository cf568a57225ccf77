#include "mime/unpack.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "archive_builder.hpp"
#include "found.hpp"
#include "limits_for_tests.hpp"
#include "mail_builder.hpp"

namespace dmarcbox::mime {
namespace {

const std::string kXml = "<feedback></feedback>";
const std::string kHead = "From: noreply@reporter.example\nSubject: Report\nMIME-Version: 1.0\n";
const std::string kMixed = kHead + "Content-Type: multipart/mixed; boundary=\"b\"\n\n";

struct Row {
    const char* name;
    std::string mail;
    std::string parts;
    std::string findings;
};

void check(const std::vector<Row>& rows) {
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            const auto message = unpack(row.mail, kTestLimits);
            REQUIRE(message.has_value());
            CHECK(listed(*message) == row.parts);
            CHECK(codes(message->findings) == row.findings);
        }
    }
}

TEST_CASE("unpack: structure") {
    check({
        {"report as top-level body", kHead + "Content-Type: text/xml\n\n" + kXml + "\n",
         "1|text/xml|||" + kXml + "/\n", ""},
        {"no Content-Type is plain text", kHead + "\nhello\n", "1|text/plain|||hello/\n", ""},
        {"no body", kHead, "1|text/plain|||\n", ""},
        {"nothing", "", "1|text/plain|||\n", ""},
        {"two parts",
         kMixed + "preamble\n--b\n\ntext\n--b\nContent-Type: text/xml; name=r.xml\n\n" + kXml +
             "\n--b--\nepilogue\n",
         "1|text/plain|||text\n2|text/xml|r.xml||" + kXml + "\n", ""},
        {"several reports in one mail",
         kMixed + "--b\nContent-Type: text/xml\n\n<a/>\n--b\nContent-Type: text/xml\n\n<b/>\n"
                  "--b--\n",
         "1|text/xml|||<a/>\n2|text/xml|||<b/>\n", ""},
        {"inline payload before the text",
         kMixed + "--b\nContent-Type: text/xml\nContent-Disposition: inline; filename=a.xml\n\n" +
             kXml + "\n--b\n\nbye\n--b--\n",
         "1|text/xml|a.xml||" + kXml + "\n2|text/plain|||bye\n", ""},
        {"nested multipart",
         kMixed + "--b\nContent-Type: multipart/alternative; boundary=i\n\n--i\n\nplain\n--i\n"
                  "Content-Type: text/html\n\n<p>\n--i--\n\n--b\n\nlast\n--b--\n",
         "1.1|text/plain|||plain\n1.2|text/html|||<p>\n2|text/plain|||last\n", ""},
        {"inner boundary that begins as the outer one",
         kMixed + "--b\nContent-Type: multipart/mixed; boundary=b2\n\n--b2\n\nx\n--b2--\n--b\n\n"
                  "y\n--b--\n",
         "1.1|text/plain|||x\n2|text/plain|||y\n", ""},
        {"boundary text inside a line is content", kMixed + "--b\n\nsee --b\n --b\n--bee\n--b--\n",
         "1|text/plain|||see --b/ --b/--bee\n", ""},
        {"blanks behind a boundary", kMixed + "--b \t\n\nx\n--b-- \n", "1|text/plain|||x\n", ""},
        {"text behind the closing boundary", kMixed + "--b\n\nx\n--b--That's it\n",
         "1|text/plain|||x\n", ""},
        {"end boundary missing", kMixed + "--b\n\nx\n--b\n\ny\n",
         "1|text/plain|||x\n2|text/plain|||y/\n", "no_end_boundary"},
        {"mail ends in a boundary", kMixed + "--b\n\nx\n--b", "1|text/plain|||x\n",
         "no_end_boundary"},
        {"inner end boundary missing",
         kMixed + "--b\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\nx\n--b\n\ny\n--b--\n",
         "1.1|text/plain|||x\n2|text/plain|||y\n", "no_end_boundary"},
        {"two inner end boundaries missing",
         kMixed + "--b\nContent-Type: multipart/mixed; boundary=i\n\n--i\n"
                  "Content-Type: multipart/mixed; boundary=j\n\n--j\n\nx\n--b\n\ny\n--b--\n",
         "1.1.1|text/plain|||x\n2|text/plain|||y\n", "no_end_boundary"},
        {"boundary parameter missing",
         kHead + "Content-Type: multipart/mixed\n\n--guess\n\nx\n--guess--\n", "1|text/plain|||x\n",
         "boundary_missing"},
        {"boundary parameter of another mail",
         kMixed + "--other\nContent-Type: text/xml\n\n<a/>\n--other--\n", "1|text/xml|||<a/>\n",
         "boundary_missing"},
        {"multipart without parts", kMixed + "no boundary here\n",
         "1|multipart/mixed|||no boundary here/\n", "no_parts@1"},
        {"multipart without boundary and parts",
         kHead + "Content-Type: multipart/mixed\n\n--\nhello\n--\n",
         "1|multipart/mixed|||--/hello/--/\n", "no_parts@1"},
        {"empty part", kMixed + "--b\n\n--b\n--b--\n", "1|text/plain|||\n2|text/plain|||\n", ""},
        {"boundary with characters of its own",
         kHead + "Content-Type: multipart/mixed; boundary=\"=_a;b'()+_,-./:=?\"\n\n"
                 "--=_a;b'()+_,-./:=?\n\nx\n--=_a;b'()+_,-./:=?--\n",
         "1|text/plain|||x\n", ""},
        {"Content-Type in comments and folds",
         kHead + "Content-Type: (c) multipart/mixed (d);\n\tcharset=x;\n  boundary = \"b\" \n\n"
                 "--b\n\nx\n--b--\n",
         "1|text/plain|||x\n", ""},
        {"first of several Content-Type fields",
         kHead + "Content-Type: text/xml\nContent-Type: text/plain\n\n<a/>", "1|text/xml|||<a/>\n",
         ""},
        {"a multipart as second of several Content-Type fields",
         kHead + "Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n"
                 "--b--\n",
         "1|text/plain|||x\n", "repeated_content_type"},
        {"a multipart without parts as second of several Content-Type fields",
         kHead + "Content-Type: text/xml\nContent-Type: multipart/mixed; boundary=b\n\n<a/>",
         "1|text/xml|||<a/>\n", ""},
        {"multipart in base64",
         kHead +
             "Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n\n" +
             base64("--b\n\nx\n--b\nContent-Type: text/xml\n\n<a/>\n--b--\n"),
         "1.1|text/plain|||x\n1.2|text/xml|||<a/>\n", "encoded_message@1"},
        {"multipart in base64 that is none",
         kHead +
             "Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n\n" +
             base64("hello"),
         "1.1|multipart/mixed|||hello\n", "encoded_message@1 no_parts@1.1"},
        {"opaque S/MIME",
         kHead + "Content-Type: application/pkcs7-mime; smime-type=signed-data\n\nx",
         "1|application/pkcs7-mime|||x\n", "smime@1"},
        {"certificates in S/MIME",
         kHead + "Content-Type: application/pkcs7-mime; smime-type=certs-only\n\nx",
         "1|application/pkcs7-mime|||x\n", ""},
        {"parts of a digest are messages",
         kHead + "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: s\n\nx\n--b--\n",
         "1|message/rfc822|||Subject: s//x\n1.1|text/plain|||x\n", ""},
    });
}

TEST_CASE("unpack: attached messages") {
    const std::string inner =
        "Subject: i\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\nx\n"
        "--i\nContent-Type: text/xml\n\n<a/>\n--i--\n";
    const auto flat = [](std::string text) {
        for (char& c : text) {
            c = c == '\n' ? '/' : c;
        }
        return text;
    };
    check({
        {"are descended into",
         kMixed + "--b\n\nfwd\n--b\nContent-Type: message/rfc822\n\n" + inner + "\n--b--\n",
         "1|text/plain|||fwd\n2|message/rfc822|||" + flat(inner) +
             "\n2.1|text/plain|||x\n2.2|text/xml|||<a/>\n",
         ""},
        {"as the whole body", kHead + "Content-Type: message/rfc822\n\nSubject: i\n\nx",
         "1|message/rfc822|||Subject: i//x\n1.1|text/plain|||x\n", ""},
        {"in base64",
         kMixed + "--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" +
             base64("Subject: i\n\nx") + "\n--b--\n",
         "1|message/rfc822|||Subject: i//x\n1.1|text/plain|||x\n", "encoded_message@1"},
        {"as a file of a web mailer",
         kMixed + "--b\nContent-Type: application/octet-stream; name=\"f.eml\"\n\nSubject: i\n\nx\n"
                  "--b--\n",
         "1|application/octet-stream|f.eml||Subject: i//x\n1.1|text/plain|||x\n", ""},
        {"with an mbox line in front",
         kMixed + "--b\nContent-Type: message/rfc822\n\nFrom a@b.example Mon Jan 1\nSubject: i\n\n"
                  "x\n--b--\n",
         "1|message/rfc822|||From a@b.example Mon Jan 1/Subject: i//x\n1.1|text/plain|||x\n",
         "header_garbage@1.1"},
        {"in pieces are a fault",
         kHead + "Content-Type: message/partial; number=2; total=3; id=\"a@b.example\"\n\nx",
         "1|message/partial|||x\n", "partial_message@1"},
        {"elsewhere are never fetched",
         kHead + "Content-Type: message/external-body; access-type=URL; "
                 "URL=\"http://reporter.example/\"\n\nContent-Type: text/xml\n\n",
         "1|message/external-body|||Content-Type: text/xml//\n", "external_body@1"},
    });
}

TEST_CASE("unpack: feedback reports") {
    const std::string report =
        kHead + "Content-Type: multipart/report; report-type=Feedback-Report; boundary=b\n\n";
    const std::string fields =
        "Content-Type: message/feedback-report\n\nFeedback-Type: "
        "auth-failure\nVersion: 1\n";
    const std::string sample =
        "Subject: s\nContent-Type: multipart/mixed; boundary=s\n\n--s\n\nx\n"
        "--s--\n";
    const std::string shown =
        "|S|Subject: s/Content-Type: multipart/mixed; boundary=s//--s//x/--s--/\n";
    const std::string first = "1|text/plain|||text\n";
    const std::string second =
        "2|message/feedback-report|||Feedback-Type: auth-failure/Version: 1/\n";
    const std::string start = report + "--b\n\ntext\n--b\n" + fields + "\n--b\n";
    check({
        {"sample is not descended into",
         start + "Content-Type: message/rfc822\n\n" + sample + "\n--b--\n",
         first + second + "3|message/rfc822|" + shown, ""},
        {"header only", start + "Content-Type: text/rfc822-headers\n\nSubject: s\n\n--b--\n",
         first + second + "3|text/rfc822-headers||S|Subject: s/\n", ""},
        {"misspelt type", start + "Content-Type: text/rfc822-header\n\nSubject: s\n\n--b--\n",
         first + second + "3|text/rfc822-header||S|Subject: s/\n", ""},
        {"sample labelled as text", start + "Content-Type: text/plain\n\nSubject: s\n\n--b--\n",
         first + second + "3|text/plain||S|Subject: s/\n", ""},
        {"no sample", report + "--b\n\ntext\n--b\n" + fields + "\n--b--\n", first + second, ""},
        {"multipart/mixed instead of report",
         kMixed + "--b\n\ntext\n--b\n" + fields +
             "\n--b\nContent-Type: message/rfc822\n\nSubject: s\n\nx\n--b--\n",
         first + second + "3|message/rfc822||S|Subject: s//x\n", ""},
        {"fields in base64",
         report +
             "--b\n\ntext\n--b\nContent-Type: message/feedback-report\n"
             "Content-Transfer-Encoding: base64\n\n" +
             base64("Feedback-Type: auth-failure\nVersion: 1\n") + "\n--b--\n",
         first + second, "encoded_message@2"},
        {"fields in the part's own header",
         report + "--b\n\ntext\n--b\nContent-Type: message/feedback-report\nFeedback-Type: "
                  "auth-failure\nVersion: 1\n\n--b--\n",
         first + "2|message/feedback-report|||Feedback-Type: auth-failure/Version: 1/\n",
         "fields_in_part_header@2"},
        {"sample in the part's own header",
         start + "Content-Type: message/rfc822\nReceived: from a.example\nSubject: s\n\nbody\n"
                 "--b--\n",
         first + second + "3|message/rfc822||S|Received: from a.example/Subject: s//body\n",
         "fields_in_part_header@3"},
        {"separator lines of one blank",
         with_line_ends(kHead, "\n") +
             "Content-Type: multipart/report; report-type=feedback-report;\n     boundary=\"b\"\n "
             "\n"
             "--b\nContent-Type: text/plain\n \ntext\n \n--b\nContent-Type: "
             "message/feedback-report\n \nFeedback-Type: auth-failure\nVersion: 1\n \n--b\n"
             "Content-Type: message/rfc822\n \nSubject: s\n \nx\n--b--\n",
         "1|text/plain|||text/ \n2|message/feedback-report|||Feedback-Type: auth-failure/Version: "
         "1/ \n3|message/rfc822||S|Subject: s/ /x\n",
         "blank_separator blank_separator@1 blank_separator@2 blank_separator@3"},
        {"returned message of a bounce",
         kHead +
             "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n"
             "\ntext\n--b\nContent-Type: message/delivery-status\n\nAction: failed\n--b\n"
             "Content-Type: message/rfc822\n\nSubject: s\nContent-Type: text/xml\n\n" +
             kXml + "\n--b--\n",
         first +
             "2|message/delivery-status|||Action: failed\n3|message/rfc822||S|Subject: "
             "s/Content-Type: text/xml//" +
             kXml + "\n",
         ""},
    });
    SUBCASE("report_type is told to the parts") {
        const auto message =
            unpack(start + "Content-Type: message/rfc822\n\n" + sample + "\n--b--\n", kTestLimits);
        REQUIRE(message.has_value());
        REQUIRE(message->parts.size() == 3);
        for (const Part& part : message->parts) {
            CHECK(part.report_type == "feedback-report");
        }
        CHECK(message->parts[1].header == "Content-Type: message/feedback-report\n");
    }
}

TEST_CASE("unpack: header deviations") {
    check({
        {"misspelt ContentType with base64",
         kMixed +
             "--b\nContentType: application/gzip; name=\"r.gz\"\nContent-Transfer-Encoding: "
             "base64\n\n" +
             base64(kXml) + "\n--b--\n",
         "1|application/gzip|r.gz||" + kXml + "\n", "field_misspelt@1"},
        {"misspelt ContentType of a multipart",
         kHead + "ContentType:multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n",
         "1|text/plain|||x\n", "field_misspelt"},
        {"misspelt transfer encoding",
         kHead + "Content-Type: text/xml\nContent-TransferEncoding: base64\n\n" + base64(kXml),
         "1|text/xml|||" + kXml + "\n", "field_misspelt@1"},
        {"no separator in front of a boundary",
         kHead + "Content-Type: multipart/mixed; boundary=b\n--b\n\nx\n--b--\n",
         "1|text/plain|||x\n", "no_separator"},
        {"no separator in front of base64",
         kMixed + "--b\nContent-Type: application/gzip\nContent-Transfer-Encoding: base64\n" +
             base64(std::string(100, 'x')) + "\n--b--\n",
         "1|application/gzip|||" + std::string(100, 'x') + "\n", "no_separator@1"},
        {"stray line among part fields",
         kMixed + "--b\nContent-Type: text/xml\nstray line\nContent-Description: d\n\n<a/>\n"
                  "--b--\n",
         "1|text/xml|||<a/>\n", "header_garbage@1"},
        {"mbox line in front", "From a@b.example Thu Jan  1 00:00:00 1970\n" + kHead + "\nx",
         "1|text/plain|||x\n", ""},
        {"empty lines in front", "\n\r\n" + kHead + "\nx", "1|text/plain|||x\n", ""},
        {"byte order mark in front", "\xEF\xBB\xBF" + kHead + "\nx", "1|text/plain|||x\n", ""},
        {"blank lines in front", " \r\n\t\n" + kHead + "\nx", "1|text/plain|||x\n", ""},
        {"odd line in front", " (qmail 1 invoked by uid 1)\n" + kHead + "\nx", "1|text/plain|||x\n",
         ""},
        {"blank in front of the colon", kHead + "Content-Type : text/xml\n\n<a/>",
         "1|text/xml|||<a/>\n", ""},
        {"not a mail at all", kXml, "1|text/plain|||" + kXml + "\n", ""},
    });
}

TEST_CASE("unpack: any line end gives the same parts") {
    const std::string mail =
        kMixed +
        "--b\nContent-Type: multipart/alternative;\n\tboundary=i\n\n--i\n\nplain\n"
        "text\n--i--\n--b\nContent-Type: application/gzip\nContent-Transfer-Encoding: "
        "base64\n\n" +
        base64(std::string(200, 'x'), "\n") + "\n--b--\n";
    const std::string expected =
        "1.1|text/plain|||plain/text\n2|application/gzip|||" + std::string(200, 'x') + "\n";
    for (const char* line_end : {"\n", "\r\n", "\r", "\r\r\n"}) {
        CAPTURE(with_line_ends("\n", line_end).size());
        const auto message = unpack(with_line_ends(mail, line_end), kTestLimits);
        REQUIRE(message.has_value());
        std::string parts = listed(*message);
        for (std::size_t at = 0; (at = parts.find("//")) != std::string::npos;) {
            parts.erase(at, 1);  // CR CR LF inside content stays as sent
        }
        CHECK(parts == expected);
        REQUIRE(message->header.find("subject") != nullptr);
        CHECK(message->header.find("subject")->value == "Report");
    }
}

TEST_CASE("unpack: transfer encodings") {
    const auto part = [](std::string_view encoding, std::string_view body) {
        return kMixed + "--b\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: " +
               std::string(encoding) + "\n\n" + std::string(body) + "\n--b--\n";
    };
    const std::string row = "1|application/octet-stream|||" + kXml + "\n";
    const std::string encoded = base64(kXml);
    const std::string footer =
        "\n" + std::string(47, '_') + "\nReports -- https://lists.example.org/\n";
    const std::string uu = "begin 644 r.xml\n5/&9E961B86-K/CPO9F5E9&)A8VL^\n`\nend\n";
    check({
        {"base64", part("base64", encoded), row, ""},
        {"upper case and trailing blank", part("BASE64 ", encoded), row, ""},
        {"with parameter", part("base64; x=y", encoded), row, ""},
        {"foreign bytes are skipped",
         part("base64", encoded.substr(0, 5) + "!" + encoded.substr(5)), row, "base64_lenient@1"},
        {"missing padding", part("base64", base64("ab").substr(0, 3)),
         "1|application/octet-stream|||ab\n", "base64_lenient@1"},
        {"text behind padding", part("base64", base64("ab") + "\n-- \nlist footer"),
         "1|application/octet-stream|||ab\n", "base64_trailing@1"},
        {"text behind a body without padding",
         part("base64", base64("<?xml version=\"1.0\"?><a/>  ") +
                            "\n__________\nA list: https://lists.example.org/x\n"),
         "1|application/octet-stream|||<?xml version=\"1.0\"?><a/>  \n", "base64_trailing@1"},
        {"data behind padding", part("base64", base64("ab") + "\n" + base64("cd")),
         "1|application/octet-stream|||abcd\n", ""},
        {"footer behind base64 of JSON",
         part("base64", base64("{\n  \"policies\": [],\n  \"x\": 1}\n ") + footer),
         "1|application/octet-stream|||{/  \"policies\": [],/  \"x\": 1}/ \n", "base64_trailing@1"},
        {"footer behind base64 of XML with a byte order mark",
         part("base64", base64("\xEF\xBB\xBF<a:feedback></a:feedback>") + footer),
         "1|application/octet-stream|||\xEF\xBB\xBF<a:feedback></a:feedback>\n",
         "base64_trailing@1"},
        {"footer behind base64 of XML behind a line end",
         part("base64", base64("\n<feedback></feedback>  ") + footer),
         "1|application/octet-stream|||/<feedback></feedback>  \n", "base64_trailing@1"},
        {"small footer behind much base64 without padding",
         part("base64", base64("<feedback>" + std::string(6000, 'x') + "</feedback> ", "\n") +
                            "\n-- \nA list: ask https://lists.example.org/\n"),
         "1|application/octet-stream|||<feedback>" + std::string(6000, 'x') + "</feedback> \n",
         "base64_trailing@1"},
        {"damage in the last line is no footer",
         part("base64",
              base64("<feedback>" + std::string(60, 'x') + "</feedback>") + "\n!?IC!AgIC*Ag"),
         "1|application/octet-stream|||<feedback>" + std::string(60, 'x') + "</feedback>      \n",
         "base64_lenient@1"},
        {"footer behind base64 of a text",
         part("base64", base64("To whom it may concern: ") + footer),
         "1|application/octet-stream|||" + base64("To whom it may concern: ") + "/" +
             std::string(47, '_') + "/Reports -- https://lists.example.org//\n",
         "not_base64@1"},
        {"labelled base64 but plain", part("base64", kXml), row, "not_base64@1"},
        {"labelled base64 but prose", part("base64", "This is a text, plain as can be."),
         "1|application/octet-stream|||This is a text, plain as can be.\n", "not_base64@1"},
        {"base64 without label", part("7bit", base64("<?xml version=\"1.0\"?><a/>")),
         "1|application/octet-stream|||<?xml version=\"1.0\"?><a/>\n", "undeclared_base64@1"},
        {"base64 of JSON without label", part("7bit", base64("{\n \"policies\": []\n}")),
         "1|application/octet-stream|||{/ \"policies\": []/}\n", "undeclared_base64@1"},
        {"base64 of XML with a byte order mark without label",
         part("", base64("\xEF\xBB\xBF<n:feedback/>")),
         "1|application/octet-stream|||\xEF\xBB\xBF<n:feedback/>\n", "undeclared_base64@1"},
        {"base64 of UTF-16 without label",
         part("", base64(std::string("\xFF\xFE<\0a\0b\0c\0d\0e\0f\0>\0", 18))),
         "1|application/octet-stream|||" + std::string("\xFF\xFE<\0a\0b\0c\0d\0e\0f\0>\0", 18) +
             "\n",
         "undeclared_base64@1"},
        {"base64 without label and a footer behind it",
         part("", base64("<?xml version=\"1.0\"?><a/>") + footer),
         "1|application/octet-stream|||<?xml version=\"1.0\"?><a/>\n",
         "undeclared_base64@1 base64_trailing@1"},
        {"words whose first letters are base64 of < and {",
         part("", "PLEASE example exit now then see all that follows below"),
         "1|application/octet-stream|||PLEASE example exit now then see all that follows below\n",
         ""},
        {"quoted-printable", part("quoted-printable", "a=3D=\nb=c3=A9=20 \n=\n"),
         "1|application/octet-stream|||a=b\xC3\xA9 /\n", ""},
        {"quoted-printable with stray equals sign", part("quoted-printable", "a=b=ZZ"),
         "1|application/octet-stream|||a=b=ZZ\n", "quoted_printable_lenient@1"},
        {"x-uuencode", part("x-uuencode", uu), "1|application/octet-stream|r.xml||" + kXml + "\n",
         ""},
        {"x-uuencode cut", part("x-uuencode", uu.substr(0, 40)), "1|application/octet-stream|||\n",
         "encoded_file_truncated@1"},
        {"labelled x-uuencode but plain", part("x-uuencode", kXml), row, "not_uuencode@1"},
        {"unknown encoding", part("8-bit", kXml), row, "transfer_encoding_unknown@1"},
        {"empty encoding", part("", kXml), row, ""},
    });
    SUBCASE("uuencode inside a text") {
        const auto message = unpack(kHead + "\nSee below.\n\n" + uu + "\nbye\n", kTestLimits);
        REQUIRE(message.has_value());
        REQUIRE(message->parts.size() == 2);
        CHECK(message->parts[1].section == "1.1");
        CHECK(message->parts[1].file_name == "r.xml");
        CHECK(message->parts[1].content == kXml);
        CHECK(codes(message->findings) == "uuencoded@1.1");
    }
    SUBCASE("text about uuencode") {
        const auto message = unpack(kHead + "\nbegin 644 the file\nand so on\n", kTestLimits);
        REQUIRE(message.has_value());
        CHECK(message->parts.size() == 1);
        CHECK(message->findings.empty());
    }
    SUBCASE("yEnc inside a text") {
        std::string encoded_line;
        for (const char c : kXml) {
            encoded_line.push_back(static_cast<char>(c + 42));
        }
        const auto message = unpack(
            kHead + "\n=ybegin line=128 size=21 name=r.xml\n" + encoded_line + "\n=yend size=21\n",
            kTestLimits);
        REQUIRE(message.has_value());
        REQUIRE(message->parts.size() == 2);
        CHECK(message->parts[1].content == kXml);
        CHECK(codes(message->findings) == "yenc@1.1");
    }
}

TEST_CASE("unpack: names and charsets of parts") {
    struct NameRow {
        const char* name;
        std::string header;
        std::string file_name;
        std::string charset;
    };
    const std::vector<NameRow> rows{
        {"disposition wins", "Content-Type: a/b; name=a\nContent-Disposition: x; filename=b\n", "b",
         ""},
        {"semicolon in a quoted name", "Content-Type: a/b; name=\"a;b.zip\"; charset=UTF-8\n",
         "a;b.zip", "utf-8"},
        {"RFC 2231",
         "Content-Disposition: attachment; filename*0*=utf-8''%e2%82%ac; filename*1=\"!a.zip\"\n",
         "\xE2\x82\xAC!a.zip", ""},
        {"RFC 2231 segments out of order",
         "Content-Disposition: attachment; filename*1=b; filename*0=a; filename*2=c\n", "abc", ""},
        {"RFC 2047 in quotes", "Content-Type: a/b; name=\"=?iso-8859-1?Q?=E4.xml?=\"\n",
         "\xC3\xA4.xml", ""},
        {"raw Latin-1", "Content-Type: a/b; name=\"\xE4.xml\"\n", "\xC3\xA4.xml", ""},
        {"folded name", "Content-Type: a/b;\n name=\"reporter.example!\n example.org.xml\"\n",
         "reporter.example! example.org.xml", ""},
    };
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            const auto message = unpack(row.header + "\nx", kTestLimits);
            REQUIRE(message.has_value());
            REQUIRE(message->parts.size() == 1);
            CHECK(message->parts[0].file_name == row.file_name);
            CHECK(message->parts[0].charset == row.charset);
        }
    }
}

std::string tnef_attribute(char level, std::uint32_t id, const std::string& data) {
    std::uint32_t sum = 0;
    for (const char c : data) {
        sum += static_cast<unsigned char>(c);
    }
    return std::string(1, level) + little_endian(id, 4) + little_endian(data.size(), 4) + data +
           little_endian(sum & 0xFFFFU, 2);
}

TEST_CASE("unpack: attachments wrapped in TNEF") {
    const std::string tnef = "\x78\x9F\x3E\x22" + little_endian(1, 2) +
                             tnef_attribute(1, 0x00078008, "IPM.Note") +
                             tnef_attribute(2, 0x00069002, std::string(14, '\0')) +
                             tnef_attribute(2, 0x00018010, std::string("r.xml\0", 6)) +
                             tnef_attribute(2, 0x0006800F, kXml);
    const std::string head =
        "Content-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: "
        "base64\n\n";
    SUBCASE("are taken out") {
        const auto message = unpack(head + base64(tnef), kTestLimits);
        REQUIRE(message.has_value());
        REQUIRE(message->parts.size() == 2);
        CHECK(message->parts[1].section == "1.1");
        CHECK(message->parts[1].file_name == "r.xml");
        CHECK(message->parts[1].content == kXml);
        CHECK(codes(message->findings) == "tnef@1");
    }
    SUBCASE("are a fault where they break off") {
        const auto message = unpack(head + base64(tnef.substr(0, tnef.size() - 3)), kTestLimits);
        REQUIRE(message.has_value());
        CHECK(codes(message->findings) == "tnef@1 tnef_broken@1");
    }
}

TEST_CASE("looks_like_message") {
    struct LookRow {
        const char* name;
        std::string bytes;
        bool expected;
    };
    const std::vector<LookRow> rows{
        {"Received field", "Received: from a.example\r\n", true},
        {"CR only", "Return-Path: <a@b.example>\rSubject: x\r\rbody", true},
        {"X field", "X-Anything:1\n", true},
        {"unknown field and another", "Thread-Topic: x\nSubject: y\n", true},
        {"unknown field and a fold", "Thread-Topic: x\n y\n", true},
        {"mbox", "From a@b.example Thu Jan  1\nSubject: x\n", true},
        {"leading empty lines", "\r\n\r\nSubject: x\r\n", true},
        {"byte order mark", "\xEF\xBB\xBFSubject: x\r\n", true},
        {"blank lines", " \r\n\t\r\nSubject: x\r\n", true},
        {"unknown field without blank", "List-Id:<x>\nFrom: a\nSubject: y\n\nz", true},
        {"field without colon first", "Return-path <a@b.example>\nFrom: a\nTo: b\n\nz", true},
        {"fold of nothing first", " (qmail 1 invoked)\nReceived: a\nDate: b\n\nz", true},
        {"two odd lines first", "one\ntwo\nFrom: a\nTo: b\n\nz", false},
        {"one known field among prose", "please note\nSubject: my news\nbye\n", false},
        {"known fields behind an empty line", "hello all\n\nFrom: a\nTo: b\n", false},
        {"known fields in XML", "<?xml version=\"1.0\"?>\nFrom: a\nTo: b\n", false},
        {"known fields in JSON", "{\nFrom: a\nTo: b\n}", false},
        {"nothing", "", false},
        {"line ends", "\r\n\r\n", false},
        {"XML", "<?xml version=\"1.0\"?>\n<a:b/>", false},
        {"JSON", "{\"a\": 1}", false},
        {"gzip", "\x1F\x8B\x08:", false},
        {"URL", "http://reporter.example/\nx: y\n", false},
        {"prose", "Note: this is\nsome text", false},
        {"prose that begins with From", "From here on\nall is text", false},
        {"no colon", "hello world", false},
        {"blank in the name", "Dear all: hi\n", false},
    };
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            CHECK(looks_like_message(row.bytes) == row.expected);
        }
    }
}

TEST_CASE("has_header_field") {
    struct FieldRow {
        const char* name;
        std::string bytes;
        bool expected;
    };
    const std::vector<FieldRow> rows{
        {"any field", "Foo:1\n\nx", true},
        {"behind an odd line", "hello all\nFoo:1\n\nx", true},
        {"behind an mbox line", "From a@b.example Thu Jan  1\nFoo:1\n\nx", true},
        {"nothing", "", false},
        {"text", "hello all\nthis is a text\n", false},
        {"behind an empty line", "hello all\n\nFoo:1\n", false},
        {"XML", "<?xml version=\"1.0\"?>\n<a:b>\n</a:b>", false},
        {"XML of one line", "<a:b/>", false},
        {"JSON", "{\"a\":1}", false},
    };
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            CHECK(has_header_field(row.bytes) == row.expected);
        }
    }
}

}  // namespace
}  // namespace dmarcbox::mime
