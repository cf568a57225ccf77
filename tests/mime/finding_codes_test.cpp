#include "mime/finding_codes.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "mime/charset.hpp"

namespace dmarcbox::mime {
namespace {

TEST_CASE("finding codes: each name once per stage, snake_case, a known stage") {
    std::set<std::string> seen;
    for (const FindingCode& code : kFindingCodes) {
        CAPTURE(code.code);
        CHECK(seen.insert(std::string(code.stage) + "/" + std::string(code.code)).second);
        CHECK(code.code.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") ==
              std::string_view::npos);
        const bool known =
            code.stage == "mime" || code.stage == "unpack" || code.stage == "charset";
        CHECK(known);
    }
}

TEST_CASE("finding codes: the list holds every constant of the header") {
    std::ifstream in(DMARCBOX_SOURCE_DIR "/mime/finding_codes.hpp");
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    REQUIRE_FALSE(text.empty());
    std::size_t constants = 0;
    const std::string sign = "inline constexpr FindingCode ";
    for (std::size_t at = 0; (at = text.find(sign, at)) != std::string::npos; at += sign.size()) {
        ++constants;
    }
    CHECK(constants == kFindingCodes.size());
}

TEST_CASE("make_finding: detail is valid UTF-8 of at most 200 bytes") {
    std::string detail;
    for (int i = 0; i < 150; ++i) {
        detail += "ä";
    }
    const Finding finding = make_finding(kEmpty, "1", "x" + detail);
    CHECK(finding.detail.size() == 199);
    CHECK(is_utf8(finding.detail));
    CHECK(make_finding(kEmpty, "1", "\xFF").detail == "ÿ");
}

}  // namespace
}  // namespace dmarcbox::mime
