#include "server/terminal.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string_view>

using namespace dmarcbox;

TEST_CASE("terminal: what could command a terminal becomes visible") {
    struct Row {
        const char* name;
        std::string_view text;
        std::string_view shown;
    };
    const auto rows = std::to_array<Row>({
        {"plain ASCII stays", "Reporter Inc", "Reporter Inc"},
        {"UTF-8 stays", "回复:谢谢！ Größe", "回复:谢谢！ Größe"},
        {"escape sequence", "\x1b[31mred", "\\u{1b}[31mred"},
        {"line feed and tab", "a\nb\tc", "a\\u{0a}b\\u{09}c"},
        {"NUL", std::string_view("a\0b", 3), "a\\u{00}b"},
        {"DEL", "a\x7f", "a\\u{7f}"},
        {"C1 as UTF-8",
         "a\xc2\x9b"
         "31m",
         "a\\u{9b}31m"},
        {"C1 as a raw byte",
         "a\x9b"
         "31m",
         "a\\x{9b}31m"},
        {"line separator",
         "a\xe2\x80\xa8"
         "b",
         "a\\u{2028}b"},
        {"right-to-left override",
         "a\xe2\x80\xae"
         "b",
         "a\\u{202e}b"},
        {"isolate", "\xe2\x81\xa6x\xe2\x81\xa9", "\\u{2066}x\\u{2069}"},
        {"right-to-left mark", "\xe2\x80\x8f", "\\u{200f}"},
        {"Arabic letter mark", "\xd8\x9c", "\\u{61c}"},
        {"tag characters", "\xf3\xa0\x81\x81", "\\u{e0041}"},
        {"lead byte at the end", "a\xe2\x80", "a\\x{e2}\\x{80}"},
        {"overlong slash", "\xc0\xaf", "\\x{c0}\\x{af}"},
        {"surrogate", "\xed\xa0\x80", "\\x{ed}\\x{a0}\\x{80}"},
        {"above U+10FFFF", "\xf4\x90\x80\x80", "\\x{f4}\\x{90}\\x{80}\\x{80}"},
    });
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            CHECK(escape_for_terminal(row.text) == row.shown);
        }
    }
}

TEST_CASE("csv cell: formulas and separators are harmless") {
    struct Row {
        const char* name;
        std::string_view text;
        std::string_view cell;
    };
    const auto rows = std::to_array<Row>({
        {"plain", "example.org", "example.org"},
        {"empty", "", ""},
        {"equals", "=HYPERLINK(1)", "'=HYPERLINK(1)"},
        {"plus", "+1", "'+1"},
        {"minus", "-2+3", "'-2+3"},
        {"at", "@SUM(1)", "'@SUM(1)"},
        {"tab in front", "\t=1", "'\\u{09}=1"},
        {"carriage return in front", "\r=1", "'\\u{0d}=1"},
        {"comma", "a,b", "\"a,b\""},
        {"quote", "a\"b", "\"a\"\"b\""},
        {"formula with quote", "=\"x\"", "\"'=\"\"x\"\"\""},
        {"line feed cannot make a row", "a\nb", "a\\u{0a}b"},
        {"blank at the end", "a ", "\"a \""},
    });
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            CHECK(escape_for_csv(row.text) == row.cell);
        }
    }
}

TEST_CASE("html text: markup and direction are harmless") {
    CHECK(escape_for_html("<script>alert('x') & \"y\"</script>") ==
          "<bdi>&lt;script&gt;alert(&#39;x&#39;) &amp; &quot;y&quot;&lt;/script&gt;</bdi>");
    CHECK(escape_for_html("a\xe2\x80\xae"
                          "b",
                          false) == "a\\u{202e}b");
    CHECK(escape_for_html("\xff<", false) == "\\x{ff}&lt;");
}

TEST_CASE("terminal: a shell word is quoted only where it must be") {
    struct Row {
        const char* text;
        const char* word;
    };
    const auto rows = std::to_array<Row>({
        {"/var/lib/dmarcbox/dmarcbox.db", "/var/lib/dmarcbox/dmarcbox.db"},
        {"", "''"},
        {"two words.db", "'two words.db'"},
        {"$HOME/x", "'$HOME/x'"},
        {"it's", "'it'\\''s'"},
        {"a\nb", "'a\nb'"},
    });
    for (const auto& row : rows) {
        CHECK(shell_word(row.text) == row.word);
    }
}

TEST_CASE("terminal: numbers have commas") {
    CHECK(with_commas(0) == "0");
    CHECK(with_commas(999) == "999");
    CHECK(with_commas(1000) == "1,000");
    CHECK(with_commas(1102418) == "1,102,418");
    CHECK(with_commas(-12345) == "-12,345");
    CHECK(with_commas(-123) == "-123");
    CHECK(with_commas(INT64_MIN) == "-9,223,372,036,854,775,808");
}

TEST_CASE("terminal: columns are counted as shown") {
    use_locale();
    CHECK(columns_of("abc") == 3);
    CHECK(columns_of("Größe") == 5);
    CHECK(columns_of("回复") == 4);
    CHECK(columns_of("e\xcc\x81") == 1);  // e and a combining acute
    CHECK(pad_right("回", 4) == "回  ");
    CHECK(pad_left("12", 4) == "  12");
    CHECK(pad_left("12345", 4) == "12345");
}

TEST_CASE("terminal: long texts are cut in the middle") {
    use_locale();
    struct Row {
        const char* name;
        std::string_view text;
        std::size_t columns;
        bool unicode;
        std::string_view cut;
    };
    const auto rows = std::to_array<Row>({
        {"fits", "abcdef", 6, true, "abcdef"},
        {"odd", "abcdefghij", 7, true, "abc…hij"},
        {"even", "abcdefghij", 6, true, "abc…ij"},
        {"ASCII mark", "abcdefghij", 7, false, "ab...ij"},
        {"wide characters are not halved", "回复谢谢好", 6, true, "回…好"},
        {"no room", "abcdef", 1, true, "."},
        {"nothing", "abcdef", 0, true, ""},
    });
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            const auto cut = cut_middle(row.text, row.columns, row.unicode);
            CHECK(cut == row.cut);
            CHECK(columns_of(cut) <= row.columns);
        }
    }
}
