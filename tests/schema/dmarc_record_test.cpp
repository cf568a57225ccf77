#include "schema/dmarc_record.hpp"

#include <doctest/doctest.h>

#include <array>

namespace schema = dmarcbox::schema;

TEST_CASE("tag record: only a record whose first tag is the version is one") {
    struct Row {
        const char* name;
        std::string_view text;
        bool record;
    };
    const auto rows = std::to_array<Row>({
        {"plain", "v=DMARC1; p=none", true},
        {"blanks around", " v = DMARC1 ;p=none;", true},
        {"version alone", "v=DMARC1", true},
        {"another text", "v=spf1 -all", false},
        {"version not first", "p=none; v=DMARC1", false},
        {"version in lower case", "v=dmarc1; p=none", false},
        {"empty", "", false},
    });
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            CHECK(schema::parse_tag_record(row.text, "DMARC1").has_value() == row.record);
        }
    }
}

TEST_CASE("tag record: tags are found by name in any case") {
    const auto record =
        schema::parse_tag_record("v=DMARC1; P=Reject ; rua=mailto:a@example.org;;junk", "DMARC1");
    REQUIRE(record.has_value());
    REQUIRE(record->find("p") != nullptr);
    CHECK(*record->find("p") == "Reject");
    CHECK(record->find("sp") == nullptr);
    CHECK(record->tags.size() == 3);
}

TEST_CASE("report addresses: mailto URIs without size and encoding") {
    using Addresses = std::vector<std::string>;
    CHECK(schema::report_addresses("mailto:rua@Reports.Example") ==
          Addresses{"rua@reports.example"});
    CHECK(schema::report_addresses("mailto:a@example.org!10m, MAILTO:b%2Bc@example.org") ==
          Addresses{"a@example.org", "b+c@example.org"});
    CHECK(schema::report_addresses("https://example.org/x,mailto:nobody").empty());
    CHECK(schema::report_addresses("mailto:50%@example.org") == Addresses{"50%@example.org"});
}
