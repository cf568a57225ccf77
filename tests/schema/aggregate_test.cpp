#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "schema/aggregate_parser.hpp"

using namespace dmarcbox::schema;

namespace {

constexpr Limits kLimits{.max_parse_bytes = std::size_t{64} << 20U,
                         .max_text_bytes = 65536,
                         .max_records = 100000,
                         .max_header_fields = 100,
                         .max_findings = 100};

constexpr std::string_view kMetadata =
    "<report_metadata><org_name>Reporter</org_name><email>d@reporter.example</email>"
    "<report_id>1</report_id><date_range><begin>1767225600</begin><end>1767311999</end>"
    "</date_range></report_metadata>";
constexpr std::string_view kPublished =
    "<policy_published><domain>example.org</domain><adkim>r</adkim><aspf>r</aspf><p>none</p>"
    "<sp>none</sp><pct>100</pct></policy_published>";
constexpr std::string_view kRow =
    "<row><source_ip>192.0.2.1</source_ip><count>3</count><policy_evaluated>"
    "<disposition>none</disposition><dkim>pass</dkim><spf>fail</spf></policy_evaluated></row>";
constexpr std::string_view kRest =
    "<identifiers><header_from>example.org</header_from></identifiers><auth_results><dkim>"
    "<domain>example.org</domain><selector>s1</selector><result>pass</result></dkim><spf>"
    "<domain>example.org</domain><result>fail</result></spf></auth_results>";

std::string joined(std::initializer_list<std::string_view> parts) {
    std::string text;
    for (const auto part : parts) {
        text += part;
    }
    return text;
}

std::string record_of(std::string_view row, std::string_view rest = kRest) {
    return joined({"<record>", row, rest, "</record>"});
}

std::string report_of(std::string_view records,
                      std::string_view metadata = kMetadata,
                      std::string_view published = kPublished) {
    return joined(
        {"<?xml version=\"1.0\"?><feedback>", metadata, published, records, "</feedback>"});
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    const auto at = text.find(from);
    REQUIRE_MESSAGE(at != std::string::npos, std::string(from));
    return text.replace(at, from.size(), to);
}

AggregateReport read(const std::string& xml) {
    auto report = parse_aggregate(xml, kLimits, {});
    REQUIRE_MESSAGE(report.has_value(),
                    report.error().finding.code.code << " " << report.error().finding.detail);
    return std::move(*report);
}

std::string error_of(const std::string& xml,
                     const Limits& limits = kLimits,
                     const Expired& expired = {}) {
    const auto report = parse_aggregate(xml, limits, expired);
    return report ? "a report" : std::string(report.error().finding.code.code);
}

/// Codes with a blank between, sorted, each once.
std::string codes(const Findings& findings) {
    std::vector<std::string> names;
    for (const auto& finding : findings) {
        names.emplace_back(finding.code.code);
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    std::string text;
    for (const auto& name : names) {
        text += (text.empty() ? "" : " ") + name;
    }
    return text;
}

const std::string kPlain = report_of(record_of(kRow));

}  // namespace

TEST_CASE("aggregate: a report by the book has every value and no finding") {
    const auto report = read(kPlain);
    CHECK(codes(report.findings) == "");
    CHECK(report.org_name == "Reporter");
    CHECK(report.report_id == "1");
    CHECK(report.begin_at == 1767225600);
    CHECK(report.end_at == 1767311999);
    CHECK(report.domain == "example.org");
    CHECK(report.adkim == "r");
    CHECK(report.p == "none");
    CHECK(report.pct == 100);
    CHECK(report.record_count == 1);
    CHECK(report.message_count() == 3);
    const auto& record = report.records.at(0);
    CHECK(record.source_ip == "192.0.2.1");
    CHECK(record.dkim == "pass");
    CHECK(record.spf == "fail");
    CHECK(record.header_from == "example.org");
    CHECK(record.dkim_results.at(0).selector == "s1");
    CHECK(record.spf_results.at(0).result == "fail");
    CHECK(record.evidence.token == "dkim");
    CHECK(report.passing_keys == std::vector<SigningKey>{{"example.org", "s1"}});
}

TEST_CASE("aggregate: RFC 9990 elements are values") {
    const std::string published =
        "<policy_published><discovery_method>treewalk</discovery_method><domain>example.org"
        "</domain><p>none</p><sp>none</sp><np>reject</np><testing>y</testing></policy_published>";
    std::string metadata(kMetadata);
    metadata = replaced(metadata, "</report_metadata>",
                        "<error>one</error><error>two</error><generator>gen 1</generator>"
                        "</report_metadata>");
    const std::string row = replaced(
        std::string(kRow), "<disposition>none</disposition>",
        "<disposition>pass</disposition><reason><type>policy_test_mode</type><comment lang=\"en\">t"
        "</comment></reason>");
    const std::string rest =
        replaced(std::string(kRest), "<result>fail</result>",
                 "<scope>mfrom</scope><result>policy</result><human_result>why</human_result>");
    std::string xml = report_of(record_of(row, rest), metadata, published);
    xml = replaced(xml, "<feedback>",
                   "<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\"><version>2</version>"
                   "<extension><x xmlns=\"urn:x\">any</x></extension>");
    const auto report = read(xml);
    CHECK(codes(report.findings) == "");
    CHECK(report.xml_namespace == "urn:ietf:params:xml:ns:dmarc-2.0");
    CHECK(report.version == "2");
    CHECK(report.np == "reject");
    CHECK(report.testing == "y");
    CHECK(report.discovery_method == "treewalk");
    CHECK(report.generator == "gen 1");
    CHECK(report.errors == "one\ntwo");
    const auto& record = report.records.at(0);
    CHECK(record.disposition == "pass");
    CHECK(record.reasons.at(0).type == "policy_test_mode");
    CHECK(record.spf_results.at(0).result == "policy");
    CHECK(record.spf_results.at(0).scope == "mfrom");
    CHECK(record.spf_results.at(0).human_result == "why");
}

TEST_CASE("aggregate: prefixes and order do not matter") {
    const std::string xml =
        "<r:feedback xmlns:r=\"urn:x\"><r:record><r:auth_results><r:spf><r:result>pass</r:result>"
        "<r:domain>example.org</r:domain></r:spf></r:auth_results><r:identifiers><r:header_from>"
        "example.org</r:header_from></r:identifiers><r:row><r:policy_evaluated><r:spf>pass</r:spf>"
        "<r:dkim>fail</r:dkim><r:disposition>none</r:disposition></r:policy_evaluated><r:count>7"
        "</r:count><r:source_ip>2001:DB8::1</r:source_ip></r:row></r:record><r:policy_published>"
        "<r:p>none</r:p><r:domain>Example.ORG.</r:domain></r:policy_published><r:report_metadata>"
        "<r:date_range><r:end>1767311999</r:end><r:begin>1767225600</r:begin></r:date_range>"
        "<r:report_id>1</r:report_id><r:email>e</r:email><r:org_name>o</r:org_name>"
        "</r:report_metadata></r:feedback>";
    const auto report = read(xml);
    CHECK(report.message_count() == 7);
    CHECK(report.domain == "example.org");
    CHECK(report.records.at(0).source_ip == "2001:db8::1");
    CHECK(report.records.at(0).evidence.token == "spf");
}

TEST_CASE("aggregate: what is tolerated in values is told by a code") {
    struct Case {
        const char* name;
        std::string_view from;
        std::string_view to;
        const char* codes;
        std::string (*value)(const AggregateReport&);
        const char* expected;
    };
    const auto count = [](const AggregateReport& r) {
        return std::to_string(r.records.at(0).count);
    };
    const auto disposition = [](const AggregateReport& r) { return r.records.at(0).disposition; };
    const auto source = [](const AggregateReport& r) { return r.records.at(0).source_ip; };
    const auto spf = [](const AggregateReport& r) {
        return r.records.at(0).spf_results.at(0).result;
    };
    const auto begin = [](const AggregateReport& r) {
        return r.begin_at ? std::to_string(*r.begin_at) : "";
    };
    const auto pct = [](const AggregateReport& r) { return r.pct ? std::to_string(*r.pct) : ""; };
    const auto from = [](const AggregateReport& r) { return r.records.at(0).envelope_from; };
    const std::vector<Case> cases{
        {"negative count", "<count>3<", "<count>-3<", "bad_count", count, "0"},
        {"count above 10^12", "<count>3<", "<count>1000000000001<", "bad_count", count, "0"},
        {"count of 10^12", "<count>3<", "<count>1000000000000<", "", count, "1000000000000"},
        {"count of words", "<count>3<", "<count>many<", "bad_count", count, "0"},
        {"count of 40 digits", "<count>3<", "<count>9999999999999999999999999999999999999999<",
         "bad_count", count, "0"},
        {"count with a fraction of zero", "<count>3<", "<count>3.0<", "count_fraction", count, "3"},
        {"count with a fraction", "<count>3<", "<count>3.5<", "bad_count", count, "0"},
        {"upper case", "<disposition>none<", "<disposition>None<", "upper_case", disposition,
         "none"},
        {"odd disposition", "<disposition>none<", "<disposition>sampled_out<", "odd_disposition",
         disposition, "sampled_out"},
        {"pass before RFC 9990", "<disposition>none<", "<disposition>pass<", "early_pass",
         disposition, "pass"},
        {"hardfail", "<result>fail</result></spf>", "<result>hardfail</result></spf>", "synonym",
         spf, "fail"},
        {"unknown", "<result>fail</result></spf>", "<result>unknown</result></spf>", "synonym", spf,
         "temperror"},
        {"error", "<result>fail</result></spf>", "<result>error</result></spf>", "synonym", spf,
         "permerror"},
        {"other result", "<result>fail</result></spf>", "<result>Perhaps</result></spf>",
         "odd_spf_result", spf, "perhaps"},
        {"mapped address", "<source_ip>192.0.2.1<", "<source_ip>::ffff:192.0.2.1<", "", source,
         "192.0.2.1"},
        {"address in brackets with port", "<source_ip>192.0.2.1<", "<source_ip>[2001:db8::1]:25<",
         "ip_form", source, "2001:db8::1"},
        {"no address", "<source_ip>192.0.2.1<", "<source_ip>mail.example.org<", "bad_ip", source,
         "mail.example.org"},
        {"fraction", "<begin>1767225600<", "<begin>1767225600.25<", "time_fraction", begin,
         "1767225600"},
        {"milliseconds", "<begin>1767225600<", "<begin>1767225600000<", "time_milliseconds", begin,
         "1767225600"},
        {"ISO 8601", "<begin>1767225600<", "<begin>2026-01-01T00:00:00Z<", "time_iso8601", begin,
         "1767225600"},
        {"a date alone", "<begin>1767225600<", "<begin>2026-01-01<", "time_iso8601", begin,
         "1767225600"},
        {"date of mail", "<begin>1767225600<", "<begin>Thu, 01 Jan 2026 00:00:00 +0000<",
         "time_mail_date", begin, "1767225600"},
        {"microseconds", "<begin>1767225600<", "<begin>1767225600000000<", "time_microseconds",
         begin, "1767225600"},
        {"no time", "<begin>1767225600<", "<begin>yesterday<", "bad_time", begin, ""},
        {"pct of words", "<pct>100<", "<pct>all<", "bad_pct", pct, ""},
        {"several addresses", "<source_ip>192.0.2.1<", "<source_ip>192.0.2.1, 192.0.2.2<", "bad_ip",
         source, "192.0.2.1, 192.0.2.2"},
        {"address broken over lines", "<source_ip>192.0.2.1<", "<source_ip>192.0.2.1\n23<",
         "bad_ip", source, "192.0.2.1 23"},
        {"address with a comment", "<source_ip>192.0.2.1<", "<source_ip>192.0.2.1 (host.example)<",
         "ip_form", source, "192.0.2.1"},
        {"null sender", "<header_from>", "<envelope_from></envelope_from><header_from>", "", from,
         "<>"},
        {"null sender in brackets", "<header_from>",
         "<envelope_from>&lt;&gt;</envelope_from><header_from>", "", from, "<>"},
        {"address for a domain", "<header_from>",
         "<envelope_from>Bob.Smith@Example.COM</envelope_from><header_from>", "address_for_domain",
         from, "example.com"},
        {"address in brackets", "<header_from>",
         "<envelope_from>&lt;a@b.example&gt;</envelope_from><header_from>", "address_for_domain",
         from, "b.example"},
        {"address literal", "<header_from>",
         "<envelope_from>bounce@[192.0.2.9]</envelope_from><header_from>", "bad_domain", from, ""},
        {"address with a semicolon", "<header_from>",
         "<envelope_from>user@example.org;</envelope_from><header_from>", "bad_domain", from, ""},
        {"address without a domain", "<header_from>",
         "<envelope_from>user@</envelope_from><header_from>", "bad_domain", from, ""},
        {"sender NULL", "<header_from>", "<envelope_from>NULL</envelope_from><header_from>",
         "null_domain", from, ""},
        {"sender of a dot", "<header_from>", "<envelope_from>.</envelope_from><header_from>",
         "trailing_dot", from, ""},
        {"final dots", "<header_from>", "<envelope_from>example.com..</envelope_from><header_from>",
         "trailing_dot", from, "example.com"},
        {"a blank before the final dot", "<header_from>",
         "<envelope_from>example.com .</envelope_from><header_from>", "trailing_dot", from,
         "example.com"},
        {"absent sender", "<count>3<", "<count>3<", "", from, ""},
    };
    for (const auto& c : cases) {
        INFO(std::string(c.name));
        const auto report = read(replaced(kPlain, c.from, c.to));
        CHECK(codes(report.findings) == c.codes);
        CHECK(c.value(report) == c.expected);
    }
}

TEST_CASE("aggregate: an address without a domain is told as sent") {
    const auto report = read(replaced(
        kPlain, "<header_from>", "<envelope_from>u@exa$mple.org</envelope_from><header_from>"));
    REQUIRE(report.findings.size() == 1);
    CHECK(report.findings[0].detail == "u@exa$mple.org");
}

TEST_CASE("aggregate: references to characters that XML does not allow are U+FFFD") {
    struct Case {
        const char* name;
        std::string_view sent;
        std::string_view expected;
        std::string_view details;  ///< of bad_character, with a blank between
    };
    const std::vector<Case> cases{
        {"NUL ends no value", "a&#0;b", "a\ufffdb", "&#0;"},
        {"NUL in other digits", "&#00;&#x0;&#x000;", "\ufffd\ufffd\ufffd", "&#00; &#x0; &#x000;"},
        {"control", "a&#x1f;b", "a\ufffdb", "&#x1f;"},
        {"allowed controls", "a&#9;&#10;&#xD;b", "a b", ""},
        {"surrogates", "&#xD83D;&#xDE00;", "\ufffd\ufffd", "&#xD83D; &#xDE00;"},
        {"no characters", "&#xFFFE;&#xffff;", "\ufffd\ufffd", "&#xFFFE; &#xffff;"},
        {"last character", "&#x10FFFF;", "\U0010ffff", ""},
        {"beyond the last character", "&#1114112;", "\ufffd", "&#1114112;"},
        {"more than 32 bits", "&#4294967361;&#x10000000000000041;", "\ufffd\ufffd",
         "&#4294967361; &#x10000000000000041"},
        {"zeros in front", "&#x0000000000000000041;&#000000000000000000065;", "AA", ""},
        {"CDATA", "<![CDATA[&#0;]]>&#0;<![CDATA[&#0;]]>", "&#0;\ufffd&#0;", "&#0;"},
        {"comment", "a<!-- &#0; -->b", "ab", ""},
        {"comment in CDATA", "<![CDATA[<!--]]>a&#0;b<!-- -->", "<!--a\ufffdb", "&#0;"},
        {"CDATA in a comment", "<!-- <![CDATA[ -->a&#0;b<![CDATA[]]>", "a\ufffdb", "&#0;"},
        {"an escaped ampersand", "&amp;#0;", "&#0;", ""},
    };
    for (const auto& c : cases) {
        INFO(std::string(c.name));
        const auto report = read(replaced(kPlain, "Reporter", c.sent));
        CHECK(report.org_name == c.expected);
        std::string details;
        for (const auto& finding : report.findings) {
            CHECK(finding.code.code == "bad_character");
            details += (details.empty() ? "" : " ") + finding.detail;
        }
        CHECK(details == c.details);
    }
    CHECK(read(replaced(kPlain, "<count>3", "<count>1&#0;99")).message_count() == 0);
    CHECK(read(replaced(kPlain, "<report_id>1", "<report_id>1&#0;a")).content_sha256 !=
          read(replaced(kPlain, "<report_id>1", "<report_id>1&#0;b")).content_sha256);
    CHECK(read(replaced(kPlain, "<feedback>", "<feedback xmlns=\"a&#0;b\">")).xml_namespace ==
          "a\ufffdb");
}

TEST_CASE("aggregate: a million references to NUL are replaced quickly") {
    std::string sent;
    for (int i = 0; i < 1000000; ++i) {
        sent += "&#0;";
    }
    const auto report = read(replaced(kPlain, "Reporter", sent));
    CHECK(report.org_name.size() == kLimits.max_text_bytes - 1);  // whole characters of 3 bytes
    CHECK(codes(report.findings) == "bad_character cut");
}

TEST_CASE("aggregate: what is odd in structure is told by a code") {
    struct Case {
        const char* name;
        std::string_view from;
        std::string_view to;
        const char* codes;
    };
    const std::vector<Case> cases{
        {"unknown element", "<count>3</count>", "<count>3</count><weight>2</weight>",
         "unknown_element"},
        {"element of another namespace", "<count>3</count>",
         "<count>3</count><x:weight xmlns:x=\"urn:x\">2</x:weight>", ""},
        {"known name in another namespace", "<count>3</count>",
         "<count>3</count><x:count xmlns:x=\"urn:x\">77</x:count>", "foreign_element"},
        {"known name with a default namespace", "<count>3</count>",
         "<count>3</count><count xmlns=\"urn:x\">77</count>", "foreign_element"},
        {"unknown name in a namespace where no such element belongs", "<count>3</count>",
         "<count>3</count><x:type xmlns:x=\"urn:x\">other</x:type>", "foreign_element"},
        {"a prefix that nobody declared", "<count>3</count>", "<x:count>3</x:count>", ""},
        {"identities", "<identifiers>", "<identities>", "misspelt_element"},
        {"repeated element", "<count>3</count>", "<count>3</count><count>4</count>",
         "repeated_element"},
        {"no policy", kPublished, "", "missing_element"},
        {"no metadata", kMetadata, "", "missing_element"},
        {"empty result", "<spf><domain>example.org</domain><result>fail</result></spf>",
         "<spf></spf>", "empty_result"},
        {"reason as text", "<dkim>pass</dkim>", "<reason>sampled_out</reason><dkim>pass</dkim>",
         "reason_text"},
        {"reason as text beside a comment", "<dkim>pass</dkim>",
         "<reason>sampled_out<comment>x</comment></reason><dkim>pass</dkim>", "reason_text"},
        {"text beside the reason's type", "<dkim>pass</dkim>",
         "<reason>because<type>forwarded</type></reason><dkim>pass</dkim>", "stray_text"},
        {"text between elements", "<record>", "<record>oops", "stray_text"},
        {"DOCTYPE", "<feedback>", "<!DOCTYPE feedback [<!ENTITY a \"b\">]><feedback>", "doctype"},
        {"text behind the report", "</feedback>", "</feedback>thanks", "text_after_root"},
        {"text before the report", "<?xml", "Report:\n<?xml", "text_before_root"},
        {"raw ampersand", ">Reporter<", ">R & D<", "raw_ampersand"},
        {"ampersand in CDATA or a comment", ">Reporter<",
         "><!-- a & b --><![CDATA[R & D && E]]>&amp;<![CDATA[F & G]]><", ""},
        {"raw ampersand behind CDATA", ">Reporter<", "><![CDATA[R & D]]> & E<", "raw_ampersand"},
        {"raw less-than", ">Reporter<", ">a < b<", "raw_less_than"},
        {"record without source", "<source_ip>192.0.2.1</source_ip>", "", "no_source_ip"},
    };
    for (const auto& c : cases) {
        INFO(std::string(c.name));
        std::string xml = replaced(kPlain, c.from, c.to);
        if (c.to == "<identities>") {
            xml = replaced(xml, "</identifiers>", "</identities>");
        }
        const auto report = read(xml);
        CHECK(codes(report.findings) == c.codes);
        CHECK(report.record_count == 1);
    }
}

TEST_CASE("aggregate: the reason's type stands in its element or as its text") {
    struct Case {
        std::string_view sent;
        const char* type;
        const char* comment;
    };
    const std::vector<Case> cases{
        {"sampled_out", "sampled_out", ""},
        {" Sampled_Out\n<comment>x</comment>", "sampled_out", "x"},
        {"<comment>x</comment>forwarded", "forwarded", "x"},
        {"<![CDATA[forwarded]]><comment>x</comment>", "forwarded", "x"},
        {"forwarded<type/>", "forwarded", ""},
        {"because<type>forwarded</type>", "forwarded", ""},
    };
    for (const auto& c : cases) {
        INFO(std::string(c.sent));
        const auto report =
            read(replaced(kPlain, "<dkim>pass</dkim>",
                          joined({"<reason>", c.sent, "</reason><dkim>pass</dkim>"})));
        REQUIRE(report.records.at(0).reasons.size() == 1);
        CHECK(report.records[0].reasons[0].type == c.type);
        CHECK(report.records[0].reasons[0].comment == c.comment);
    }
}

TEST_CASE("aggregate: reports without records are reports") {
    const std::string zero = replaced(std::string(kRow), "<count>3<", "<count>0<");
    const std::string empty =
        "<row><source_ip></source_ip><count>0</count><policy_evaluated></policy_evaluated></row>";
    const auto none = read(report_of(""));
    CHECK(none.record_count == 0);
    CHECK(codes(none.findings) == "no_records");
    const auto null = read(report_of(record_of(empty)));
    CHECK(null.record_count == 1);
    CHECK(null.records.empty());
    CHECK(codes(null.findings) == "null_record");
    const auto counted = read(report_of(record_of(zero)));
    CHECK(counted.records.size() == 1);
    CHECK(counted.message_count() == 0);
}

TEST_CASE("aggregate: a truncated report yields nothing at any byte") {
    const std::string xml = report_of(record_of(kRow) + record_of(kRow));
    const auto end = xml.rfind("</feedback>");
    for (std::size_t length = 0; length < end; ++length) {
        const auto report = parse_aggregate(xml.substr(0, length), kLimits, {});
        CHECK_MESSAGE(!report.has_value(), length);
    }
}

TEST_CASE("aggregate: what is no report says so") {
    CHECK(error_of("<html><body>hello</body></html>") == "no_report");
    CHECK(error_of("") == "no_report");
    CHECK(error_of("<feedback/>") == "no_report");
    CHECK(error_of("<feedback><record></feedback>") == "not_well_formed");
    CHECK(looks_like_aggregate(kPlain));
    CHECK(looks_like_aggregate("<a:feedback xmlns:a='x'>"));
    CHECK_FALSE(looks_like_aggregate("<html>feedback</html>"));
    CHECK_FALSE(looks_like_aggregate("<feedback@example.org> is the address"));
    CHECK_FALSE(looks_like_aggregate("A report begins with <feedback> and ends."));
    CHECK(looks_like_aggregate("The report:\n" + kPlain));
    CHECK(looks_like_aggregate("<?xml version=\"1.0\"?>\n<feedback>"));
}

TEST_CASE("aggregate: limits end the reading with their code") {
    Limits limits = kLimits;
    limits.max_records = 1;
    CHECK(error_of(report_of(record_of(kRow) + record_of(kRow)), limits) == "too_many_records");
    CHECK(error_of(kPlain, kLimits, [] { return true; }) == "time");
    limits = kLimits;
    limits.max_parse_bytes = 20000;
    std::string records;
    for (int i = 0; i < 200; ++i) {
        records += record_of(kRow);
    }
    CHECK(error_of(report_of(records), limits) == "memory");
    limits = kLimits;
    limits.max_text_bytes = 10;
    const auto cut =
        parse_aggregate(replaced(kPlain, ">Reporter<", ">Reporter M\xc3\xbcller<"), limits, {});
    REQUIRE(cut.has_value());
    CHECK(cut->org_name == "Reporter M");
    CHECK(codes(cut->findings).find("cut") != std::string::npos);
}

TEST_CASE("aggregate: a large report read in slices is the same as one read whole") {
    std::string records;
    for (int i = 0; i < 6000; ++i) {
        records +=
            replaced(record_of(kRow), "<count>3<", "<count>" + std::to_string(i % 7 + 1) + "<");
    }
    const std::string xml = report_of(records);
    REQUIRE(xml.size() > (std::size_t{2} << 20U));
    const auto report = read(xml);
    CHECK(report.record_count == 6000);
    CHECK(report.records.size() == 6000);
    std::int64_t sum = 0;
    for (int i = 0; i < 6000; ++i) {
        sum += i % 7 + 1;
    }
    CHECK(report.message_count() == sum);
    CHECK(report.domain == "example.org");
    CHECK(codes(report.findings) == "");
    CHECK(error_of(xml.substr(0, xml.size() - 30)) == "not_well_formed");
}

TEST_CASE("aggregate: hostile documents end quickly with a code") {
    std::string laughs = "<!DOCTYPE feedback [<!ENTITY a \"ha\">";
    for (char c = 'b'; c < 'l'; ++c) {
        laughs += std::string("<!ENTITY ") + c + " \"";
        for (int i = 0; i < 10; ++i) {
            laughs += std::string("&") + static_cast<char>(c - 1) + ";";
        }
        laughs += "\">";
    }
    const auto report = read(
        replaced(replaced(kPlain, "<feedback>", laughs + "]><feedback>"), ">Reporter<", ">&k;<"));
    CHECK(report.org_name.size() < 10);
    std::string deep = "<feedback>";
    for (int i = 0; i < 200000; ++i) {
        deep += "<a>";
    }
    CHECK(error_of(deep) != "a report");
    std::string attributes = "<feedback ";
    for (int i = 0; i < 200000; ++i) {
        attributes += "a" + std::to_string(i) + "=\"\" ";
    }
    CHECK(error_of(attributes + "/>") == "no_report");
}

TEST_CASE("aggregate: extensions in a namespace of their own add nothing") {
    const std::string root =
        "<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\" xmlns:x=\"urn:x\">";
    const auto foreign = [](std::string text, std::string_view name) {
        for (const std::string tag : {"<", "</"}) {
            const auto at = text.find(tag + std::string(name) + ">");
            REQUIRE(at != std::string::npos);
            text.insert(at + tag.size(), "x:");
        }
        return text;
    };
    const std::string record = record_of(kRow);
    const std::vector<std::pair<const char*, std::string>> cases{
        {"record", foreign(record, "record")},
        {"row before the record's own", "<record>" + foreign(std::string(kRow), "row") +
                                            std::string(kRow) + std::string(kRest) + "</record>"},
    };
    for (const auto& [name, records] : cases) {
        INFO(std::string(name));
        const bool whole = std::string_view(name) != "record";
        const auto report = read(
            joined({root, kMetadata, kPublished, records, whole ? "" : record, "</feedback>"}));
        REQUIRE(report.records.size() == 1);
        CHECK(report.records[0].count == 3);
        CHECK(report.records[0].dkim_results.size() == 1);
    }
}

TEST_CASE("aggregate: a prefix declared by the root is known in slices of a large report") {
    std::string records;
    while (records.size() < std::size_t{3} << 20U) {
        records += record_of(kRow) + "<x:record><x:row><x:count>9</x:count></x:row></x:record>";
    }
    const auto report =
        read(joined({"<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\" "
                     "xmlns:x=\"urn:x\">",
                     kMetadata, kPublished, records, "</feedback>"}));
    CHECK(report.records.size() == static_cast<std::size_t>(report.record_count));
    CHECK(std::all_of(report.records.begin(), report.records.end(),
                      [](const auto& r) { return r.count == 3; }));
}

namespace {

/// The report with `prefix` before the names of all elements but the root.
std::string prefixed(std::string_view text, std::string_view prefix) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        out += text[at];
        const auto rest = text.substr(at + 1);
        const bool start = text[at] == '<' && rest.find_first_of("/?") != 0;
        const bool end = text[at] == '/' && text.substr(0, at).ends_with('<');
        if ((start || end) && !rest.starts_with("feedback")) {
            out += prefix;
        }
    }
    return out;
}

}  // namespace

TEST_CASE("aggregate: elements of another namespace are read where the report has no others") {
    struct Case {
        const char* name;
        std::string xml;
        const char* finding;  ///< the only one's detail
    };
    const auto with = [](std::string_view from, std::string_view to) {
        return replaced(kPlain, from, to);
    };
    const std::vector<Case> cases{
        {"record", with("<record>", "<record xmlns=\"http://dmarc.org/dmarc-xml/0.1/rua.xsd\">"),
         "http://dmarc.org/dmarc-xml/0.1/rua.xsd"},
        {"report_metadata",
         with("<report_metadata>", "<report_metadata xmlns=\"http://dmarc.org/dmarc-xml/0.1/\">"),
         "http://dmarc.org/dmarc-xml/0.1/"},
        {"count", with("<count>", "<count xmlns=\"urn:x\">"), "urn:x"},
        {"all but the root",
         prefixed(with("<feedback>", "<feedback xmlns:v=\"urn:vendor\">"), "v:"), "urn:vendor"},
    };
    const auto plain = read(kPlain);
    for (const auto& c : cases) {
        INFO(std::string(c.name));
        const auto report = read(c.xml);
        CHECK(report.content_sha256 == plain.content_sha256);
        CHECK(report.record_count == 1);
        CHECK(report.org_email == plain.org_email);
        CHECK(codes(report.findings) == "odd_namespace");
        CHECK(report.findings.at(0).detail == c.finding);
    }
}

TEST_CASE("aggregate: a large report in another namespace is read in slices as whole") {
    const std::string foreign =
        "<record xmlns=\"urn:x\">" + std::string(kRow) + std::string(kRest) + "</record>";
    const auto large = [](const std::string& first, const std::string& last) {
        std::string records = first;
        while (records.size() < std::size_t{3} << 20U) {
            records += last;
        }
        return records;
    };
    const std::string own = record_of(kRow);
    const auto all = read(report_of(large(foreign, foreign)));
    CHECK(all.records.size() == static_cast<std::size_t>(all.record_count));
    CHECK(all.message_count() == 3 * all.record_count);
    CHECK(all.record_count > 6000);
    CHECK(codes(all.findings) == "odd_namespace");
    const auto first_own = read(report_of(large(own, foreign)));
    CHECK(first_own.record_count == 1);
    CHECK(codes(first_own.findings) == "foreign_element");
    const auto last_own = read(report_of(large(foreign, foreign) + own));
    CHECK(last_own.record_count == 1);
    CHECK(codes(last_own.findings) == "foreign_element");
    const auto metadata = read(report_of(
        replaced(std::string(kMetadata), "<report_metadata>", "<report_metadata xmlns=\"urn:x\">") +
            large(own, own) + std::string(kMetadata),
        ""));
    CHECK(metadata.report_id == "1");
    CHECK(codes(metadata.findings) == "foreign_element");
}

TEST_CASE("aggregate: errors are cut where the column ends") {
    const auto with = [](std::string_view errors) {
        return read(
            replaced(report_of(record_of(kRow)), "<report_id>", joined({errors, "<report_id>"})));
    };
    const std::string e(40000, 'e');
    const auto long_one = with("<error>" + e + e + "</error>");
    CHECK(long_one.errors == (e + e).substr(0, kLimits.max_text_bytes));
    CHECK(codes(long_one.findings) == "cut");
    const auto second = with("<error>" + e + "</error><error>" + e + "</error>");
    CHECK(second.errors == (e + "\n" + e).substr(0, kLimits.max_text_bytes));
    CHECK(codes(second.findings) == "cut");
    // No blank and no empty line where the cut falls on one.
    const std::string full(kLimits.max_text_bytes - 2, 'e');
    CHECK(with("<error>" + full + " e e</error>").errors == full + " e");
    CHECK(with("<error>" + full + "e e</error>").errors == full + "e");
    const auto no_room = with("<error>" + full + "e</error><error>e</error>");
    CHECK(no_room.errors == full + "e");
    CHECK(codes(no_room.findings) == "cut");
}

TEST_CASE("aggregate: what stands behind a raw ampersand is shown in whole characters") {
    const auto report = read(replaced(kPlain, ">Reporter<", ">A &Söhne & Söhne Straßenbäü<"));
    REQUIRE(report.findings.size() == 2);
    CHECK(report.findings[0].detail == "Söhne ");
    CHECK(report.findings[1].detail == " Söhne Straßenbä");  // byte 20 is inside the last letter
}

TEST_CASE("aggregate: several reports in one document are cut into one each") {
    const std::string one = "<feedback>a</feedback>";
    struct Case {
        const char* name;
        std::string text;
        std::vector<std::string> pieces;
    };
    const std::vector<Case> cases{
        {"one", one, {}},
        {"none", "<html></html>", {}},
        {"beside each other", one + "\n" + one, {one, one}},
        {"in one element", "<r>" + one + one + "</r>", {"<r>" + one, one}},
        {"with a prefix",
         "<d:feedback>a</d:feedback><d:feedback/ ></d:feedback>",
         {"<d:feedback>a</d:feedback>", "<d:feedback/ ></d:feedback>"}},
        {"a third that breaks off", one + one + "\n<feedback>b", {one, one, "<feedback>b"}},
        {"a third whose end tag breaks off",
         one + one + "<feedback>b</feedback",
         {one, one, "<feedback>b</feedback"}},
        {"a third with a prefix",
         one + one + "<d:feedback>b</d:feedback>",
         {one, one, "<d:feedback>b</d:feedback>"}},
        {"a second that breaks off", one + "<feedback>b", {}},
        {"text behind the last", one + one + "\nthanks", {one, one + "\nthanks"}},
        {"text behind the element around",
         "<r>" + one + one + "</r > thanks",
         {"<r>" + one, one + "</r > thanks"}},
        {"ends of elements around", "<q><r>" + one + one + "</r>\n</q>\n", {"<q><r>" + one, one}},
        {"an end too many", one + "</feedback>", {}},
        {"an end in a comment", "<feedback><!--</feedback>--></feedback>", {}},
    };
    for (const auto& c : cases) {
        INFO(std::string(c.name));
        const auto pieces = split_aggregates(c.text);
        CHECK(std::vector<std::string>(pieces.begin(), pieces.end()) == c.pieces);
    }
    std::string many;
    for (int i = 0; i < 101; ++i) {
        many += one;
    }
    CHECK(split_aggregates(many).empty());
    many.resize(many.size() - one.size());
    CHECK(split_aggregates(many).size() == 100);
    CHECK(split_aggregates(many + "<feedback>").empty());
}

TEST_CASE("aggregate: of several reports the last tells what it lacks and what stands behind it") {
    const auto last = [](std::string_view behind) {
        const std::string xml = joined({kPlain, kPlain, behind});
        const auto pieces = split_aggregates(xml);
        REQUIRE(pieces.size() > 1);
        const auto report = parse_aggregate(std::string(pieces.back()), kLimits, {});
        return report ? codes(report->findings) : std::string(report.error().finding.code.code);
    };
    CHECK(last("") == "");
    CHECK(last("\n<!-- end -->\n") == "");
    CHECK(last("thanks") == "text_after_root");
    CHECK(last("<other/>") == "second_root");
    const auto end = kPlain.rfind("</feedback>");
    for (auto length = kPlain.find("<feedback>") + 10; length < end; ++length) {
        CHECK_MESSAGE(last(kPlain.substr(0, length)) == "not_well_formed", length);
    }
}
