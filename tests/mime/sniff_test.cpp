#include "mime/sniff.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace dmarcbox::mime {
namespace {

using std::string_literals::operator""s;

TEST_CASE("sniff: content by its beginning") {
    struct Row {
        const char* name;
        std::string bytes;
        ContentKind expected;
    };
    const std::string junk(3000, 'x');
    const std::vector<Row> rows{
        {"nothing", "", ContentKind::empty},
        {"white space", " \r\n\t", ContentKind::empty},
        {"byte order mark only", "\xEF\xBB\xBF", ContentKind::empty},
        {"gzip", "\x1F\x8B\x08", ContentKind::gzip},
        {"gzip behind an empty line", "\r\n \x1F\x8B\x08", ContentKind::gzip},
        {"gzip behind words", "here: \x1F\x8B\x08", ContentKind::other},
        {"zip", "PK\x03\x04", ContentKind::zip},
        {"zip without files", "PK\x05\x06", ContentKind::zip},
        {"zip behind a line end", "\r\nPK\x03\x04", ContentKind::zip},
        {"zip behind junk", junk + "PK\x03\x04", ContentKind::zip},
        {"zip behind too much junk", junk + junk + "PK\x03\x04", ContentKind::other},
        {"XML", "<?xml version=\"1.0\"?><feedback/>", ContentKind::xml},
        {"no declaration", "<feedback>", ContentKind::xml},
        {"prefix", "<ns1:feedback>", ContentKind::xml},
        {"other XML", "<a/>", ContentKind::xml},
        {"white space and mark", "\xEF\xBB\xBF \r\n<a/>", ContentKind::xml},
        {"UTF-16LE", "\xFF\xFE<\0a\0"s, ContentKind::xml},
        {"UTF-16BE without mark", "\0<\0a"s, ContentKind::xml},
        {"UTF-16 JSON", "\xFE\xFF\0 \0{"s, ContentKind::json},
        {"text before the declaration", "Here it is:\n<?xml version=\"1.0\"?>", ContentKind::xml},
        {"text before the root", junk + "<feedback>", ContentKind::xml},
        {"too much text before the root", junk + junk + "<feedback>", ContentKind::other},
        {"the word feedback", "Your feedback counts", ContentKind::other},
        {"JSON", " {\"policies\": []}", ContentKind::json},
        {"array of JSON objects", "[\n {\"policies\": []}]", ContentKind::json},
        {"UTF-16 array", "[\0{\0"s, ContentKind::json},
        {"array of something else", "[Note] {x}", ContentKind::other},
        {"RTF", "{\\rtf1 x}", ContentKind::other},
        {"HTML", "<html><body>", ContentKind::html},
        {"HTML with doctype", "<!DOCTYPE HTML PUBLIC>", ContentKind::html},
        {"XHTML", "<?xml version=\"1.0\"?><!DOCTYPE html>", ContentKind::html},
        {"HTML that shows a report", "<html><pre><feedback>", ContentKind::xml},
        {"text", "hello", ContentKind::other},
        {"PNG", "\x89PNG\r\n\x1A\n", ContentKind::other},
    };
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            CHECK(sniff(row.bytes) == row.expected);
        }
    }
}

}  // namespace
}  // namespace dmarcbox::mime
