#include "server/smtp/address.hpp"

#include <doctest/doctest.h>

#include <array>
#include <stdexcept>
#include <string>

using namespace dmarcbox::smtp;
using namespace std::string_literals;

namespace {

std::string times(std::size_t count, const std::string& text) {
    std::string all;
    for (std::size_t i = 0; i < count; ++i) {
        all += text;
    }
    return all;
}

struct Row {
    std::string path;
    std::string local_part;
    std::string domain;
    std::string text;
};

const auto kValid = std::to_array<Row>({
    {"<>", "", "", ""},
    {"<a@b>", "a", "b", "a@b"},
    {"<Rua@Reports.EXAMPLE>", "Rua", "reports.example", "Rua@Reports.EXAMPLE"},
    {"<postmaster>", "postmaster", "", "postmaster"},
    {"<root>", "root", "", "root"},
    {"<a.b.c@x.example>", "a.b.c", "x.example", "a.b.c@x.example"},
    {"<a+b=c_d@x.example>", "a+b=c_d", "x.example", "a+b=c_d@x.example"},
    {"<!#$%&'*+-/=?^_`{|}~@x.example>", "!#$%&'*+-/=?^_`{|}~", "x.example",
     "!#$%&'*+-/=?^_`{|}~@x.example"},
    {"<a%b@x.example>", "a%b", "x.example", "a%b@x.example"},
    {"<b.example!a@x.example>", "b.example!a", "x.example", "b.example!a@x.example"},
    // Not RFC 5321, but carriers have assigned such addresses.
    {"<a..b@x.example>", "a..b", "x.example", "a..b@x.example"},
    {"<.a.@x.example>", ".a.", "x.example", ".a.@x.example"},
    {"<\"a b\"@x.example>", "a b", "x.example", "\"a b\"@x.example"},
    {"<\"a@b\"@x.example>", "a@b", "x.example", "\"a@b\"@x.example"},
    {"<\"a\\\"b\\\\c\"@x.example>", "a\"b\\c", "x.example", "\"a\\\"b\\\\c\"@x.example"},
    {"<\"a>b<c\"@x.example>", "a>b<c", "x.example", "\"a>b<c\"@x.example"},
    {"<\"r\\ua\"@x.example>", "rua", "x.example", "\"r\\ua\"@x.example"},
    {"<\"\"@x.example>", "", "x.example", "\"\"@x.example"},
    {"<a@x.example.>", "a", "x.example", "a@x.example."},
    {"<a@x_y.example>", "a", "x_y.example", "a@x_y.example"},
    {"<a@1.example>", "a", "1.example", "a@1.example"},
    {"<a@xn--mnchen-3ya.example>", "a", "xn--mnchen-3ya.example", "a@xn--mnchen-3ya.example"},
    {"<büro@münchen.example>", "büro", "münchen.example", "büro@münchen.example"},
    {"<\"bü ro\"@x.example>", "bü ro", "x.example", "\"bü ro\"@x.example"},
    {"<用户@例子.example>", "用户", "例子.example", "用户@例子.example"},
    {"<a@[192.0.2.1]>", "a", "[192.0.2.1]", "a@[192.0.2.1]"},
    {"<a@[IPv6:2001:DB8::1]>", "a", "[ipv6:2001:db8::1]", "a@[IPv6:2001:DB8::1]"},
    {"<a@[IPv6:::ffff:192.0.2.1]>", "a", "[ipv6:::ffff:192.0.2.1]", "a@[IPv6:::ffff:192.0.2.1]"},
    {"<a@[x400:c=us]>", "a", "[x400:c=us]", "a@[x400:c=us]"},
    // By the grammar a tag `2001`; nothing depends on it.
    {"<a@[2001:db8::1]>", "a", "[2001:db8::1]", "a@[2001:db8::1]"},
    {"<@r.example:a@x.example>", "a", "x.example", "a@x.example"},
    {"<@r.example,@s.example.,@[192.0.2.1]:a@x.example>", "a", "x.example", "a@x.example"},
    {"<@[IPv6:2001:db8::1]:a@x.example>", "a", "x.example", "a@x.example"},
    {"<@r.example:postmaster>", "postmaster", "", "postmaster"},
    {"<" + times(64, "x") + "@x.example>", times(64, "x"), "x.example",
     times(64, "x") + "@x.example"},
    {"<a@" + times(63, "x") + ".example>", "a", times(63, "x") + ".example",
     "a@" + times(63, "x") + ".example"},
    // 256 with the brackets.
    {"<a@" + times(50, "b234.") + "ab>", "a", times(50, "b234.") + "ab",
     "a@" + times(50, "b234.") + "ab"},
});

const auto kErrors = std::to_array<std::string>({
    "",
    "<",
    ">",
    "a@x.example",
    "<a@x.example",
    "a@x.example>",
    "< a@x.example>",
    "<a@x.example >",
    "<a @x.example>",
    "<a@ x.example>",
    "<a b@x.example>",
    "<a@x example>",
    "<@x.example>",
    "<a@>",
    "<@>",
    "<a@@x.example>",
    "<a@b@x.example>",
    "<<a@x.example>>",
    "<a,b@x.example>",
    "<a;b@x.example>",
    "<a:b@x.example>",
    "<a(c)@x.example>",
    "<a[b@x.example>",
    "<a\\b@x.example>",
    "<a\"b@x.example>",
    "<\"a\"b@x.example>",
    "<\"a@x.example>",
    "<\"a\\\"@x.example>",
    "<\"a\"\"b\"@x.example>",
    "<a@.x.example>",
    "<a@x..example>",
    "<a@x.example..>",
    "<a@.>",
    "<a@-x.example>",
    "<a@x-.example>",
    "<a@x/y.example>",
    "<a@x.example:25>",
    "<a@x.example,b@x.example>",
    "<a@[192.0.2.1>",
    "<a@192.0.2.1]>",
    "<a@[]>",
    "<a@[192.0.2.256]>",
    "<a@[192.0.2]>",
    "<a@[192.0.2.1]x>",
    "<a@[IPv6:]>",
    "<a@[IPv6:2001:db8::g]>",
    "<a@[tag:]>",
    "<a@[tag:a b]>",
    "<@r.example>",
    "<@r.example:>",
    "<@r.example,a@x.example>",
    "<@r.example,,@s.example:a@x.example>",
    "<@:a@x.example>",
    "<@r.example;a@x.example>",
    "<r.example:a@x.example>",
    "<a\x01@x.example>",
    "<a\t@x.example>",
    "<a\x7F@x.example>",
    "<a@x\r\n.example>",
    "<a\0@x.example>"s,
    "<\"a\x01\"@x.example>",
    "<\"a\\\xC3\xA4\"@x.example>",
    // Broken UTF-8: lone continuation, truncated, overlong, surrogate, above U+10FFFF.
    "<a\x80@x.example>",
    "<a\xC3@x.example>",
    "<a\xC0\x80@x.example>",
    "<a\xC1\x81@x.example>",
    "<a\xE0\x81\x81@x.example>",
    "<a\xF0\x80\x81\x81@x.example>",
    "<a\xF9\x90\x80\x80@x.example>",
    "<a\xE0\x80\x80@x.example>",
    "<a\xED\xA0\x80@x.example>",
    "<a\xF4\x90\x80\x80@x.example>",
    "<a\xF8\x88\x80\x80\x80@x.example>",
    "<a@x\xFF.example>",
    // Invisible: C1, zero width, bidi override, BOM, soft hyphen.
    "<a\xC2\x85@x.example>",
    "<a\xE2\x80\x8B@x.example>",
    "<a\xE2\x80\xAE@x.example>",
    "<a@x\xEF\xBB\xBF.example>",
    "<a\xC2\xAD@x.example>",
});

}  // namespace

TEST_CASE("paths that are addresses") {
    for (const auto& row : kValid) {
        CAPTURE(row.path);
        const auto address = parse_path(row.path);
        REQUIRE(address.has_value());
        CHECK(address->local_part == row.local_part);
        CHECK(address->domain == row.domain);
        CHECK(address->text == row.text);
        CHECK(address->null() == (row.path == "<>"));
    }
}

TEST_CASE("paths that are not") {
    for (const auto& path : kErrors) {
        CAPTURE(path);
        CHECK_FALSE(parse_path(path).has_value());
    }
}

TEST_CASE("paths over a limit") {
    CHECK_FALSE(parse_path("<" + times(65, "x") + "@x.example>"));
    // Quotes and backslashes count (RFC 5321 section 4.5.3.1.1 speaks of the local-part as sent).
    CHECK_FALSE(parse_path("<\"" + times(63, "x") + "\"@x.example>"));
    CHECK(parse_path("<\"" + times(62, "x") + "\"@x.example>"));
    CHECK_FALSE(parse_path("<a@" + times(64, "x") + ".example>"));
    CHECK_FALSE(parse_path("<a@" + times(50, "b234.") + "abc>"));
    CHECK_FALSE(parse_path("<@" + times(50, "b234.") + "example:a@x.example>"));
    CHECK_FALSE(parse_path("<" + times(100000, "a") + ">"));
}

TEST_CASE("recipients: who is accepted") {
    using Verdict = Recipients::Verdict;
    const Recipients recipients({"rua@reports.example", "Ruf@Reports.Example",
                                 "a+b@reports.example", "\"odd one\"@reports.example",
                                 "@example.org", "dmarc@münchen.example"});
    CHECK(recipients.addresses() == 5);
    CHECK(recipients.domains() == 1);
    struct Check {
        const char* path;
        Verdict expected;
    };
    const auto rows = std::to_array<Check>({
        {"<rua@reports.example>", Verdict::accepted},
        {"<RUA@REPORTS.EXAMPLE>", Verdict::accepted},
        {"<ruf@reports.example>", Verdict::accepted},
        {"<rua@reports.example.>", Verdict::accepted},
        {"<\"rua\"@reports.example>", Verdict::accepted},
        {"<\"r\\ua\"@reports.example>", Verdict::accepted},
        {"<\"Odd One\"@reports.example>", Verdict::accepted},
        {"<@relay.example:rua@reports.example>", Verdict::accepted},
        {"<rua+detail@reports.example>", Verdict::accepted},
        {"<RUA+Detail+more@reports.example>", Verdict::accepted},
        {"<rua+@reports.example>", Verdict::accepted},
        {"<a+b@reports.example>", Verdict::accepted},
        {"<a+b+c@reports.example>", Verdict::accepted},
        {"<a@reports.example>", Verdict::unknown},
        {"<a+c@reports.example>", Verdict::unknown},
        {"<+rua@reports.example>", Verdict::unknown},
        {"<rua-detail@reports.example>", Verdict::unknown},
        {"<nobody@reports.example>", Verdict::unknown},
        {"<ru@reports.example>", Verdict::unknown},
        {"<ruaa@reports.example>", Verdict::unknown},
        {"<\"\"@reports.example>", Verdict::unknown},
        {"<rua>", Verdict::unknown},
        {"<postmaster>", Verdict::accepted},
        {"<POSTMASTER>", Verdict::accepted},
        {"<PostMaster@reports.example>", Verdict::accepted},
        {"<postmaster@example.org>", Verdict::accepted},
        {"<postmaster@münchen.example>", Verdict::accepted},
        {"<postmaster@elsewhere.example>", Verdict::foreign},
        {"<postmasters@reports.example>", Verdict::unknown},
        {"<anything@example.org>", Verdict::accepted},
        {"<any+thing@Example.Org>", Verdict::accepted},
        {"<anything@sub.example.org>", Verdict::foreign},
        {"<anything@ample.org>", Verdict::foreign},
        {"<rua@example.com>", Verdict::foreign},
        {"<rua@sub.reports.example>", Verdict::foreign},
        {"<rua@[192.0.2.1]>", Verdict::foreign},
        {"<dmarc@münchen.example>", Verdict::accepted},
        {"<dmarc@xn--mnchen-3ya.example>", Verdict::foreign},
        {"<x%elsewhere.example@reports.example>", Verdict::foreign},
        {"<elsewhere.example!x@reports.example>", Verdict::foreign},
        {"<x%elsewhere.example@example.org>", Verdict::foreign},
        {"<elsewhere.example!x@example.org>", Verdict::foreign},
        {"<\"x@elsewhere.example\"@example.org>", Verdict::foreign},
        {"<rua+x%elsewhere.example@reports.example>", Verdict::foreign},
    });
    for (const auto& row : rows) {
        CAPTURE(row.path);
        const auto address = parse_path(row.path);
        REQUIRE(address.has_value());
        CHECK(recipients.check(*address) == row.expected);
    }
}

TEST_CASE("recipients: an entry with a per cent sign is meant as it is") {
    const Recipients recipients({"a%b@reports.example"});
    CHECK(recipients.check(*parse_path("<a%b@reports.example>")) == Recipients::Verdict::accepted);
    CHECK(recipients.check(*parse_path("<a%c@reports.example>")) == Recipients::Verdict::foreign);
}

TEST_CASE("recipients: a repeated entry counts once") {
    const Recipients recipients({"rua@x.example", "RUA@X.example.", "@x.example", "@X.EXAMPLE"});
    CHECK(recipients.addresses() == 1);
    CHECK(recipients.domains() == 1);
}

TEST_CASE("recipients: bad entries are named") {
    for (const char* const entry :
         {"", "rua", "@", "rua@", "a b@x.example", "<rua@x.example>", "rua@x..example",
          "@-x.example", "postmaster", "\x01@x.example"}) {
        CAPTURE(entry);
        CHECK_THROWS_WITH_AS(
            Recipients({"rua@reports.example", entry}),
            ("accept: \"" + std::string(entry) + "\" is neither local-part@domain nor @domain")
                .c_str(),
            std::invalid_argument);
    }
}
