#include "server/report_name.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

TEST_CASE("report name: compared with the report") {
    struct Row {
        std::string file_name;
        bool expected;
    };
    const std::vector<Row> rows{
        {"mx.example!example.org!1743984000!1744070399.xml.gz", true},
        {"mx.example!example.org!1743984000!1744070400.xml.gz", true},
        {"mx.example!example.org!1743984000!1744070399!5f.a-b.xml", true},
        {"mx.example!Example.Org.!1743984000!1744070399.zip", true},
        {"mx.example!example.org!1743984000!1744070399", true},
        {"!example.org!1743984000!1744070399.xml", false},
        {"mx.example!example.com!1743984000!1744070399.xml", false},
        {"mx.example!example.org!1743984001!1744070399.xml", false},
        {"mx.example!example.org!1743984000!1744070401.xml", false},
        {"mx.example!example.org!1743984000!.xml", false},
        {"mx.example!example.org!1743984000x!1744070399.xml", false},
        {"mx.example!example.org!99999999999999999999!1744070399.xml", false},
        {"mx.example!example.org!-9223372036854775808!1744070399.xml", false},
        {"mx.example!example.org!1743984000!9223372036854775807.xml", false},
        {"report.xml", false},
        {"!!!", false},
        {"", false},
    };
    dmarcbox::schema::AggregateReport report;
    report.domain = "example.org";
    report.begin_at = 1743984000;
    report.end_at = 1744070399;
    for (const auto& row : rows) {
        CAPTURE(row.file_name);
        CHECK(dmarcbox::is_report_name(row.file_name, report) == row.expected);
    }
}

TEST_CASE("report name: what the report lacks is not compared") {
    const dmarcbox::schema::AggregateReport report;
    CHECK(dmarcbox::is_report_name("mx.example!example.org!1!2.xml", report));
    CHECK_FALSE(dmarcbox::is_report_name("mx.example!!1!2.xml", report));
}
