#include "mime/charset.hpp"

#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

#include "found.hpp"

namespace dmarcbox::mime {
namespace {

using std::string_literals::operator""s;

TEST_CASE("is_utf8") {
    struct Row {
        const char* name;
        std::string bytes;
        bool expected;
    };
    const std::vector<Row> rows{
        {"empty", "", true},
        {"ASCII of more than a word", "abcdefghijklmnop", true},
        {"two three and four bytes", "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", true},
        {"last code point", "\xF4\x8F\xBF\xBF", true},
        {"NUL", "\0"s, true},
        {"lone tail", "abcdefgh\x80", false},
        {"cut at the end", "a\xE2\x82", false},
        {"overlong two", "\xC0\xAF", false},
        {"overlong three", "\xE0\x80\xAF", false},
        {"overlong four", "\xF0\x80\x80\xAF", false},
        {"surrogate", "\xED\xA0\x80", false},
        {"above U+10FFFF", "\xF4\x90\x80\x80", false},
        {"five bytes", "\xF8\x88\x80\x80\x80", false},
    };
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            CHECK(is_utf8(row.bytes) == row.expected);
        }
    }
}

TEST_CASE("guess_utf8") {
    struct Row {
        const char* name;
        std::string bytes;
        std::string expected;
    };
    const std::vector<Row> rows{
        {"ASCII", "abc", "abc"},
        {"valid", "\xC3\xA4", "\xC3\xA4"},
        {"Latin-1", "gr\xFC\xDF", "gr\xC3\xBC\xC3\x9F"},
        {"windows-1252 quotes", "\x93x\x94", "\xE2\x80\x9Cx\xE2\x80\x9D"},
        {"hole of windows-1252", "a\x81", "a\xEF\xBF\xBD"},
        {"stray byte beside valid sequences", "\xC3\xA4\xFF", "\xC3\xA4\xEF\xBF\xBD"},
        {"NUL", "a\0b\0"s,
         "a\xEF\xBF\xBD"
         "b\xEF\xBF\xBD"},
        {"NUL and Latin-1", "\0\xFC"s, "\xEF\xBF\xBD\xC3\xBC"},
    };
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            CHECK(guess_utf8(row.bytes) == row.expected);
            CHECK(is_utf8(guess_utf8(row.bytes)));
        }
    }
}

TEST_CASE("to_utf8: labels mean what mail means by them") {
    struct Row {
        const char* name;
        std::string bytes;
        std::string label;
        std::string expected;
    };
    const std::vector<Row> rows{
        {"gb2312 is GB18030", "\xBB\xD8\x81\x40", "GB2312", "回丂"},
        {"gbk", "\xBB\xD8", "gbk", "回"},
        {"iso-8859-1 is windows-1252", "\x80", "ISO-8859-1", "€"},
        {"us-ascii is windows-1252", "a\xE4", "us-ascii", "aä"},
        {"ks_c_5601-1987 is windows-949", "\xB0\xA1\x81\x41", "ks_c_5601-1987", "가갂"},
        {"shift_jis is windows-31j", "\x87\x40", "Shift_JIS", "①"},
        {"iso-8859-2", "\xB9", "iso-8859-2", "š"},
        {"koi8-r", "\xC1", "KOI8-R", "а"},
        {"big5", "\xA4\x40", "big5", "一"},
        {"euc-jp", "\xC6\xFC", "euc-jp", "日"},
        {"utf-8", "ä", "UTF8", "ä"},
        {"invalid utf-8 is replaced and not guessed", "\xE4", "utf-8", "\xEF\xBF\xBD"},
        {"utf-16 with mark", "\xFF\xFE\xE4\0"s, "utf-16", "ä"},
        {"utf-7", "+AOQ-", "utf-7", "ä"},
        {"quotes and blanks around the label", "\xE4", " \"iso-8859-1\" ", "ä"},
        {"NUL", "a\0"s, "iso-8859-1", "a\xEF\xBF\xBD"},
        {"empty", "", "koi8-r", ""},
    };
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            const auto text = to_utf8(row.bytes, row.label);
            REQUIRE(text.has_value());
            CHECK(*text == row.expected);
        }
    }
    for (const char* label : {"", "x-unknown", "../../etc/passwd", "utf-8\n", "?"}) {
        CAPTURE(label);
        CHECK(to_utf8("a", label).has_value() == (std::string_view(label) == "utf-8\n"));
    }
}

TEST_CASE("to_utf8: a character across the converter's buffer stays whole") {
    std::string bytes;
    std::string expected;
    for (int i = 0; i < 20000; ++i) {
        bytes += i % 3 == 0 ? "a" : "\xBB\xD8";
        expected += i % 3 == 0 ? "a" : "回";
    }
    CHECK(to_utf8(bytes, "gb18030") == expected);
}

TEST_CASE("to_utf8: every byte pair in every charset gives valid UTF-8") {
    for (const char* label : {"gb2312", "big5", "shift_jis", "euc-kr", "euc-jp", "iso-2022-jp",
                              "utf-7", "utf-16", "utf-8", "windows-1252", "hz-gb-2312"}) {
        std::string bytes;
        for (int high = 0; high < 256; ++high) {
            for (int low = 0; low < 256; low += 5) {
                bytes.push_back(static_cast<char>(high));
                bytes.push_back(static_cast<char>(low));
            }
        }
        const auto text = to_utf8(bytes, label);
        CAPTURE(label);
        REQUIRE(text.has_value());
        CHECK(is_utf8(*text));
        CHECK(text->find('\0') == std::string::npos);
    }
}

TEST_CASE("to_utf8: each thread has its own converters") {
    std::vector<std::thread> threads;
    std::vector<int> good(4, 0);
    for (std::size_t t = 0; t < good.size(); ++t) {
        threads.emplace_back([&good, t] {
            for (int i = 0; i < 500; ++i) {
                good[t] += to_utf8("\xBB\xD8", i % 2 == 0 ? "gb2312" : "gbk") == "回";
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(good == std::vector<int>(4, 500));
}

std::string utf16(std::string_view ascii, bool big_endian) {
    std::string out;
    for (const char c : ascii) {
        out += big_endian ? std::string{'\0', c} : std::string{c, '\0'};
    }
    return out;
}

TEST_CASE("document_to_utf8") {
    struct Row {
        const char* name;
        std::string bytes;
        std::string expected;
        std::string findings;
    };
    const std::string declared = "<?xml version=\"1.0\" encoding=\"";
    const auto blanked = [](std::size_t label_size, const std::string& rest) {
        return "<?xml version=\"1.0\" " + std::string(label_size + 11, ' ') + "?>" + rest;
    };
    const std::vector<Row> rows{
        {"plain", "<a/>", "<a/>", ""},
        {"UTF-8 declared", declared + "utf-8\"?><a>ä</a>", declared + "utf-8\"?><a>ä</a>", ""},
        {"byte order mark", "\xEF\xBB\xBF<a/>", "<a/>", ""},
        {"JSON with byte order mark", "\xEF\xBB\xBF{}", "{}", ""},
        {"UTF-16LE with mark", "\xFF\xFE" + utf16("<a>\xE4</a>", false), "<a>ä</a>", "utf16@2"},
        {"UTF-16BE with mark", "\xFE\xFF" + utf16("<a/>", true), "<a/>", "utf16@2"},
        {"UTF-16LE without mark", utf16("<a/>", false), "<a/>", "utf16@2"},
        {"UTF-16BE without mark", utf16("\r\n {}", true), "\r\n {}", "utf16@2"},
        {"UTF-16 that declares itself",
         "\xFF\xFE" + utf16("<?xml version=\"1.0\" encoding=\"utf-16\"?><a/>", false),
         blanked(6, "<a/>"), "utf16@2"},
        {"UTF-32", "\xFF\xFE\0\0<\0\0\0"s, "<", "utf16@2"},
        {"UTF-16 declared but UTF-8", declared + "utf-16\"?><a>ä</a>", blanked(6, "<a>ä</a>"),
         "charset_wrong@2"},
        {"windows-1252 declared", declared + "windows-1252\"?><a>\x80\xE4</a>",
         blanked(12, "<a>€ä</a>"), ""},
        {"ISO-8859-2 in single quotes", "<?xml version='1.0' encoding='ISO-8859-2' ?><a>\xB9</a>",
         "<?xml version='1.0' " + std::string(21, ' ') + " ?><a>š</a>", ""},
        {"Latin-1 declared but UTF-8", declared + "iso-8859-1\"?><a>ä</a>", blanked(10, "<a>ä</a>"),
         "charset_wrong@2"},
        {"ASCII declared but Latin-1", declared + "us-ascii\"?><a>\xE4</a>", blanked(8, "<a>ä</a>"),
         "charset_wrong@2 not_utf8@2"},
        {"GBK declared", declared + "gbk\"?><a>\xBB\xD8</a>", blanked(3, "<a>回</a>"), ""},
        {"KOI8-R declared but UTF-8", declared + "koi8-r\"?><a>é</a>", blanked(6, "<a>é</a>"),
         "charset_wrong@2"},
        {"KOI8-R declared", declared + "koi8-r\"?><a>\xF0\xCF\xDE\xD4\xC1</a>",
         blanked(6, "<a>Почта</a>"), ""},
        {"Shift_JIS declared but UTF-8 inside of a word", declared + "Shift_JIS\"?><a>Müller</a>",
         blanked(9, "<a>Müller</a>"), "charset_wrong@2"},
        {"GB2312 declared but UTF-8 of three characters", declared + "gb2312\"?><a>é è à</a>",
         blanked(6, "<a>é è à</a>"), "charset_wrong@2"},
        {"GB2312 declared but Chinese in UTF-8", declared + "gb2312\"?><a>网易</a>",
         blanked(6, "<a>网易</a>"), "charset_wrong@2"},
        {"ISO-2022-JP declared but UTF-8", declared + "iso-2022-jp\"?><a>é</a>",
         blanked(11, "<a>é</a>"), "charset_wrong@2"},
        {"GB2312 of one character that is UTF-8 too", declared + "gb2312\"?><a>\xC3\xB6</a>",
         blanked(6, "<a>枚</a>"), ""},
        {"Shift_JIS of half-width katakana that is UTF-8 too",
         declared + "Shift_JIS\"?><a>\xC3\xBD\xC4\xB1</a>", blanked(9, "<a>ﾃｽﾄｱ</a>"), ""},
        {"Shift_JIS declared", declared + "Shift_JIS\"?><a>\x93\xFA\x96\x7B</a>",
         blanked(9, "<a>日本</a>"), ""},
        {"unknown charset declared", declared + "x-none\"?><a>\xE4</a>", blanked(6, "<a>ä</a>"),
         "charset_unknown@2 not_utf8@2"},
        {"undeclared Latin-1", "<a>\xE4</a>", "<a>ä</a>", "not_utf8@2"},
        {"UTF-8 declared but Latin-1", declared + "UTF-8\"?><a>\xE4</a>",
         declared + "UTF-8\"?><a>ä</a>", "not_utf8@2"},
        {"stray byte", "<a>ä\xFF</a>", "<a>ä\xEF\xBF\xBD</a>", "not_utf8@2"},
        {"NUL", "<a>\0</a>"s, "<a>\xEF\xBF\xBD</a>", "nul_bytes@2"},
        {"declaration behind junk", "junk\n" + declared + "windows-1252\"?><a>\x80</a>",
         "junk\n" + blanked(12, "<a>€</a>"), ""},
        {"declaration that never ends", declared + "windows-1252\"<a>",
         declared + "windows-1252\"<a>", ""},
        {"empty", "", "", ""},
        {"one byte", "<", "<", ""},
    };
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            Findings findings;
            CHECK(document_to_utf8(row.bytes, "2", findings) == row.expected);
            CHECK(codes(findings) == row.findings);
        }
    }
}

}  // namespace
}  // namespace dmarcbox::mime
