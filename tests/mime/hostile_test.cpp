#include <doctest/doctest.h>

#include <ctime>
#include <functional>
#include <string>

#include "archive_builder.hpp"
#include "found.hpp"
#include "limits_for_tests.hpp"
#include "mime/charset.hpp"
#include "mime/decompress.hpp"
#include "mime/finding_codes.hpp"
#include "mime/header.hpp"
#include "mime/unpack.hpp"

namespace dmarcbox::mime {
namespace {

/// CPU time of this process. Each input below takes minutes where any step is quadratic.
double cpu_seconds(const std::function<void()>& work) {
    const std::clock_t start = std::clock();
    work();
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

constexpr double kEnough = 4.0;  // also with sanitizers on a slow machine

std::string repeat(std::string_view text, std::size_t times) {
    std::string out;
    out.reserve(text.size() * times);
    for (std::size_t i = 0; i < times; ++i) {
        out += text;
    }
    return out;
}

std::string code_of(const tl::expected<Message, Finding>& result) {
    return result ? "taken" : std::string(result.error().code.code);
}

TEST_CASE("hostile mail: refused or taken in time") {
    struct Row {
        const char* name;
        std::function<std::string()> make;
        std::string expected;
    };
    const auto rows = std::vector<Row>{
        {"200000 nested multiparts",
         [] {
             std::string mail;
             for (int i = 0; i < 200000; ++i) {
                 const std::string b = std::to_string(i);
                 mail += "Content-Type: multipart/mixed; boundary=" + b + "\n\n--" + b + "\n";
             }
             return mail;
         },
         "parts_too_deep"},
        {"200000 nested multiparts of one boundary",
         [] { return repeat("Content-Type: multipart/mixed; boundary=b\n\n--b\n", 200000); },
         "parts_too_deep"},
        {"200000 nested messages",
         [] { return repeat("Content-Type: message/rfc822\n\n", 200000); }, "parts_too_deep"},
        {"messages in base64 in messages in base64",
         [] {
             std::string mail = "Subject: innermost\n\nx";
             for (int i = 0; i < 30; ++i) {
                 mail = "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" +
                        base64(mail);
             }
             return mail;
         },
         "taken"},
        {"1000000 header lines", [] { return repeat("A: b\r\n", 1000000); }, "header_too_big"},
        {"1000000 header lines in a part",
         [] {
             return "Content-Type: multipart/mixed; boundary=b\n\n--b\n" +
                    repeat("A: b\n", 1000000);
         },
         "header_too_big"},
        {"20 MB header line", [] { return "Subject: " + std::string(20000000, 'x') + "\r\n\r\n"; },
         "header_too_big"},
        {"10 MB of CR", [] { return std::string(10000000, '\r'); }, "taken"},
        {"10 MB of LF", [] { return std::string(10000000, '\n'); }, "taken"},
        {"10 MB of hyphens behind a multipart header",
         [] {
             return "Content-Type: multipart/mixed; boundary=b\n\n" + std::string(10000000, '-');
         },
         "taken"},
        {"hyphen lines",
         [] {
             return "Content-Type: multipart/mixed; boundary=b\n\n--b\n" + repeat("--\n", 400000);
         },
         "taken"},
        {"hyphen lines in a body",
         [] {
             return "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n" + repeat("--\n", 400000);
         },
         "taken"},
        {"1000000 parts",
         [] {
             return "Content-Type: multipart/mixed; boundary=b\n\n" + repeat("--b\n\nx\n", 1000000);
         },
         "too_many_parts"},
        {"900 parts of big headers",
         [] {
             const std::string part =
                 "--b\nContent-Type: text/plain; " + repeat("a=b;", 4000) + "\n\nx\n";
             return "Content-Type: multipart/mixed; boundary=b\n\n" + repeat(part, 900);
         },
         "taken"},
        {"300 parts of many header lines",
         [] {
             const std::string part = "--b\n" + repeat("a:\n", 10000) + "\nx\n";
             return "Content-Type: multipart/mixed; boundary=b\n\n" + repeat(part, 300);
         },
         "taken"},
        {"18 levels of the longest boundary over lines that nearly match",
         [] {
             const std::string boundary(60000, '-');
             std::string mail;
             for (int i = 0; i < 18; ++i) {
                 const std::string b = boundary + std::to_string(i);
                 mail += "Content-Type: multipart/mixed; boundary=" + b + "\n\n--" + b + "\n";
             }
             return mail + "\n" + repeat(boundary + "\n", 100);
         },
         "taken"},
        {"garbage lines with CR only", [] { return repeat("x\ra:\r", 1000000); }, "header_too_big"},
        {"2 MB of base64 equals signs",
         [] { return "Content-Transfer-Encoding: base64\n\n" + std::string(2000000, '='); },
         "taken"},
        {"5 MB of quoted-printable equals signs and blanks",
         [] {
             return "Content-Transfer-Encoding: quoted-printable\n\n" + std::string(2500000, '=') +
                    "=" + std::string(2500000, ' ');
         },
         "taken"},
        {"uuencode begin lines", [] { return "\n\n" + repeat("begin 644 a\n", 100000); }, "taken"},
        {"NUL bytes", [] { return std::string(5000000, '\0'); }, "taken"},
    };
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            const std::string mail = row.make();
            std::string outcome;
            const double seconds =
                cpu_seconds([&] { outcome = code_of(unpack(mail, kTestLimits)); });
            CHECK(outcome == row.expected);
            INFO(seconds << " s");
            CHECK(seconds < kEnough);
        }
    }
}

TEST_CASE("hostile mail: nested copies of attached messages stay bounded") {
    std::string mail;
    for (int i = 0; i < 18; ++i) {
        mail += "Content-Type: message/rfc822\n\n";
    }
    mail += "Subject: innermost\n\n" + std::string(1000000, 'x');
    const auto message = unpack(mail, kTestLimits);
    REQUIRE(message.has_value());
    std::size_t bytes = 0;
    for (const Part& part : message->parts) {
        bytes += part.content.size();
    }
    CHECK(message->parts.size() == 19);
    CHECK(message->parts.back().content.size() == 1000000);
    CHECK(bytes < 4 * mail.size());
    CHECK(codes(message->findings).find("copy_dropped") != std::string::npos);
}

TEST_CASE("hostile mail: attached messages encoded again and again stay bounded") {
    std::string mail;
    for (int i = 0; i < 18; ++i) {
        mail += "Content-Type: message/rfc822\nContent-Transfer-Encoding: quoted-printable\n\n";
    }
    mail += "Subject: innermost\n\n" + std::string(1000000, 'x');
    const auto message = unpack(mail, kTestLimits);
    REQUIRE(message.has_value());
    CHECK(message->parts.size() == 3);
    CHECK(codes(message->findings).find("attached_too_big@1.1.1") != std::string::npos);
}

TEST_CASE("hostile header: values that could take quadratic time") {
    Limits limits = kTestLimits;
    limits.max_header_bytes = limits.max_field_bytes = limits.max_text_bytes = 1000000;
    struct Row {
        const char* name;
        std::string_view start;
        std::string_view repeated;
    };
    const std::vector<Row> rows{
        {"words that never end", "", "=?a?q?"},
        {"beginnings of words", "", "=?"},
        {"question marks", "", "?"},
        {"empty words", "", "=?a?q?\?="},
        {"words of changing charset", "", "=?utf-8?q?a?= =?koi8-r?q?a?= "},
        {"open comments", "", "("},
        {"open quotes and backslashes", "a/b; x=\"", "\\"},
        {"parameters", "a/b;", "a=b;"},
        {"segments", "a/b;", "a*1=b;"},
        {"folds", "", "\n "},
    };
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            const std::string value =
                std::string(row.start) + repeat(row.repeated, 990000 / row.repeated.size());
            const double seconds = cpu_seconds([&] {
                const Header header = parse_header("Subject: " + value + "\n", limits);
                for (const Field& field : header.fields) {
                    CHECK(is_utf8(field.value));
                }
                static_cast<void>(parse_parameterized(value));
            });
            INFO(seconds << " s");
            CHECK(seconds < kEnough);
        }
    }
}

TEST_CASE("hostile archive: 1000 members of a gzip and of a zip in time") {
    std::vector<ZipMember> members;
    std::string gzipped;
    for (int i = 0; i < 1000; ++i) {
        members.push_back({std::to_string(i) + ".xml", "<a/>"});
        gzipped += gzip("<a/>");
    }
    std::size_t documents = 0;
    Findings findings;
    const double seconds = cpu_seconds([&] {
        for (const std::string& packed : {zip(members), gzipped}) {
            decompress(
                {"1", "", packed}, kTestLimits, {}, [&](const Document&) { ++documents; },
                findings);
        }
    });
    CHECK(documents == 1001);
    CHECK(codes(findings) == "gzip_members@1");
    CHECK(seconds < kEnough);
}

TEST_CASE("hostile findings: a fault is kept though the list is full") {
    Findings findings;
    for (std::size_t i = 0; i < kMaxFindings; ++i) {
        add_finding(findings, kEmpty, "1");
    }
    add_finding(findings, kTooManyMembers, "1");
    add_finding(findings, kTruncated, "1");
    REQUIRE(findings.size() == kMaxFindings);
    CHECK(findings.back().code.code == "too_many_members");
}

TEST_CASE("hostile archive: a directory of a million entries is not read") {
    const ZipMember member{"a.xml", "<a/>", 0};
    std::string archive = zip({member});
    const std::size_t at = archive.find("PK\x01\x02");
    const std::string entry = archive.substr(at, archive.rfind("PK\x05\x06") - at);
    std::string entries;
    for (int i = 0; i < 100'000; ++i) {
        entries += entry;
    }
    archive.insert(at, entries);
    Findings findings;
    const double seconds = cpu_seconds([&] {
        decompress(
            {"1", "", archive}, kTestLimits, {}, [](const Document&) {}, findings);
    });
    CHECK(codes(findings) == "too_many_members@1");
    CHECK(seconds < 0.1);
}

TEST_CASE("hostile findings: their number and size stay bounded") {
    std::vector<ZipMember> members;
    for (int i = 0; i < 1000; ++i) {
        members.push_back({std::string(3000, '\xE4') + std::to_string(i), "", 0});
    }
    Findings findings;
    decompress(
        {"1", "", zip(members)}, kTestLimits, {}, [](const Document&) {}, findings);
    CHECK(findings.size() == kMaxFindings);
    for (const Finding& finding : findings) {
        CHECK(finding.part.size() <= 400);
        CHECK(finding.detail.size() <= 200);
        CHECK(is_utf8(finding.part));
    }
}

}  // namespace
}  // namespace dmarcbox::mime
