#include "schema/finding_list.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>

#include "schema/finding_codes_failure.hpp"
#include "schema/scalar_text.hpp"

namespace {

using namespace dmarcbox::schema;  // NOLINT(google-build-using-namespace)

}  // namespace

TEST_CASE("finding list: each finding once and in order") {
    FindingList list(10, tls::kMoreFindings);
    list.add(tls::kBadIp, "b");
    list.add(tls::kBadIp, "a");
    list.add(tls::kBadIp, "b");
    list.add(tls::kIpForm, "b");
    const auto findings = list.take();
    REQUIRE(findings.size() == 3);
    CHECK(findings[0].detail == "b");
    CHECK(findings[1].detail == "a");
    CHECK(findings[2].code.code == "ip_form");
    CHECK(list.take().empty());
}

TEST_CASE("finding list: the last says how many more") {
    FindingList list(2, tls::kMoreFindings);
    for (int i = 0; i < 5; ++i) {
        list.add(tls::kBadIp, std::to_string(i));
    }
    const auto findings = list.take();
    REQUIRE(findings.size() == 2);
    CHECK(findings[0].detail == "0");
    CHECK(findings[1].code.code == "more_findings");
    CHECK(findings[1].detail == "4 more");

    FindingList full(2, tls::kMoreFindings);
    full.add(tls::kBadIp, "0");
    full.add(tls::kBadIp, "1");
    CHECK(full.take()[1].detail == "1");

    FindingList none(0, tls::kMoreFindings);
    none.add(tls::kBadIp, "0");
    CHECK(none.take().empty());
}

TEST_CASE("finding list: details are clipped on a character") {
    FindingList list(10, tls::kMoreFindings);
    list.add(tls::kBadIp, std::string(199, 'a') + "\xc3\xa4");
    list.add(tls::kBadIp, std::string(199, 'a') + "\xc3\xb6");
    const auto findings = list.take();
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].detail == std::string(199, 'a'));
}

TEST_CASE("finding codes: stage and spelling of failure and TLS") {
    const auto check = [](const auto& codes, std::string_view stage) {
        for (std::size_t i = 0; i < codes.size(); ++i) {
            CAPTURE(codes[i].code);
            CHECK(codes[i].stage == stage);
            CHECK(codes[i].code.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") ==
                  std::string_view::npos);
            for (std::size_t j = 0; j < i; ++j) {
                CHECK(codes[i].code != codes[j].code);
            }
        }
    };
    check(kFailureFindingCodes, "failure");
    check(kTlsFindingCodes, "tls");
}

TEST_CASE("scalar text: collapse") {
    CHECK(collapse("") == "");
    CHECK(collapse(" \r\n\t ") == "");
    CHECK(collapse("  a \r\n\t b  ") == "a b");
    CHECK(collapse(std::string_view("\0a\0\x1b[0m\x7f", 8)) == "a [0m");
    CHECK(collapse("\xc3\xa4 \xe2\x82\xac") == "\xc3\xa4 \xe2\x82\xac");
}

TEST_CASE("scalar text: cut on a character") {
    struct Row {
        std::string_view text;
        std::size_t max;
        std::string_view cut;
    };
    const auto rows = std::to_array<Row>({
        {"abc", 3, "abc"},
        {"abc", 2, "ab"},
        {"abc", 0, ""},
        {"a\xc3\xa4", 2, "a"},
        {"a\xe2\x82\xac", 3, "a"},
        {"a\xe2\x82\xac", 4, "a\xe2\x82\xac"},
        {"a\xf0\x9f\x98\x80z", 4, "a"},
        {"a\xf0\x9f\x98\x80z", 5, "a\xf0\x9f\x98\x80"},
        {"\x80\x80\x80\x80\x80\x80\x80", 6, "\x80\x80\x80\x80\x80\x80"},
    });
    for (const auto& row : rows) {
        CAPTURE(row.text);
        CHECK(cut_text(row.text, row.max) == row.cut);
    }
}
