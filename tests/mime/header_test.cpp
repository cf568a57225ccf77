#include "mime/header.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "found.hpp"
#include "limits_for_tests.hpp"
#include "mail_builder.hpp"
#include "mime/charset.hpp"

namespace dmarcbox::mime {
namespace {

TEST_CASE("parse_header: one value decoded") {
    struct Row {
        const char* name;
        std::string raw;  ///< after "Subject:"
        std::string value;
        std::string findings;
    };
    const std::vector<Row> rows{
        {"plain", " Report Domain: example.org", "Report Domain: example.org", ""},
        {"empty", "", "", ""},
        {"folded with tab",
         " Report Domain: example.org\r\n\tSubmitter: a.example\r\n  Report-ID: x",
         "Report Domain: example.org Submitter: a.example Report-ID: x", ""},
        {"GB2312 means GB18030", " =?GB2312?B?u9i4tDrQu9C7o6E=?=", "回复:谢谢！", ""},
        {"Q encoding", " =?utf-8?Q?a=C3=A4_b?= c", "a\xC3\xA4 b c", ""},
        {"lower-case b and language", " =?UTF-8*de?b?w6Q=?=", "\xC3\xA4", ""},
        {"blanks between words vanish", " =?utf-8?Q?a?=\r\n =?utf-8?Q?b?=", "ab", ""},
        {"blanks between words and text stay", " =?utf-8?Q?a?= b =?utf-8?Q?c?=", "a b c", ""},
        {"character split between words",
         " =?utf-8?B?w6Q=?= =?utf-8?Q?=C3?=\n =?UTF-8?Q?=A4?=", "\xC3\xA4\xC3\xA4", ""},
        {"multi-byte character split in GB18030", " =?gb2312?Q?=BB?= =?gb2312?Q?=D8?=", "回", ""},
        {"ISO-2022-JP", " =?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=", "日本", ""},
        {"ISO-2022-JP in several words",
         " =?ISO-2022-JP?B?GyRCJDMkbCRPPUVNVyRKGyhC?=\r\n "
         "=?ISO-2022-JP?B?GyRCJCpDTiRpJDskRyQ5GyhC?=",
         "これは重要なお知らせです", ""},
        {"ISO-2022-JP cut inside of a run",
         " =?ISO-2022-JP?B?GyRCJDMkbCRPPUU=?=\r\n =?ISO-2022-JP?B?TVckSiQqQ04kaSQ7JEckORsoQg==?=",
         "これは重要なお知らせです", ""},
        {"HZ in several words", " =?HZ-GB-2312?Q?~{VP~}?= =?HZ-GB-2312?Q?~{ND~}?=", "中文", ""},
        {"UTF-16 in several words", " =?UTF-16?B?//5HAHIA/AA=?= =?UTF-16?B?//7fAGUA?=", "Grüße",
         ""},
        {"windows-1250", " =?windows-1250?Q?=9Alu=9D?=", "\xC5\xA1lu\xC5\xA5", ""},
        {"word inside a quoted string", " \"=?utf-8?Q?a?=\" <a@b.example>", "\"a\" <a@b.example>",
         ""},
        {"word that touches text", " x=?utf-8?Q?a?=y", "xay", ""},
        {"blank inside a word", " =?utf-8?Q?a b?=", "a b", ""},
        {"base64 without padding", " =?utf-8?B?YWI?=", "ab", ""},
        {"not a word",
         " =?utf-8?X?a?= =?x =?utf-8?B?a!b?=", "=?utf-8?X?a?= =?x =?utf-8?B?a!b?=", ""},
        {"unknown charset", " =?x-nonsense?Q?a=E4?=", "a\xC3\xA4", "charset_unknown"},
        {"raw UTF-8", " \xC3\xA4", "\xC3\xA4", "raw_8bit"},
        {"raw Latin-1", " gr\xFC\xDF", "gr\xC3\xBC\xC3\x9F", "raw_8bit"},
        {"raw ISO-2022-JP", " \x1b$B=EMW\x1b(B raw", "重要 raw", "raw_8bit"},
        {"raw ISO-2022-JP beside a word", " =?utf-8?Q?a?= \x1b$B=EMW\x1b(B", "a 重要", "raw_8bit"},
        {"raw half-width katakana", " \x1b(I1\x1b(B", "ｱ", "raw_8bit"},
        {"raw ISO-2022-KR", " \x1b$)C\x0e\x30\x21\x0f", "가", "raw_8bit"},
        {"raw escape of no charset", " a\x1b[1mb", "a\x1b[1mb", ""},
        {"NUL", std::string(" a\0b", 4),
         "a\xEF\xBF\xBD"
         "b",
         ""},
        {"invalid in its charset", " =?utf-8?Q?a=FFb?=",
         "a\xEF\xBF\xBD"
         "b",
         ""},
    };
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            const Header header =
                parse_header("Subject:" + row.raw + "\r\nTo: x\r\n\r\nbody: no\r\n", kTestLimits);
            REQUIRE(header.fields.size() == 2);
            CHECK(header.fields[0].name == "Subject");
            CHECK(header.fields[0].value == row.value);
            CHECK(header.fields[0].raw == row.raw);
            CHECK(codes(header.findings) == row.findings);
            CHECK(header.find("SUBJECT") == &header.fields[0]);
            CHECK(header.find("body") == nullptr);
        }
    }
}

/// name=value of each field, one a line.
std::string listed_fields(const Header& header) {
    std::string out;
    for (const Field& field : header.fields) {
        out += field.name + "=" + field.value + "\n";
    }
    return out;
}

TEST_CASE("parse_header: which lines are fields") {
    struct Row {
        const char* name;
        std::string block;
        std::string fields;
        std::string findings;
    };
    const std::vector<Row> rows{
        {"none", "", "", ""},
        {"order and repeats", "A: 1\nB: 2\nA: 3\n", "A=1\nB=2\nA=3\n", ""},
        {"no final line end", "A: 1\nB: 2", "A=1\nB=2\n", ""},
        {"empty lines in front", "\r\n\nA: 1\n", "A=1\n", ""},
        {"lines of blanks in front", " \r\n\t\nA: 1\n", "A=1\n", ""},
        {"ends at the empty line", "A: 1\n\nB: 2\n", "A=1\n", ""},
        {"ends at a line of white space", "A: 1\n \t\nB: 2\n", "A=1\n", ""},
        {"CR", "A: 1\r 2\rB: 2\r\rC: 3", "A=1 2\nB=2\n", ""},
        {"CR CR LF", "A: 1\r\r\nB: 2\r\r\n\r\r\nC: 3", "A=1\nB=2\n", ""},
        {"blank in front of the colon", "A : 1\n", "A=1\n", ""},
        {"empty name", ": 1\nA: 2\n", "A=2\n", "header_garbage"},
        {"stray line", "A: 1\nstray\nB: 2\n", "A=1\nB=2\n", "header_garbage"},
        {"stray line with a fold", ">From x\nA: 1\ny z: 1\nB: 2\n", "A=1\nB=2\n", "header_garbage"},
        {"fold of nothing", " fold\nA: 1\n", "A=1\n", "header_garbage"},
        {"8-bit name", "\xC3\xA4: 1\nA: 2\n", "A=2\n", "header_garbage"},
        {"two stray lines begin the body", "A: 1\nstray\nmore\nB: 2\n", "A=1\n", ""},
        {"raw 8-bit in the type and in a parameter's name", "Content-Type: \xE4/b; \xE4*=1\n",
         "Content-Type=ä/b; ä=\"1\"\n", ""},
        {"RFC 2231 parameter", "Content-Type: a/b; name*=utf-8''%C3%A4\n",
         "Content-Type=a/b; name=\"\xC3\xA4\"\n", ""},
    };
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            const Header header = parse_header(row.block, kTestLimits);
            CHECK(listed_fields(header) == row.fields);
            CHECK(codes(header.findings) == row.findings);
        }
    }
}

TEST_CASE("parse_header: caps") {
    Limits limits = kTestLimits;
    SUBCASE("field longer than max_field_bytes") {
        limits.max_field_bytes = 10;
        const Header header = parse_header("A: 123456789012345\nB: 2\n", limits);
        CHECK(listed_fields(header) == "A=123456789\nB=2\n");
        CHECK(codes(header.findings) == "field_cut");
    }
    SUBCASE("more than max_header_fields") {
        limits.max_header_fields = 2;
        const Header header = parse_header("A: 1\nB: 2\nC: 3\n", limits);
        CHECK(listed_fields(header) == "A=1\nB=2\n");
        CHECK(codes(header.findings) == "fields_cut");
    }
    SUBCASE("longer than max_header_bytes") {
        limits.max_header_bytes = 10;
        const Header header = parse_header("A: 1\nB: 2\nC: 3\n", limits);
        CHECK(listed_fields(header) == "A=1\nB=2\n");
        CHECK(codes(header.findings) == "header_cut");
    }
    SUBCASE("value longer than max_text_bytes is cut on a character") {
        limits.max_text_bytes = 4;
        const Header header = parse_header("A: =?utf-8?Q?abc=C3=A4?=\n", limits);
        CHECK(listed_fields(header) == "A=abc\n");
        CHECK(codes(header.findings) == "cut");
    }
}

TEST_CASE("parse_parameterized") {
    struct Row {
        const char* name;
        std::string raw;
        std::string value;
        std::string parameters;
    };
    const std::vector<Row> rows{
        {"empty", "", "", ""},
        {"type only", " Text/Plain ", "text/plain", ""},
        {"token and quoted", "a/b; X=1; y=\"two; 2\"", "a/b", "x=1|y=two; 2|"},
        {"escapes", "a/b; x=\"q\\\"\\\\\"", "a/b", "x=q\"\\|"},
        {"unclosed quote", "a/b; x=\"abc", "a/b", "x=abc|"},
        {"unclosed comment", "a/b; x=1 (abc", "a/b", "x=1 (abc|"},
        {"comments", "(c(n)) a/b (x); x=us-ascii (Plain text); (y) z=1", "a/b", "x=us-ascii|z=1|"},
        {"blanks around equals sign", "a/b; x = 1 ;y= \"2\"", "a/b", "x=1|y=2|"},
        {"missing semicolon after a quoted value", "a/b; x=\"1\" y=2", "a/b", "x=1|y=2|"},
        {"empty parameters", "a/b;;; ; x=1;", "a/b", "x=1|"},
        {"no value", "a/b; x; y=; z=1", "a/b", "y=|z=1|"},
        {"unquoted value with blanks", "a/b; name=my report.xml", "a/b", "name=my report.xml|"},
        {"blank inside the type", "multipart / mixed; boundary=b", "multipart/mixed",
         "boundary=b|"},
        {"first of repeated parameters", "a/b; x=1; X=2", "a/b", "x=1|"},
        {"extended form wins", "a/b; x=1; x*=utf-8''%C3%A4", "a/b", "x=\xC3\xA4|"},
        {"extended without charset", "a/b; x*=''%41", "a/b", "x=A|"},
        {"extended without quotes", "a/b; x*=%41", "a/b", "x=A|"},
        {"extended in an unknown charset", "a/b; x*=x-none''%E4", "a/b", "x=\xC3\xA4|"},
        {"segments mixed", "a/b; x*0*=iso-8859-1''%E4; x*1=%41; x*2*=%41", "a/b",
         "x=\xC3\xA4%41A|"},
        {"more than ten segments in any order",
         "a/b; x*10=k; x*0=a; x*1=b; x*2=c; x*3=d; x*4=e; x*5=f; x*6=g; x*7=h; x*8=i; x*9=j", "a/b",
         "x=abcdefghijk|"},
    };
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            const ParameterizedValue parsed = parse_parameterized(row.raw);
            std::string parameters;
            for (const Parameter& parameter : parsed.parameters) {
                parameters += parameter.name + "=" + parameter.value + "|";
            }
            CHECK(parsed.value == row.value);
            CHECK(parameters == row.parameters);
            CHECK(parsed.parameter("nothing").empty());
        }
    }
}

}  // namespace
}  // namespace dmarcbox::mime
