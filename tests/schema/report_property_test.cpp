#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schema/aggregate_parser.hpp"
#include "schema/content_hash.hpp"
#include "schema/date_time.hpp"
#include "schema/domain_name.hpp"
#include "schema/ip_address.hpp"
#include "tests/support/aggregate_xml.hpp"

using namespace dmarcbox::schema;
using namespace dmarcbox::test;

namespace {

constexpr Limits kLimits{.max_parse_bytes = std::size_t{256} << 20U,
                         .max_text_bytes = 65536,
                         .max_records = 100'000,
                         .max_header_fields = 2000,
                         .max_findings = 100};

using Words = std::vector<std::string>;

bool coin() {
    return *rc::gen::arbitrary<bool>();
}

std::string word(const Words& words) {
    return *rc::gen::elementOf(words);
}

/// A value as columns hold it: single blanks inside, any characters, or absent.
std::string text() {
    static const Words kWords{"Report", "a",         "&",     "<b>",   "\"q\"", "'",
                              "]]>",    "<![CDATA[", "--",    "@",     "x.y",   "é",
                              "漢字",   "😀",         "&amp;", "&#10;", "null",  "0"};
    std::string made;
    const int size = *rc::gen::inRange(0, 5);
    for (int i = 0; i < size; ++i) {
        made += (made.empty() ? "" : " ") + word(kWords) + (coin() ? word(kWords) : "");
    }
    return made;
}

std::string domain() {
    return word({"", "example.org", "mail.example.org", "a-b.example", "xn--d1acufc.example",
                 "münchen.example", "localhost", "_dmarc.example.net"});
}

std::string address() {
    IpAddress made;
    const auto bytes =
        *rc::gen::container<std::array<std::uint8_t, 16>>(rc::gen::arbitrary<std::uint8_t>());
    made.bytes = bytes;
    const int zeros = *rc::gen::inRange(0, 17);
    std::fill_n(made.bytes.begin() + (16 - zeros) / 2, zeros, std::uint8_t{0});
    if (coin()) {  // IPv4
        std::fill_n(made.bytes.begin(), 10, std::uint8_t{0});
        std::fill_n(made.bytes.begin() + 10, 2, std::uint8_t{0xff});
    }
    return made.text();
}

std::int64_t count() {
    return *rc::gen::oneOf(rc::gen::inRange<std::int64_t>(0, 20),
                           rc::gen::inRange<std::int64_t>(0, 1'000'000'000'001));
}

const Words kDkim{"pass", "fail", "none", "permerror", "neutral", "temperror", "policy"};
const Words kSpf{"pass", "fail", "softfail", "none", "neutral", "temperror", "permerror"};

AggregateRecord record() {
    AggregateRecord made;
    made.source_ip = coin() ? address() : "192.0.2.1";
    made.count = count();
    if (made.count > 0 && *rc::gen::inRange(0, 10) == 0) {
        made.source_ip.clear();
    }
    made.disposition = word({"none", "quarantine", "reject", "pass", ""});
    made.dkim = word({"pass", "fail", ""});
    made.spf = word({"pass", "fail", ""});
    made.header_from = domain();
    made.envelope_from = coin() ? domain() : "<>";
    made.envelope_to = domain();
    for (int i = *rc::gen::inRange(0, 3); i > 0; --i) {
        made.reasons.push_back(
            {word({"local_policy", "forwarded", "mailing_list", "other", "policy_test_mode"}),
             text()});
    }
    for (int i = *rc::gen::inRange(0, 3); i > 0; --i) {
        made.dkim_results.push_back({domain(), text(), word(kDkim), text()});
    }
    for (int i = *rc::gen::inRange(0, 3); i > 0; --i) {
        made.spf_results.push_back({domain(), word({"", "mfrom", "helo"}), word(kSpf), text()});
    }
    return made;
}

AggregateReport report() {
    const auto time = rc::gen::oneOf(rc::gen::inRange<std::int64_t>(1'700'000'000, 1'800'000'000),
                                     rc::gen::inRange<std::int64_t>(-100, 253'402'300'800));
    AggregateReport made;
    made.org_name = text();
    made.org_email = text();
    made.extra_contact_info = text();
    made.report_id = text();
    if (coin()) {
        made.begin_at = *time;
        made.end_at = *time;
    }
    made.domain = domain();
    const Words modes{"", "r", "s"};
    const Words policies{"", "none", "quarantine", "reject"};
    made.adkim = word(modes);
    made.aspf = word(modes);
    made.p = word(policies);
    made.sp = word(policies);
    made.np = word(policies);
    if (coin()) {
        made.pct = *rc::gen::inRange(0, 101);
    }
    made.fo = word({"", "0", "1:d:s"});
    made.testing = word({"", "y", "n"});
    made.discovery_method = word({"", "psl", "treewalk"});
    made.version = word({"", "1.0"});
    made.xml_namespace = word({"", "urn:ietf:params:xml:ns:dmarc-2.0"});
    made.generator = text();
    for (int i = *rc::gen::inRange(0, 3); i > 0; --i) {
        const auto error = text();
        made.errors += (made.errors.empty() || error.empty() ? "" : "\n") + error;
    }
    for (int i = *rc::gen::inRange(0, 6); i > 0; --i) {
        made.records.push_back(record());
    }
    made.record_count = static_cast<std::int64_t>(made.records.size());
    return made;
}

/// Elements of one name stay in their order: they are lists.
void shuffle(Element& element) {
    std::map<std::string, int> rank;
    for (auto& child : element.children) {
        rank.emplace(child.name, *rc::gen::inRange(0, 1000));
        shuffle(child);
    }
    std::stable_sort(element.children.begin(), element.children.end(),
                     [&](const Element& a, const Element& b) {
                         return std::pair(rank[a.name], a.name) < std::pair(rank[b.name], b.name);
                     });
}

void parses_back(const AggregateReport& sent, const std::string& xml) {
    const auto read = parse_aggregate(xml, kLimits, {});
    RC_ASSERT(read.has_value());
    RC_ASSERT(printed(*read) == printed(sent));
    RC_ASSERT(read->record_count == sent.record_count);
    RC_ASSERT(read->message_count() == sent.message_count());
    RC_ASSERT(read->content_sha256 == content_hash(sent));
    // Values by the book: at most something is missing that the RFCs want.
    static const std::set<std::string_view> kMissing{"missing_element", "no_records",
                                                     "no_source_ip", "early_pass", "null_domain"};
    for (const auto& finding : read->findings) {
        RC_LOG() << finding.code.code << ' ' << finding.detail << '\n';
        RC_ASSERT(kMissing.contains(finding.code.code));
    }
}

}  // namespace

TEST_CASE("an aggregate report printed to XML parses back equal") {
    CHECK(rc::check([] {
        const AggregateReport sent = report();
        Element tree = tree_of(sent);
        XmlStyle style{{}, word({"", "\n", "\r\n  "}), coin()};
        if (!sent.xml_namespace.empty() && coin()) {
            style.prefix = "d:";
        }
        if (coin()) {
            shuffle(tree);
        }
        const std::string xml = xml_of(sent, tree, style);
        RC_LOG() << xml << '\n';
        parses_back(sent, xml);
    }));
}

// Above 2 MiB of text a document is cut at its records and read piece by piece.
TEST_CASE("an aggregate report of thousands of records parses back equal") {
    AggregateReport sent;
    CHECK(rc::check([&sent] {
        if (sent.records.size() < 100) {
            for (const auto& more : report().records) {
                sent.records.push_back(more);
            }
        }
    }));
    const auto some = sent.records;
    sent.domain = "example.org";
    sent.org_name = "Reporter";
    while (printed(sent).size() < std::size_t{3} << 20U) {
        for (int i = 0; i < 10; ++i) {
            sent.records.insert(sent.records.end(), some.begin(), some.end());
        }
    }
    sent.record_count = static_cast<std::int64_t>(sent.records.size());
    const auto read = parse_aggregate(printed(sent), kLimits, {});
    REQUIRE(read.has_value());
    CHECK(printed(*read) == printed(sent));
    CHECK(read->content_sha256 == content_hash(sent));
}

TEST_CASE("the content hash knows no order of records and results and no comment") {
    CHECK(rc::check([] {
        AggregateReport sent = report();
        const auto hash = content_hash(sent);
        const auto rotate = [](auto& list) {
            if (!list.empty()) {
                std::rotate(list.begin(),
                            list.begin() + *rc::gen::inRange<std::ptrdiff_t>(
                                               0, static_cast<std::ptrdiff_t>(list.size())),
                            list.end());
            }
        };
        rotate(sent.records);
        for (auto& record : sent.records) {
            rotate(record.reasons);
            rotate(record.dkim_results);
            rotate(record.spf_results);
            for (auto& reason : record.reasons) {
                reason.comment += "x";
            }
        }
        sent.org_email += "x";
        sent.generator += "x";
        sent.errors += "x";
        RC_ASSERT(content_hash(sent) == hash);
        if (!sent.records.empty()) {
            ++(*rc::gen::elementOf(std::vector<std::size_t>{0, sent.records.size() - 1}) == 0
                   ? sent.records.front()
                   : sent.records.back())
                  .count;
            RC_ASSERT(content_hash(sent) != hash);
        }
    }));
}

TEST_CASE("canonical domains stay as they are") {
    CHECK(rc::check([] {
        const auto sent =
            *rc::gen::container<std::string>(rc::gen::elementOf(std::string("aB1-.. \t\r\n_@")));
        const auto once = normalize_domain(sent);
        RC_ASSERT(normalize_domain(once) == once);
        const auto organization = organizational_domain(once);
        RC_ASSERT(organizational_domain(organization) == organization);
        RC_ASSERT(once.ends_with(organization));
        RC_ASSERT(same_organization(once, organization) == !once.empty());
    }));
}

TEST_CASE("canonical addresses read back exactly and lie in their network") {
    CHECK(rc::check([] {
        const auto sent = address();
        const auto read = parse_ip(sent);
        RC_ASSERT(read.has_value());
        RC_ASSERT(read->exact);
        RC_ASSERT(read->address.text() == sent);
        const auto network = parse_ip_range(read->address.network());
        RC_ASSERT(network.has_value());
        RC_ASSERT(network->contains(read->address));
        RC_ASSERT(network->first.network() == network->last.network());
        // The forms that reporters dress an address in.
        const auto dressed =
            (sent.find(':') == std::string::npos
                 ? word({sent + ":25", "[" + sent + "]", "::ffff:" + sent})
                 : word({"[IPv6:" + sent + "]", sent + "%eth0", "[" + sent + "]:25"})) +
            word({"", " (host.example)", "\r\n"});
        const auto again = parse_ip(dressed);
        RC_LOG() << dressed << '\n';
        RC_ASSERT(again.has_value());
        RC_ASSERT(again->address == read->address);
    }));
}

TEST_CASE("times read back from the text they are printed as") {
    CHECK(rc::check([] {
        const auto time = *rc::gen::inRange<std::int64_t>(-62'135'596'800, 253'402'300'800);
        const auto text = format_utc(time);
        RC_ASSERT(parse_rfc3339(text) == time);
        RC_ASSERT(text.starts_with(day_of(time)));
        RC_ASSERT(parse_rfc3339(day_of(time) + "T00:00:00Z") ==
                  time - (time % 86400 + 86400) % 86400);
    }));
}
