#include "mime/label.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "found.hpp"

namespace dmarcbox::mime {
namespace {

TEST_CASE("label: what type and name say against what the content is") {
    struct Row {
        const char* name;
        ReportKind report;
        ContentKind content;
        std::string media_type;
        std::string file_name;
        std::string findings;
    };
    constexpr auto kAggregate = ReportKind::aggregate;
    constexpr auto kTls = ReportKind::tls;
    const std::string base = "mx.example!example.org!1!2";
    const std::vector<Row> rows{
        {"gzip by the book", kAggregate, ContentKind::gzip, "application/gzip", base + ".xml.gz",
         ""},
        {"XML by the book", kAggregate, ContentKind::xml, "text/xml", base + ".xml", ""},
        {"no name", kAggregate, ContentKind::gzip, "application/gzip", "", ""},
        {"name without extension", kAggregate, ContentKind::gzip, "application/gzip", base, ""},
        {"zip that says so", kAggregate, ContentKind::zip, "application/zip", base + ".zip",
         "zip_archive@2"},
        {"zip under an old type", kAggregate, ContentKind::zip, "application/x-zip-compressed",
         base + ".ZIP", "zip_archive@2 odd_media_type@2"},
        {"zip labelled gzip", kAggregate, ContentKind::zip, "application/gzip", base + ".xml.gz",
         "zip_archive@2 wrong_media_type@2 wrong_file_name@2"},
        {"gzip labelled zip", kAggregate, ContentKind::gzip, "application/zip", base + ".zip",
         "wrong_media_type@2 wrong_file_name@2"},
        {"gzip labelled XML", kAggregate, ContentKind::gzip, "text/xml", base + ".xml.gz",
         "wrong_media_type@2"},
        {"gzip named XML", kAggregate, ContentKind::gzip, "application/gzip", base + ".xml",
         "wrong_file_name@2"},
        {"XML labelled HTML", kAggregate, ContentKind::xml, "text/html", "", "wrong_media_type@2"},
        {"octet-stream", kAggregate, ContentKind::gzip, "application/octet-stream",
         base + ".xml.gz", "odd_media_type@2"},
        {"x-gzip", kAggregate, ContentKind::gzip, "application/x-gzip", "", "odd_media_type@2"},
        {"text", kAggregate, ContentKind::xml, "text/plain", "report.txt", "odd_media_type@2"},
        {"TLS report by the book", kTls, ContentKind::gzip, "application/tlsrpt+gzip",
         base + ".json.gz", ""},
        {"TLS report not packed", kTls, ContentKind::json, "application/tlsrpt+json",
         base + ".json", ""},
        {"TLS report as plain gzip", kTls, ContentKind::gzip, "application/gzip", "",
         "odd_media_type@2"},
        {"TLS report without suffix", kTls, ContentKind::json, "application/tlsrpt", "",
         "odd_media_type@2"},
        {"TLS report not packed labelled packed", kTls, ContentKind::json,
         "application/tlsrpt+gzip", base + ".json.gz", "wrong_media_type@2 wrong_file_name@2"},
    };
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            Part part;
            part.section = "2";
            part.media_type = row.media_type;
            part.file_name = row.file_name;
            Findings findings;
            check_label(part, row.content, row.report, findings);
            CHECK(codes(findings) == row.findings);
        }
    }
}

TEST_CASE("label: the detail names label and content") {
    Part part;
    part.section = "1";
    part.media_type = "application/gzip";
    Findings findings;
    check_label(part, ContentKind::zip, ReportKind::aggregate, findings);
    REQUIRE(findings.size() == 2);
    CHECK(findings[1].detail == "application/gzip is zip");
}

}  // namespace
}  // namespace dmarcbox::mime
