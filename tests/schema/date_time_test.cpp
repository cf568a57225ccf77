#include "schema/date_time.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>

namespace {

using dmarcbox::schema::day_of;
using dmarcbox::schema::format_utc;
using dmarcbox::schema::parse_mail_date;
using dmarcbox::schema::parse_rfc3339;
using dmarcbox::schema::read_mail_date;

struct Row {
    std::string_view sent;
    std::string_view utc;  ///< empty: no date
};

}  // namespace

TEST_CASE("mail date: what mail takes as a date") {
    const auto rows = std::to_array<Row>({
        {"Mon, 07 Apr 2025 23:16:09 +0200", "2025-04-07T21:16:09Z"},
        {"Mon, 7 Apr 2025 23:16:09 +0000", "2025-04-07T23:16:09Z"},
        {"7 Apr 2025 23:16:09 -0000", "2025-04-07T23:16:09Z"},
        {"07 Apr 2025 23:16 +0200", "2025-04-07T21:16:00Z"},
        {"7 Apr 2025 3:16:09 +0200", "2025-04-07T01:16:09Z"},
        {"7 Apr 2025 23:16:09", "2025-04-07T23:16:09Z"},
        {"mon, 7 APR 2025 23:16:09 gmt", "2025-04-07T23:16:09Z"},
        {"Monday, 07 April 2025 23:16:09 UT", "2025-04-07T23:16:09Z"},
        {"Mon,7 Apr 2025 23:16:09 UTC", "2025-04-07T23:16:09Z"},
        {"Lun, 7 Apr 2025 23:16:09 +0000", "2025-04-07T23:16:09Z"},
        {"7 Apr 2025 23:16:09 +0200 (CEST)", "2025-04-07T21:16:09Z"},
        {"7 Apr 2025 23:16:09 +0200 (CEST", "2025-04-07T21:16:09Z"},
        {"7 Apr 2025 23:16:09 +0200 trailing words", "2025-04-07T21:16:09Z"},
        {"(a (nested) \\( one) 7 (day) Apr (month) 2025 (year) 23:16:09 (zone) +0200",
         "2025-04-07T21:16:09Z"},
        {"Mon, 07\r\n Apr 2025\r\n\t23:16:09 +0200", "2025-04-07T21:16:09Z"},
        {"7 Apr 25 23:16:09 +0000", "2025-04-07T23:16:09Z"},
        {"7 Apr 49 23:16:09 +0000", "2049-04-07T23:16:09Z"},
        {"7 Apr 50 23:16:09 +0000", "1950-04-07T23:16:09Z"},
        {"7 Apr 99 23:16:09 +0000", "1999-04-07T23:16:09Z"},
        {"7 Apr 125 23:16:09 +0000", "2025-04-07T23:16:09Z"},
        {"7 Apr 2025 23:16:09.750 +0000", "2025-04-07T23:16:09Z"},
        {"7 Apr 2025 23:16:09 +02:00", "2025-04-07T21:16:09Z"},
        {"7 Apr 2025 23:16:09 GMT+0200", "2025-04-07T21:16:09Z"},
        {"7 Apr 2025 23:16:09 EST", "2025-04-08T04:16:09Z"},
        {"7 Apr 2025 23:16:09 EDT", "2025-04-08T03:16:09Z"},
        {"7 Apr 2025 23:16:09 CST", "2025-04-08T05:16:09Z"},
        {"7 Apr 2025 23:16:09 CDT", "2025-04-08T04:16:09Z"},
        {"7 Apr 2025 23:16:09 MST", "2025-04-08T06:16:09Z"},
        {"7 Apr 2025 23:16:09 MDT", "2025-04-08T05:16:09Z"},
        {"7 Apr 2025 23:16:09 PST", "2025-04-08T07:16:09Z"},
        {"7 Apr 2025 23:16:09 PDT", "2025-04-08T06:16:09Z"},
        {"7 Apr 2025 23:16:09 Z", "2025-04-07T23:16:09Z"},
        {"7 Apr 2025 23:16:09 A", "2025-04-07T23:16:09Z"},
        {"7 Apr 2025 23:16:09 XYZ", "2025-04-07T23:16:09Z"},
        {"7 Apr 2025 23:16:09 &#43;0200", "2025-04-07T23:16:09Z"},
        {"7 Apr 2025 11:16:09 PM", "2025-04-07T23:16:09Z"},
        {"7 Apr 2025 11:16:09PM +0200", "2025-04-07T21:16:09Z"},
        {"7 Apr 2025 11:16:09 p.m. -0600", "2025-04-08T05:16:09Z"},
        {"7 Apr 2025 11:16:09 a. m. -0600", "2025-04-07T17:16:09Z"},
        {"7 Apr 2025 12:16:09 AM +0000", "2025-04-07T00:16:09Z"},
        {"7 Apr 2025 12:16:09 PM +0000", "2025-04-07T12:16:09Z"},
        {"Mon Apr  7 11:16:09 PM 2025", "2025-04-07T23:16:09Z"},
        {"Mon Apr  7 11:16:09 PM PDT 2025", "2025-04-08T06:16:09Z"},
        {"7-Apr-2025 23:16:09 +0000", "2025-04-07T23:16:09Z"},
        {"Mon Apr  7 23:16:09 2025", "2025-04-07T23:16:09Z"},
        {"Mon Apr  7 23:16:09 PDT 2025", "2025-04-08T06:16:09Z"},
        {"Apr 7 23:16:09 2025", "2025-04-07T23:16:09Z"},
        {"29 Feb 2024 00:00:00 +0000", "2024-02-29T00:00:00Z"},
        {"31 Dec 2016 23:59:60 +0000", "2017-01-01T00:00:00Z"},
        {"1 Jan 1970 00:00:00 +0000", "1970-01-01T00:00:00Z"},
        {"31 Dec 1969 23:59:59 +0000", "1969-12-31T23:59:59Z"},
        {"1 Mar 2025 00:30:00 +0100", "2025-02-28T23:30:00Z"},
    });
    for (const auto& row : rows) {
        CAPTURE(row.sent);
        const auto time = parse_mail_date(row.sent);
        REQUIRE(time.has_value());
        CHECK(format_utc(*time) == row.utc);
    }
}

TEST_CASE("mail date: zones, and which are known") {
    struct ZoneRow {
        std::string_view zone;
        std::string_view utc;  ///< of 7 Apr 2025 23:16:09 there; empty: the zone is not known
    };
    const auto rows = std::to_array<ZoneRow>({
        {"", "2025-04-07T23:16:09Z"},
        {"CET", "2025-04-07T22:16:09Z"},
        {"cest", "2025-04-07T21:16:09Z"},
        {"MESZ", "2025-04-07T21:16:09Z"},
        {"EET", "2025-04-07T21:16:09Z"},
        {"JST", "2025-04-07T14:16:09Z"},
        {"JST (Japan)", "2025-04-07T14:16:09Z"},
        {"ACST", "2025-04-07T13:46:09Z"},
        {"HST", "2025-04-08T09:16:09Z"},
        {"UTC", "2025-04-07T23:16:09Z"},
        {"UTC +0900", "2025-04-07T14:16:09Z"},
        {"(CET) +0200", "2025-04-07T21:16:09Z"},
        {"CET +0200", "2025-04-07T21:16:09Z"},
        {"XYZ-0500", "2025-04-08T04:16:09Z"},
        {"\xE2\x88\x92"
         "0500",
         "2025-04-08T04:16:09Z"},
        {"\"+0900\"", "2025-04-07T14:16:09Z"},
        {"[+0900]", "2025-04-07T14:16:09Z"},
        {"\"GMT\"", "2025-04-07T23:16:09Z"},
        {"\"JST\"", "2025-04-07T14:16:09Z"},
        {"-0500 (EST) and more", "2025-04-08T04:16:09Z"},
        {"Z", "2025-04-07T23:16:09Z"},
        {"M", "2025-04-07T23:16:09Z"},
        {"P", "2025-04-07T23:16:09Z"},
        {"J", ""},
        {"IST", ""},
        {"BST", ""},
        {"XYZ", ""},
        {"Europe/Berlin", ""},
        {"EST5EDT", ""},
        {"&#43;0200", ""},
        {"=2B0200", ""},
        {"0200", ""},
        {"\xE4\xB8\x8B\xE5\x8D\x88", ""},
    });
    for (const auto& row : rows) {
        CAPTURE(row.zone);
        const auto date = read_mail_date("7 Apr 2025 23:16:09 " + std::string(row.zone));
        REQUIRE(date.has_value());
        CHECK(date->zone_known == !row.utc.empty());
        CHECK(format_utc(date->time) == (row.utc.empty() ? "2025-04-07T23:16:09Z" : row.utc));
    }
}

TEST_CASE("mail date: which form is that of RFC 5322") {
    const auto standard = std::to_array<std::string_view>({
        "Mon, 07 Apr 2025 23:16:09 +0200",
        "mon,7 APR 2025 23:16 -0000",
        "7 Apr 2025 23:16:09 +0200 (CEST)",
        " (a) Mon (b) , 7 (day) Apr (month) 2025\r\n 23:16:09 (zone) +0200\r\n",
        "7 Apr 25 23:16:09 GMT",
        "7 Apr 125 23:16:09 UT",
        "7 Apr 2025 23:16:09 PDT",
        "7 Apr 2025 23:16:09 Z",
        "7 Apr 2025 23:16:09 a",
    });
    for (const auto row : standard) {
        CAPTURE(row);
        const auto date = read_mail_date(row);
        REQUIRE(date.has_value());
        CHECK(date->standard);
        CHECK(date->zone_known);
    }
    const auto odd = std::to_array<std::string_view>({
        "Monday, 7 Apr 2025 23:16:09 +0200",
        "Lun, 7 Apr 2025 23:16:09 +0200",
        "Mon 7 Apr 2025 23:16:09 +0200",
        "Mon, 7 April 2025 23:16:09 +0200",
        "Mon, 7 avr. 2025 23:16:09 +0200",
        "Mon, 7 apr. 2025 23:16:09 +0200",
        "Mon, 7 Apr, 2025 23:16:09 +0200",
        "7-Apr-2025 23:16:09 +0200",
        "7 Apr 2025 3:16:09 +0200",
        "7 Apr 2025 23:16:09.123 +0200",
        "7 Apr 2025 11:16:09 PM +0200",
        "7 Apr 2025 23:16:09",
        "7 Apr 2025 23:16:09 +02:00",
        "7 Apr 2025 23:16:09 +02",
        "7 Apr 2025 23:16:09 UTC",
        "7 Apr 2025 23:16:09 CEST",
        "7 Apr 2025 23:16:09 J",
        "7 Apr 2025 23:16:09 GMT+0200",
        "7 Apr 2025 23:16:09 \"+0200\"",
        "7 Apr 2025 23:16:09 +0200 and more",
        "Mon Apr  7 23:16:09 2025",
        "Mon Apr  7 23:16:09 CET 2025",
        "Apr  7 23:16:09 2025",
    });
    for (const auto row : odd) {
        CAPTURE(row);
        const auto date = read_mail_date(row);
        CHECK_FALSE((date && date->standard));
    }
}

TEST_CASE("mail date: what is none") {
    const auto rows = std::to_array<std::string_view>({
        "",
        "  ",
        "yesterday",
        "Mon,",
        "Mon, 07 Apr",
        "07 Apr 2025",
        "07 Apr 2025 noon",
        "31 Apr 2025 23:16:09 +0000",
        "29 Feb 2025 23:16:09 +0000",
        "0 Apr 2025 23:16:09 +0000",
        "32 Jan 2025 23:16:09 +0000",
        "7 Foo 2025 23:16:09 +0000",
        "7 04 2025 23:16:09 +0000",
        "7 Apr 5 23:16:09 +0000",
        "7 Apr 1066 23:16:09 +0000",
        "7 Apr 20255 23:16:09 +0000",
        "7 Apr 99999999999999999999 23:16:09 +0000",
        "7 Apr 2025 24:00:00 +0000",
        "7 Apr 2025 23:60:00 +0000",
        "7 Apr 2025 23:59:61 +0000",
        "7 Apr 2025 23:5:09 +0000",
        "7 Apr 2025 23:59:9 +0000",
        "7 Apr 2025 -1:59:09 +0000",
        "7 Apr 2025 13:16:09 PM",
        "7 Apr 2025 00:16:09 a.m.",
        "7 Apr 2025 23:16:09 +2400",
        "7 Apr 2025 23:16:09 +0060",
        "7 Apr 2025 23:16:09 +020",
        "7 Apr 2025 23:16:09 +",
        "(7 Apr 2025 23:16:09 +0000",
        "1744060569",
    });
    for (const auto row : rows) {
        CAPTURE(row);
        CHECK_FALSE(parse_mail_date(row).has_value());
    }
}

TEST_CASE("RFC 3339 date: what TLS reports write") {
    const auto rows = std::to_array<Row>({
        {"2025-04-07T00:00:00Z", "2025-04-07T00:00:00Z"},
        {"2025-04-07t23:59:59z", "2025-04-07T23:59:59Z"},
        {"2025-04-07 23:59:59Z", "2025-04-07T23:59:59Z"},
        {"2025-04-07 23:59:59 +0200", "2025-04-07T21:59:59Z"},
        {"2025-04-07T23:59:59", "2025-04-07T23:59:59Z"},
        {"2025-04-07T23:59", "2025-04-07T23:59:00Z"},
        {"2025-04-07T23:59:59.999999999Z", "2025-04-07T23:59:59Z"},
        {"2025-04-07T00:00:00+02:00", "2025-04-06T22:00:00Z"},
        {"2025-04-07T00:00:00-05:30", "2025-04-07T05:30:00Z"},
        {"2025-04-07T00:00:00+02", "2025-04-06T22:00:00Z"},
        {" 2025-04-07T00:00:00Z\n", "2025-04-07T00:00:00Z"},
        {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"},
        {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
        {"9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"},
    });
    for (const auto& row : rows) {
        CAPTURE(row.sent);
        const auto time = parse_rfc3339(row.sent);
        REQUIRE(time.has_value());
        CHECK(format_utc(*time) == row.utc);
    }
}

TEST_CASE("RFC 3339 date: what is none") {
    const auto rows = std::to_array<std::string_view>({
        "",
        "2025-04-07",
        "2025-04-07T",
        "2025-04-31T00:00:00Z",
        "2025-13-01T00:00:00Z",
        "2025-00-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2025-04-07T24:00:00Z",
        "2025-04-07T00:00:00Zulu",
        "2025-04-07T00:00:00+25:00",
        "2025-04-07T00:00:00.Z",
        "20250407T000000Z",
        "25-04-07T00:00:00Z",
        "1744060569",
        "Mon, 07 Apr 2025 23:16:09 +0200",
    });
    for (const auto row : rows) {
        CAPTURE(row);
        CHECK_FALSE(parse_rfc3339(row).has_value());
    }
}

TEST_CASE("day of a time: UTC and clamped to four-digit years") {
    struct DayRow {
        std::int64_t seconds;
        std::string_view day;
        std::string_view utc;
    };
    const auto rows = std::to_array<DayRow>({
        {0, "1970-01-01", "1970-01-01T00:00:00Z"},
        {-1, "1969-12-31", "1969-12-31T23:59:59Z"},
        {-86400, "1969-12-31", "1969-12-31T00:00:00Z"},
        {-86401, "1969-12-30", "1969-12-30T23:59:59Z"},
        {86399, "1970-01-01", "1970-01-01T23:59:59Z"},
        {86400, "1970-01-02", "1970-01-02T00:00:00Z"},
        {1709164800, "2024-02-29", "2024-02-29T00:00:00Z"},
        {INT64_MAX, "9999-12-31", "9999-12-31T23:59:59Z"},
        {INT64_MIN, "0001-01-01", "0001-01-01T00:00:00Z"},
    });
    for (const auto& row : rows) {
        CAPTURE(row.seconds);
        CHECK(day_of(row.seconds) == row.day);
        CHECK(format_utc(row.seconds) == row.utc);
    }
}
