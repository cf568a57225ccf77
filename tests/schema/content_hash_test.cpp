#include "schema/content_hash.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

using namespace dmarcbox::schema;

namespace {

AggregateReport sample() {
    AggregateReport report;
    report.org_name = "Reporter";
    report.report_id = "1";
    report.domain = "example.org";
    report.begin_at = 10;
    report.end_at = 20;
    report.p = "none";
    for (int i = 0; i < 3; ++i) {
        AggregateRecord record;
        record.source_ip = "192.0.2." + std::to_string(i);
        record.count = i + 1;
        record.disposition = "none";
        record.dkim = "pass";
        record.spf = "fail";
        record.header_from = "example.org";
        record.dkim_results = {{"example.org", "s", "pass", ""}, {"esp.example", "e", "pass", ""}};
        record.spf_results = {{"example.org", "", "fail", ""}};
        record.reasons = {{"forwarded", "x"}};
        report.records.push_back(record);
    }
    return report;
}

std::string hex(const Digest& digest) {
    std::string text;
    for (const auto byte : digest) {
        text += "0123456789abcdef"[byte >> 4U];
        text += "0123456789abcdef"[byte & 15U];
    }
    return text;
}

}  // namespace

TEST_CASE("sha256 is that of the standard") {
    CHECK(hex(sha256("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(hex(sha256("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("content hash of aggregate reports: what must not change it") {
    const auto same = content_hash(sample());
    const std::vector<std::function<void(AggregateReport&)>> changes{
        [](auto& r) { std::reverse(r.records.begin(), r.records.end()); },
        [](auto& r) {
            std::reverse(r.records[0].dkim_results.begin(), r.records[0].dkim_results.end());
        },
        [](auto& r) { r.org_email = "other@reporter.example"; },
        [](auto& r) { r.extra_contact_info = "x"; },
        [](auto& r) { r.generator = "x"; },
        [](auto& r) { r.errors = "x"; },
        [](auto& r) { r.version = "2"; },
        [](auto& r) { r.xml_namespace = "urn:x"; },
        [](auto& r) { r.records[0].reasons[0].comment = "y"; },
    };
    for (std::size_t i = 0; i < changes.size(); ++i) {
        INFO(i);
        auto report = sample();
        changes[i](report);
        CHECK(content_hash(report) == same);
    }
}

TEST_CASE("content hash of aggregate reports: what must change it") {
    const auto same = content_hash(sample());
    const std::vector<std::function<void(AggregateReport&)>> changes{
        [](auto& r) { r.org_name = "Other"; },
        [](auto& r) { r.report_id = "2"; },
        [](auto& r) { r.domain = "example.com"; },
        [](auto& r) { r.begin_at = 11; },
        [](auto& r) { r.end_at.reset(); },
        [](auto& r) { r.p = "reject"; },
        [](auto& r) { r.sp = "none"; },
        [](auto& r) { r.np = "none"; },
        [](auto& r) { r.adkim = "s"; },
        [](auto& r) { r.aspf = "s"; },
        [](auto& r) { r.pct = 0; },
        [](auto& r) { r.fo = "1"; },
        [](auto& r) { r.testing = "y"; },
        [](auto& r) { r.records[1].source_ip = "192.0.2.9"; },
        [](auto& r) { r.records[1].count = 9; },
        [](auto& r) { r.records[1].disposition = "reject"; },
        [](auto& r) { r.records[1].dkim = "fail"; },
        [](auto& r) { r.records[1].spf = "pass"; },
        [](auto& r) { r.records[1].header_from = "x.example.org"; },
        [](auto& r) { r.records[1].envelope_from = "<>"; },
        [](auto& r) { r.records[1].envelope_to = "x.example"; },
        [](auto& r) { r.records[1].reasons[0].type = "other"; },
        [](auto& r) { r.records[1].dkim_results[0].selector = "t"; },
        [](auto& r) { r.records[1].dkim_results[0].result = "fail"; },
        [](auto& r) { r.records[1].dkim_results.pop_back(); },
        [](auto& r) { r.records[1].spf_results[0].scope = "helo"; },
        [](auto& r) { r.records.pop_back(); },
        // Length prefixes: a letter that moves to the next field is another content.
        [](auto& r) {
            r.records[1].dkim_results[0].domain = "example.orgs";
            r.records[1].dkim_results[0].selector = "";
        },
    };
    for (std::size_t i = 0; i < changes.size(); ++i) {
        INFO(i);
        auto report = sample();
        changes[i](report);
        CHECK(content_hash(report) != same);
    }
}
