#include "schema/ip_address.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>

namespace {

using dmarcbox::schema::parse_ip;
using dmarcbox::schema::parse_ip_range;

struct Row {
    std::string_view sent;
    std::string_view text;  ///< empty: no address
    bool exact = true;
};

void check(const Row& row) {
    CAPTURE(row.sent);
    const auto parsed = parse_ip(row.sent);
    REQUIRE(parsed.has_value() == !row.text.empty());
    if (parsed) {
        CHECK(parsed->address.text() == row.text);
        CHECK(parsed->exact == row.exact);
    }
}

}  // namespace

TEST_CASE("ip address: canonical text of what senders write") {
    const auto rows = std::to_array<Row>({
        {"192.0.2.1", "192.0.2.1"},
        {" 192.0.2.1\r\n", "192.0.2.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"2001:db8::1", "2001:db8::1"},
        {"2001:DB8:0:0:0:0:0:ABCD", "2001:db8::abcd"},
        {"2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"2001:db8::1:0:0:0:1", "2001:db8:0:1::1"},
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
        {"::", "::"},
        {"::1", "::1"},
        {"fe80::", "fe80::"},
        {"::ffff:192.0.2.7", "192.0.2.7"},
        {"::FFFF:C000:0207", "192.0.2.7"},
        {"0:0:0:0:0:ffff:192.0.2.7", "192.0.2.7"},
        {"::192.0.2.7", "::c000:207"},
        {"64:ff9b::192.0.2.7", "64:ff9b::c000:207"},
    });
    for (const auto& row : rows) {
        check(row);
    }
}

TEST_CASE("ip address: what was taken off is told") {
    const auto rows = std::to_array<Row>({
        {"[192.0.2.1]", "192.0.2.1", false},
        {"192.0.2.1:25", "192.0.2.1", false},
        {"[192.0.2.1]:25", "192.0.2.1", false},
        {"[2001:db8::1]", "2001:db8::1", false},
        {"[2001:db8::1]:465", "2001:db8::1", false},
        {"[IPv6:2001:db8::1]", "2001:db8::1", false},
        {"IPv6:2001:db8::1", "2001:db8::1", false},
        {"fe80::1%eth0", "fe80::1", false},
        {"[fe80::1%25eth0]", "fe80::1", false},
        {"192.0.2.1 (host.example)", "192.0.2.1", false},
        {"192.0.2.1(host.example)", "192.0.2.1", false},
        {"192.0.2.1 (host.example), 192.0.2.2", "192.0.2.1", false},
        {"192.000.002.010", "192.0.2.10", false},
    });
    for (const auto& row : rows) {
        check(row);
    }
}

TEST_CASE("ip address: no address") {
    const auto rows = std::to_array<std::string_view>({
        "",
        " ",
        "unknown",
        "108r.166.27.220",
        "192.0.2",
        "192.0.2.",
        ".192.0.2.1",
        "192.0.2.1.",
        "192.0.2.1.5",
        "192.0.2.256",
        "192.0.2.0001",
        "192.0.2.-1",
        "192.0.2.+1",
        "192.0.2.1:",
        "192.0.2.1:x",
        "192.0.2.1:655360",
        "192.0.2.1/24",
        "192.0.2.1%eth0",
        "[192.0.2.1",
        "192.0.2.1]",
        "[192.0.2.1]x",
        "[]",
        ":",
        ":::",
        "1::2::3",
        "2001:db8",
        "2001:db8::1:",
        ":2001:db8::1",
        "2001:db8::12345",
        "2001:db8::g",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8::",
        "1:2:3:4:5:6:7:192.0.2.1",
        "192.0.2.1::1",
        "::ffff:192.0.2.256",
        "::ffff:192.0.02.1",
        "%eth0",
        "192.0.2.1\tmx.example",
        "192.0.2.1\n23",
        "192.0.2.1, 192.0.2.2",
        "192.0.2.1;",
        "fe80::1%eth0 fe80::2",
        "[192.0.2.1] 192.0.2.2",
        "(192.0.2.1)",
        "IPv6:",
    });
    for (const auto row : rows) {
        check({row, ""});
    }
    const std::string nul("192.0.2.1\0", 10);
    check({nul, ""});
}

TEST_CASE("ip address: IPv4 is stored as mapped") {
    const auto parsed = parse_ip("192.0.2.1");
    REQUIRE(parsed);
    CHECK(parsed->address.is_v4());
    CHECK(parsed->address.bytes ==
          std::array<std::uint8_t, 16>{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1});
    const auto v6 = parse_ip("2001:db8::1");
    REQUIRE(v6);
    CHECK_FALSE(v6->address.is_v4());
}

TEST_CASE("ip address: public or not by the special-purpose registries") {
    struct PublicRow {
        std::string_view text;
        bool is_public;
    };
    const auto rows = std::to_array<PublicRow>({
        {"9.255.255.255", true},
        {"10.0.0.0", false},
        {"10.255.255.255", false},
        {"11.0.0.0", true},
        {"0.1.2.3", false},
        {"100.63.255.255", true},
        {"100.64.0.0", false},
        {"100.127.255.255", false},
        {"100.128.0.0", true},
        {"127.0.0.1", false},
        {"169.254.1.1", false},
        {"172.15.255.255", true},
        {"172.16.0.0", false},
        {"172.31.255.255", false},
        {"172.32.0.0", true},
        {"192.0.0.1", false},
        {"192.0.0.9", true},
        {"192.0.0.10", true},
        {"192.0.2.1", false},
        {"192.168.1.1", false},
        {"198.17.255.255", true},
        {"198.18.0.0", false},
        {"198.19.255.255", false},
        {"198.51.100.1", false},
        {"203.0.113.1", false},
        {"223.255.255.255", true},
        {"224.0.0.1", false},
        {"240.0.0.1", false},
        {"255.255.255.255", false},
        {"::", false},
        {"::1", false},
        {"::ffff:10.0.0.1", false},
        {"::ffff:11.0.0.1", true},
        {"fe80::1", false},
        {"fc00::1", false},
        {"fd12::1", false},
        {"ff02::1", false},
        {"2001:db8::1", false},
        {"2001:db9::1", true},
        {"2001::1", false},
        {"2001:200::1", true},
        {"2001:20::1", true},
        {"2001:10::1", false},
        {"3fff::1", false},
        {"3fff:1000::1", true},
        {"4000::1", false},
        {"2002:0a00:1::1", false},
        {"2002:0b00:1::1", true},
        {"64:ff9b::10.0.0.1", false},
        {"64:ff9b::11.0.0.1", true},
        {"2a00::1", true},
    });
    for (const auto& row : rows) {
        CAPTURE(row.text);
        const auto parsed = parse_ip(row.text);
        REQUIRE(parsed);
        CHECK(parsed->address.is_public() == row.is_public);
    }
}

TEST_CASE("ip address: network of an address") {
    CHECK(parse_ip("192.0.2.77")->address.network() == "192.0.2.0/24");
    CHECK(parse_ip("::ffff:192.0.2.77")->address.network() == "192.0.2.0/24");
    CHECK(parse_ip("2001:db8:1:2:3:4:5:6")->address.network() == "2001:db8:1:2::/64");
    CHECK(parse_ip("2001:db8::1")->address.network() == "2001:db8::/64");
}

TEST_CASE("ip range: first and last address") {
    struct RangeRow {
        std::string_view text;
        std::string_view first;  ///< empty: no range
        std::string_view last;
    };
    const auto rows = std::to_array<RangeRow>({
        {"192.0.2.0/24", "192.0.2.0", "192.0.2.255"},
        {"192.0.2.77/24", "192.0.2.0", "192.0.2.255"},
        {"192.0.2.77/25", "192.0.2.0", "192.0.2.127"},
        {" 192.0.2.77 ", "192.0.2.77", "192.0.2.77"},
        {"192.0.2.77/32", "192.0.2.77", "192.0.2.77"},
        {"0.0.0.0/0", "0.0.0.0", "255.255.255.255"},
        {"172.16.5.4/12", "172.16.0.0", "172.31.255.255"},
        {"2001:db8::/32", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"},
        {"2001:db8::1", "2001:db8::1", "2001:db8::1"},
        {"::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
        {"::ffff:192.0.2.0/120", "192.0.2.0", "192.0.2.255"},
        {"192.0.2.0/33", "", ""},
        {"2001:db8::/129", "", ""},
        {"192.0.2.0/", "", ""},
        {"192.0.2.0/x", "", ""},
        {"192.0.2.0/24/8", "", ""},
        {"192.0.2.0/-1", "", ""},
        {"[2001:db8::]/32", "", ""},
        {"192.0.2.010/32", "", ""},
        {"example.org", "", ""},
        {"", "", ""},
    });
    for (const auto& row : rows) {
        CAPTURE(row.text);
        const auto range = parse_ip_range(row.text);
        REQUIRE(range.has_value() == !row.first.empty());
        if (range) {
            CHECK(range->first.text() == row.first);
            CHECK(range->last.text() == row.last);
        }
    }
}

TEST_CASE("ip range: contains") {
    const auto range = parse_ip_range("192.0.2.128/25");
    REQUIRE(range);
    CHECK(range->contains(parse_ip("192.0.2.128")->address));
    CHECK(range->contains(parse_ip("::ffff:192.0.2.255")->address));
    CHECK_FALSE(range->contains(parse_ip("192.0.2.127")->address));
    CHECK_FALSE(range->contains(parse_ip("192.0.3.0")->address));
    CHECK_FALSE(range->contains(parse_ip("2001:db8::1")->address));
}
