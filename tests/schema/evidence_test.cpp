#include "schema/evidence.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace dmarcbox::schema;

namespace {

struct Case {
    const char* name;
    const char* dkim;  ///< aligned results
    const char* spf;
    std::vector<DkimAuthResult> dkim_results;
    std::vector<SpfAuthResult> spf_results;
    std::vector<OverrideReason> reasons;
    const char* mode;  ///< adkim and aspf
    const char* token;
    bool final = true;
};

AggregateRecord classified(const Case& c) {
    AggregateReport report;
    report.domain = "example.org";
    report.adkim = report.aspf = c.mode;
    AggregateRecord record;
    record.count = 1;
    record.dkim = c.dkim;
    record.spf = c.spf;
    record.header_from = "news.example.org";
    record.dkim_results = c.dkim_results;
    record.spf_results = c.spf_results;
    record.reasons = c.reasons;
    report.records.push_back(record);
    classify_records(report);
    return report.records.front();
}

}  // namespace

TEST_CASE("evidence: the first rule that fits gives the token") {
    const std::vector<Case> cases{
        {"both aligned", "pass", "pass", {}, {}, {}, "r", "dkim+spf"},
        {"aligned dkim", "pass", "fail", {}, {}, {}, "r", "dkim"},
        {"aligned spf", "fail", "pass", {}, {}, {}, "r", "spf"},
        {"aligned wins over a reason", "pass", "fail", {}, {}, {{"forwarded", ""}}, "r", "dkim"},
        {"forwarded", "fail", "fail", {}, {}, {{"forwarded", ""}}, "r", "reason-forwarded"},
        {"trusted forwarder",
         "fail",
         "fail",
         {},
         {},
         {{"trusted_forwarder", ""}},
         "r",
         "reason-trusted_forwarder"},
        {"mailing list behind another reason",
         "fail",
         "fail",
         {},
         {},
         {{"other", "x"}, {"mailing_list", ""}},
         "r",
         "reason-mailing_list"},
        {"local policy explains nothing",
         "fail",
         "fail",
         {},
         {},
         {{"local_policy", ""}},
         "r",
         "nothing"},
        {"arc",
         "fail",
         "fail",
         {},
         {},
         {{"local_policy", "ARC=pass as[1].d=x.example"}},
         "r",
         "arc-pass"},
        {"strict dkim", "fail", "fail", {{"example.org", "s", "pass", ""}}, {}, {}, "s", "strict"},
        {"reporter disagrees",
         "fail",
         "fail",
         {{"example.org", "s", "pass", ""}},
         {},
         {},
         "r",
         "reporter-disagrees"},
        {"strict does not explain the same name",
         "fail",
         "fail",
         {{"news.example.org", "s", "pass", ""}},
         {},
         {},
         "s",
         "reporter-disagrees"},
        {"own key bad: permerror beside a foreign pass",
         "fail",
         "fail",
         {{"example.org", "s", "permerror", ""}, {"esp.example", "e", "pass", ""}},
         {},
         {},
         "r",
         "own-key-bad"},
        {"own key bad until it is seen to pass",
         "fail",
         "fail",
         {{"example.org", "s", "fail", ""}, {"esp.example", "e", "pass", ""}},
         {},
         {},
         "r",
         "own-key-bad",
         false},
        {"own signature fails alone",
         "fail",
         "fail",
         {{"example.org", "s", "fail", ""}},
         {},
         {},
         "r",
         "nothing",
         false},
        {"signs as another",
         "fail",
         "fail",
         {{"mail.esp.example", "e", "pass", ""}},
         {{"bounce.esp.example", "", "pass", ""}},
         {},
         "r",
         "signs-as:esp.example"},
        {"sends as another",
         "fail",
         "fail",
         {},
         {{"bounce.esp.example", "", "pass", ""}},
         {},
         "r",
         "sends-as:esp.example"},
        {"temporary errors only",
         "fail",
         "fail",
         {{"example.org", "s", "temperror", ""}},
         {{"example.org", "", "temperror", ""}},
         {},
         "r",
         "temperror"},
        {"softfail",
         "fail",
         "fail",
         {},
         {{"example.org", "", "softfail", ""}},
         {},
         "r",
         "nothing-softfail"},
        {"neutral",
         "fail",
         "fail",
         {},
         {{"example.org", "", "neutral", ""}},
         {},
         "r",
         "nothing-neutral"},
        {"nothing", "fail", "fail", {}, {{"spoofer.example", "", "fail", ""}}, {}, "r", "nothing"},
        {"no results at all", "fail", "fail", {}, {}, {}, "r", "nothing"},
        {"a pass without a domain is nobody's",
         "fail",
         "fail",
         {{"", "s", "pass", ""}},
         {},
         {},
         "r",
         "nothing"},
        {"a public suffix is not an organisation",
         "fail",
         "fail",
         {{"org", "s", "pass", ""}},
         {},
         {},
         "r",
         "signs-as:org"},
    };
    for (const auto& c : cases) {
        INFO(std::string(c.name));
        const auto record = classified(c);
        CHECK(record.evidence.token == c.token);
        CHECK(record.evidence.final == c.final);
    }
}

TEST_CASE("evidence: own keys that pass are remembered for the rest") {
    AggregateReport report;
    report.domain = "example.org";
    AggregateRecord record;
    record.header_from = "example.org";
    record.dkim = "pass";
    record.dkim_results = {{"example.org", "b", "pass", ""},
                           {"example.org", "a", "pass", ""},
                           {"esp.example", "e", "pass", ""},
                           {"example.org", "c", "fail", ""}};
    report.records = {record, record};
    classify_records(report);
    CHECK(report.passing_keys ==
          std::vector<SigningKey>{{"example.org", "a"}, {"example.org", "b"}});
}

TEST_CASE("evidence: a failing own signature names its keys and whether something foreign passes") {
    const auto record = classified({"",
                                    "fail",
                                    "fail",
                                    {{"example.org", "s2", "fail", ""},
                                     {"example.org", "s1", "policy", ""},
                                     {"list.example", "l", "pass", ""}},
                                    {},
                                    {},
                                    "r",
                                    ""});
    CHECK(record.evidence.own_failed_keys ==
          std::vector<SigningKey>{{"example.org", "s1"}, {"example.org", "s2"}});
    CHECK(record.evidence.foreign_pass);
}
