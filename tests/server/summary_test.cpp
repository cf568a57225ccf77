#include "server/commands/summary.hpp"

#include <doctest/doctest.h>

#include <array>
#include <boost/json.hpp>
#include <sstream>
#include <string>

#include "server/commands/source_advice.hpp"
#include "server/commands/summary_chart.hpp"
#include "storage/retention.hpp"
#include "tests/storage/support.hpp"

using namespace dmarcbox;
using namespace dmarcbox::storage::test;

namespace {

constexpr std::int64_t kNow = kBegin + 20 * kDay;

/// What no output may hold as it is: terminal escape, markup, a formula, text turned around.
const std::string kEvil = "=cmd|'/c'\x1b[31m<script>alert(1)</script>\u202e\u2066\r\n\x9b\"&";

/// Four days before the newest report, five sources, two reporters, a conflict-free database.
class Box {
  public:
    explicit Box(const std::string& domain = "example.org") : store(dir.file("t.db")) {
        for (int day = 0; day < 4; ++day) {
            add("One", day,
                {record("192.0.2.25", 80, "dkim+spf", domain),
                 record("198.51.100.8", 10, "signs-as:esp.example", domain),
                 record("198.51.100.9", 5, "signs-as:esp.example", domain),
                 record("203.0.113.40", 4, "reason-forwarded", domain),
                 record("203.0.113.99", 1, "nothing", domain)},
                domain);
        }
        add("Two", 3, {record("192.0.2.25", 100, "dkim", domain)}, domain);
    }
    void add(const std::string& org,
             int day,
             std::vector<schema::AggregateRecord> records,
             const std::string& domain = "example.org") {
        (void)store.add(message(
            org + std::to_string(day) + domain,
            {report(org, org + std::to_string(day), std::move(records), day, domain)}, day));
    }
    SummaryFacts facts(std::int64_t days = 4, const std::string& domain = "") {
        SummaryQuestion question;
        question.days = days;
        question.domain = domain;
        return facts(question);
    }
    SummaryFacts facts(const SummaryQuestion& question) {
        return load_summary(store.database, question, kNow);
    }

    TempDir dir;
    Store store;
};

std::string text_of(const SummaryFacts& facts,
                    const SummaryQuestion& question = {},
                    const Terminal& terminal = {}) {
    std::ostringstream out;
    print_summary(question, facts, terminal, out);
    return out.str();
}

/// Everything stored is hostile.
SummaryFacts evil_facts() {
    SummaryFacts facts;
    facts.begin_at = kBegin;
    facts.end_at = kBegin + kDay;
    facts.domains = {kEvil};
    facts.reports = 1;
    facts.messages = 1;
    facts.days.push_back({"2026-11-21", 1, 0, {0, 0, 0, 1}});
    facts.sources.push_back({kEvil, kEvil, SourceClass::unauthenticated, "signs-as:" + kEvil,
                             "high", kEvil, 1, 1, 1, 1});
    facts.sources.back().advice = kEvil;
    facts.sources.back().details = {"2026-11-21", "2026-11-21", {kEvil}, {kEvil},
                                    {kEvil},      {kEvil},      {kEvil}, {kEvil}};
    facts.reporters.push_back({kEvil, 1, 1, kBegin, {true}});
    facts.silent.push_back({kEvil, kEvil, kDay, kDay});
    facts.policies.push_back({kEvil, kEvil, kEvil, kEvil, kBegin, kBegin});
    facts.failure_reports = 1;
    facts.samples.push_back({1, kBegin, kEvil, kEvil, "unauthenticated", kEvil, kEvil});
    facts.tls_sessions = facts.tls_failed = 1;
    facts.tls.push_back({kEvil, kEvil, kEvil, 1});
    facts.problems.push_back({kEvil, 1, 1});
    facts.refusals.push_back({kEvil, kEvil, 1});
    return facts;
}

/// Control, C1, bidirectional and invalid bytes; line ends are the form's own.
bool has_commands(const std::string& text) {
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte < 0x20 && c != '\n' && c != '\r') || byte == 0x7f || byte == 0x9b) {
            return true;
        }
    }
    return text.find("\u202e") != std::string::npos || text.find("\u2066") != std::string::npos;
}

}  // namespace

TEST_CASE("summary: the text form") {
    Box box;
    CHECK(text_of(box.facts()) ==
          "example.org   2026-11-21 to 2026-11-24 UTC   5 reports from 2 reporters\n"
          "500 messages   84.0 % pass DMARC\n"
          "CLASS               MESSAGES      FAILED\n"
          "aligned                  420           0    84.0 %\n"
          "misconfigured             60          60    12.0 %\n"
          "forwarder                 16          16     3.2 %\n"
          "unauthenticated            4           4     0.8 %\n"
          "SOURCE                  CLASS            MESSAGES  FAILED  EVIDENCE\n"
          "198.51.100.8-9 (2)      misconfigured          60      60  signs as esp.example\n"
          "203.0.113.40            forwarder              16      16  reason forwarded\n"
          "203.0.113.99            unauthenticated         4       4  nothing passes\n"
          "192.0.2.25              aligned               420       0  DKIM and SPF\n"
          "Silent: everybody since 2026-11-24; `dmarcbox check` tells more\n"
          "Next: dmarcbox readiness example.org\n");
}

TEST_CASE("summary: a terminal has bars and colours of 80 columns") {
    Box box;
    const Terminal plain{.is_terminal = true, .colour = false, .unicode = true, .width = 80};
    std::istringstream lines(text_of(box.facts(), {}, plain));
    std::size_t bars = 0;
    for (std::string line; std::getline(lines, line);) {
        CHECK_MESSAGE(columns_of(line) <= 80, line);
        bars += line.find("\u2588") != std::string::npos ? 1U : 0U;
    }
    CHECK(bars >= 2);
    const Terminal ascii{.is_terminal = true, .colour = true, .unicode = false, .width = 80};
    const auto text = text_of(box.facts(), {}, ascii);
    CHECK(text.find("\u2588") == std::string::npos);
    CHECK(text.find("#####") != std::string::npos);
    CHECK(text.find("\x1b[33m") != std::string::npos);
}

TEST_CASE("summary: a terminal too narrow for bars has none") {
    Box box;
    const auto facts = box.facts(30);
    for (std::size_t width = 0; width <= 60; ++width) {
        CAPTURE(width);
        const auto text = text_of(
            facts, {}, {.is_terminal = true, .colour = false, .unicode = false, .width = width});
        CHECK(text.size() < 2000);
        CHECK((text.find("420           0  ##") != std::string::npos) == (width >= 55));
        const auto days = text.find("pass rate per day  lowest 80 % on 2026-11-21");
        CHECK((days != std::string::npos) == (width < 49));
    }
}

TEST_CASE("summary: refused mail is counted and explained by its reason") {
    struct Row {
        SummaryRefusal refusal;
        const char* line;
        const char* cells;
    };
    const auto rows_ = std::to_array<Row>({
        {{"unknown_recipient", "example.org", 2},
         "Refused: 2 recipients at example.org (unknown_recipient); is `accept` in the "
         "configuration right?\n",
         "<td class=\"n\">2</td><td></td>"},
        {{"too_many_recipients", "example.org", 1},
         "Refused: 1 recipient at example.org (too_many_recipients)\n",
         "<td class=\"n\">1</td><td></td>"},
        {{"size", "", 2},
         "Refused: 2 messages (size); larger than `smtp.max_message_bytes`\n",
         "<td></td><td class=\"n\">2</td>"},
        {{"bare_newline", "", 1},
         "Refused: 1 message (bare_newline)\n",
         "<td></td><td class=\"n\">1</td>"},
    });
    for (const auto& row : rows_) {
        SUBCASE(row.refusal.reason.c_str()) {
            SummaryFacts facts;
            facts.refusals = {row.refusal};
            CHECK(text_of(facts).ends_with(row.line));
            std::ostringstream page;
            print_summary_page({}, facts, {}, kNow, page);
            CHECK(page.str().find(row.cells) != std::string::npos);
        }
    }
}

TEST_CASE("summary: unreadable messages and problems of readable ones are told apart") {
    SummaryFacts facts;
    facts.problems = {{"conflict", 2, 12}, {"truncated", 1, 364}};
    CHECK(text_of(facts).ends_with(
        "Problems: conflict in 2 messages (`show 12`), truncated in 1 message (`show 364`)\n"));
    CHECK(text_of(facts).find("Unreadable") == std::string::npos);
    facts.unreadable = 1;
    facts.problems.resize(5, {"xml_broken", 1, 7});
    const auto text = text_of(facts);
    CHECK(text.find("\nUnreadable: 1 message\nProblems: conflict") != std::string::npos);
    CHECK(text.ends_with(", xml_broken in 1 message (`show 7`), 2 more\n"));
}

TEST_CASE("summary: samples of one moment have one order, however they were stored") {
    std::vector<std::string> orders;
    for (const auto& ips : {std::array{"203.0.113.201", "203.0.113.202"},
                            std::array{"203.0.113.202", "203.0.113.201"}}) {
        Box box;
        for (const auto* ip : ips) {
            schema::FailureReport sample;
            sample.arrived_at = kBegin + kDay;
            sample.reported_domain = "example.org";
            sample.source_ip = ip;
            sample.content_sha256 = digest_of(ip);
            (void)box.store.add(message(ip, {sample}, 1));
        }
        std::string order;
        for (const auto& sample : box.facts().samples) {
            order += sample.source_ip + " ";
        }
        orders.push_back(order);
    }
    CHECK(orders == std::vector<std::string>(2, "203.0.113.201 203.0.113.202 "));
}

TEST_CASE("summary: the period ends with the newest report, or as told, and has one before it") {
    Box box;
    auto facts = box.facts(2);
    CHECK(facts.messages == 300);
    CHECK(facts.messages_before == 200);
    CHECK(facts.days.size() == 2);
    facts = box.facts(30);
    CHECK(facts.messages == 500);
    CHECK(facts.days.size() == 30);
    CHECK(facts.days.front().reports == 0);
    SummaryQuestion told;
    told.begin_at = kBegin;
    told.end_at = kBegin + kDay;
    facts = box.facts(told);
    CHECK(facts.messages == 100);
    CHECK(facts.reporters.size() == 1);
    CHECK(box.facts(30, "other.example").end_at == 0);
}

TEST_CASE("summary: the totals of the days are told where reports are pruned") {
    struct Row {
        const char* name;
        int keep_days;  ///< before kNow
        const char* text;
        const char* page;
    };
    for (const auto& row :
         {Row{"none is pruned", 0, "2 reporters\n500 messages   84.0 % pass", nullptr},
          Row{"some are", 17,
              "\n3 reports are pruned: with what they held, view `daily` has 500 messages in these "
              "days, 84.0 % pass\n200 messages in what is left   90.0 % pass DMARC\n",
              "has 500 messages in these days, 84.0 % pass."},
          Row{"all are", 1,
              "\n5 reports are pruned: with what they held, view `daily` has 500 messages in these "
              "days, 84.0 % pass\n0 messages in what is left\n",
              "has 500 messages in these days, 84.0 % pass."}}) {
        SUBCASE(row.name) {
            Box box;
            storage::RetentionRules rules;
            rules.reports_days = row.keep_days;
            storage::Pruner pruner(box.store.database, rules, kNow);
            storage::PruneResult result;
            while (pruner.step(result)) {
            }
            const auto facts = box.facts();
            CHECK_MESSAGE(text_of(facts).find(row.text) != std::string::npos, text_of(facts));
            std::ostringstream page;
            print_summary_page({}, facts, {}, kNow, page);
            CHECK((page.str().find("are pruned") != std::string::npos) == (row.page != nullptr));
            if (row.page != nullptr) {
                CHECK(page.str().find(row.page) != std::string::npos);
            }
        }
    }
}

TEST_CASE("summary: classes and sources add up to all messages") {
    Box box;
    box.add("Three", 3, {record("2001:db8::1", 7, "spf"), record("2001:db8::2", 2, "nothing")});
    const auto facts = box.facts();
    std::int64_t classes = 0;
    std::int64_t failed = 0;
    for (std::size_t i = 0; i < kSourceClasses; ++i) {
        classes += facts.class_messages.at(i);
        failed += facts.class_failed.at(i);
    }
    std::int64_t sources = 0;
    std::int64_t days = 0;
    for (const auto& source : facts.sources) {
        sources += source.messages;
    }
    for (const auto& day : facts.days) {
        days += day.all();
    }
    CHECK(classes == facts.messages);
    CHECK(sources == facts.messages);
    CHECK(days == facts.messages);
    CHECK(failed == facts.messages - facts.passed);
}

TEST_CASE("summary: several domains are told apart, one can be asked for") {
    Box box;
    box.add("One", 3, {record("192.0.2.25", 9, "nothing", "other.example")}, "other.example");
    CHECK(box.facts().domains.size() == 2);
    CHECK(text_of(box.facts()).find("2 domains") == 0);
    CHECK(box.facts(4, "other.example").messages == 9);
}

TEST_CASE("summary: silence and labels are seen") {
    Box box;
    box.add("One", 4, {record("192.0.2.25", 1, "dkim")});
    CHECK(box.facts().silent.empty());  // silent like everybody: no news of this one
    CHECK(box.facts().all_silent);
    box.add("Two", 18, {record("192.0.2.25", 1, "dkim")});
    auto facts = box.facts();
    CHECK_FALSE(facts.all_silent);
    REQUIRE(facts.silent.size() == 1);
    CHECK(facts.silent[0].org_name == "One");
    CHECK(facts.silent[0].silent_seconds == 14 * kDay);
    box.store.database.execute(
        "INSERT INTO labels (subject, class) VALUES ('203.0.113.99', 'misconfigured')");
    facts = box.facts();
    for (const auto& source : facts.sources) {
        if (source.name == "203.0.113.99") {
            CHECK(source.source_class == SourceClass::misconfigured);
            CHECK(source.confidence == "label");
        }
    }
}

TEST_CASE("summary: an empty database says what to do") {
    TempDir dir;
    Store store(dir.file("t.db"));
    const auto facts = load_summary(store.database, {}, kNow);
    CHECK(text_of(facts).find("no aggregate report yet") == 0);
    SummaryQuestion question;
    question.domain = "example.org";
    CHECK(text_of(facts, question).find("no aggregate report for example.org") == 0);
    std::ostringstream page;
    print_summary_page({}, facts, {}, kNow, page);
    CHECK(page.str().find("No aggregate report") != std::string::npos);
}

TEST_CASE("summary: JSON is one object with the fields of its format") {
    Box box;
    std::ostringstream out;
    print_summary_json({}, box.facts(), out);
    const auto object = boost::json::parse(out.str()).as_object();
    CHECK(object.at("format") == "dmarcbox.summary/1");
    CHECK(object.at("messages") == 500);
    CHECK(object.at("passed") == 420);
    CHECK(object.at("sources").as_array().size() == 4);
    CHECK(object.at("days").as_array().size() == 4);
    std::string keys;
    for (const auto& member : object) {
        keys += std::string(member.key()) + " ";
    }
    CHECK(keys ==
          "format domain begin_at end_at domains reports pruned_reports messages passed "
          "quarantined rejected pass_rate pass_rate_before class_messages class_failed "
          "failure_reports tls_sessions tls_failed unreadable newest_report_at days sources "
          "reporters silent "
          "policies samples tls problems refusals ");
}

TEST_CASE("summary: CSV has a table per name") {
    Box box;
    std::ostringstream out;
    CHECK(print_summary_csv("sources", box.facts(), out));
    CHECK(out.str().find(
              "domain,source,sources,class,messages,failed,evidence,confidence,"
              "authenticates_as,reporters\r\nexample.org,198.51.100.8-9 "
              "(2),2,misconfigured,60,60,signs-as:esp.example,medium,esp.example,1\r\n") == 0);
    for (const auto* table : {"days", "reporters", "samples", "tls", "problems", "refusals"}) {
        CHECK(print_summary_csv(table, box.facts(), out));
    }
    CHECK_FALSE(print_summary_csv("nonsense", box.facts(), out));
}

TEST_CASE("summary: no form lets a stored string command the reader") {
    const auto facts = evil_facts();
    CHECK_FALSE(has_commands(text_of(facts)));
    std::ostringstream json;
    print_summary_json({}, facts, json);
    CHECK_FALSE(has_commands(json.str()));
    for (const auto* table : {"sources", "reporters", "samples", "tls", "problems", "refusals"}) {
        std::ostringstream csv;
        CHECK(print_summary_csv(table, facts, csv));
        CHECK_FALSE(has_commands(csv.str()));
        CHECK(csv.str().find("\n=") == std::string::npos);
        CHECK(csv.str().find(",=") == std::string::npos);
    }
    std::ostringstream page;
    print_summary_page({}, facts, {{kEvil, "reject", Verdict::not_ready, kEvil, kNow}}, kNow, page);
    CHECK_FALSE(has_commands(page.str()));
    CHECK(page.str().find("<script") == std::string::npos);
    CHECK(page.str().find("http") == page.str().find("http-equiv"));
}

TEST_CASE("summary: the policy strip of a reporter steps up from none to reject") {
    SummaryFacts facts;
    facts.begin_at = 0;
    facts.end_at = 10 * kDay;
    facts.policies = {{"example.org", "a.example", "none", "", 0, 4 * kDay},
                      {"example.org", "a.example", "reject", "", 5 * kDay, 10 * kDay},
                      {"example.org", "b.example", "quarantine", "", 2 * kDay, 2 * kDay},
                      {"example.org", "c.example", "reject", "", 0, kDay}};
    const auto svg = policies_chart(facts, 2);
    std::vector<std::string> bars;
    for (auto at = svg.find("<rect x"); at != std::string::npos; at = svg.find("<rect x", at + 1)) {
        bars.push_back(svg.substr(at, svg.find('>', at) - at));
    }
    CHECK(bars ==
          std::vector<std::string>{
              R"(<rect x="180.0" y="11.8" width="216.0" height="4.2" class="forwarder")",
              R"(<rect x="450.0" y="2.0" width="270.0" height="14.0" class="aligned")",
              R"(<rect x="288.0" y="26.9" width="1.0" height="9.1" class="misconfigured")"});
    CHECK(svg.find("c.example") == std::string::npos);
}

TEST_CASE("summary: the page begins with the verdict of each domain") {
    Box box;
    const auto facts = box.facts();
    const auto page = [&](Verdict verdict, const std::string& reason) {
        std::ostringstream out;
        print_summary_page(
            {}, facts, {{"example.org", "quarantine", verdict, reason, kBegin + kDay}}, kNow, out);
        return out.str();
    };
    const std::string bad = page(Verdict::not_ready, "one of your senders would be hit");
    CHECK(bad.find("<bdi>example.org</bdi>: NOT READY for p=quarantine</strong>: <bdi>one of your "
                   "senders would be hit</bdi>. <span>Judged by the 30 days to 2026-11-21") !=
          std::string::npos);
    CHECK(bad.find("<li class=\"unauthenticated\">") < bad.find("class=\"numbers\""));
    CHECK(page(Verdict::ready, "").find("<li class=\"aligned\">") != std::string::npos);
    CHECK(page(Verdict::not_enough_data, "").find("<li class=\"forwarder\">") != std::string::npos);
}

TEST_CASE("advice: nobody is asked to label what is labelled") {
    struct Row {
        SourceClass source_class;
        const char* evidence;
        const char* confidence;
        bool asks;
    };
    for (const auto& row : {Row{SourceClass::unauthenticated, "nothing", "high", true},
                            Row{SourceClass::unauthenticated, "nothing", "label", false},
                            Row{SourceClass::misconfigured, "sends-as:a.example", "low", true},
                            Row{SourceClass::misconfigured, "sends-as:a.example", "label", false},
                            Row{SourceClass::unauthenticated, "sends-as:a.example", "label", false},
                            Row{SourceClass::forwarder, "own-signature-broken", "check", true},
                            Row{SourceClass::forwarder, "own-signature-broken", "label", false}}) {
        CAPTURE(row.evidence);
        CAPTURE(row.confidence);
        const std::string text = advice({.source_class = row.source_class,
                                         .evidence = row.evidence,
                                         .confidence = row.confidence,
                                         .authenticates_as = {},
                                         .passed = 0,
                                         .days = kReadinessDays},
                                        "example.org");
        const bool asks = text.find("Label it") != std::string::npos ||
                          text.find(", label it") != std::string::npos;
        CHECK_MESSAGE(asks == row.asks, text);
    }
}

TEST_CASE("summary: a source that fails has what to do, and opens to what is known of it") {
    Box box;
    for (int i = 1; i <= 7; ++i) {
        box.add("Reporter " + std::to_string(i), 2,
                {record("203.0.113." + std::to_string(100 + i), i, "nothing")});
    }
    schema::FailureReport sample;
    sample.arrived_at = kBegin + kDay;
    sample.reported_domain = "example.org";
    sample.source_ip = "203.0.113.104";
    sample.sample_subject = "Your <invoice>";
    (void)box.store.add(message("sample", {sample}, 1));
    const auto facts = box.facts();
    REQUIRE(facts.sources.size() == 4);
    const auto& provider = facts.sources[0];
    CHECK(provider.advice ==
          "let the provider sign with d=example.org (its \"custom domain\" page)");
    CHECK(provider.details.addresses == std::vector<std::string>{"198.51.100.8", "198.51.100.9"});
    CHECK(provider.details.first_day == "2026-11-21");
    CHECK(provider.details.last_day == "2026-11-24");
    const auto& spoofers = facts.sources[1];
    CHECK(spoofers.name == "203.0.113.99-107 (8)");
    CHECK(spoofers.details.addresses.size() == kDetails + 1);
    CHECK(spoofers.details.reporters.size() == kDetails + 1);
    CHECK(spoofers.details.subjects == std::vector<std::string>{"Your <invoice>"});
    CHECK(facts.sources[3].advice.empty());  // all of it passes
    std::ostringstream out;
    print_summary_page({}, facts, {}, kNow, out);
    const std::string page = out.str();
    for (const auto* text :
         {"<dt>Seen in this period</dt><dd><bdi>2026-11-21 to 2026-11-24</bdi></dd>",
          "<dt>From</dt><dd><bdi>example.org</bdi></dd>", " and more</dd>",
          "<dt>Subjects of samples</dt><dd><bdi>Your &lt;invoice&gt;</bdi></dd>",
          "likely not yours: this is what the policy is for", "<a href=\"#failing\"><strong>"}) {
        CHECK_MESSAGE(page.find(text) != std::string::npos, text);
    }
    CHECK(page.find("Domain</th>") == page.find("Domain</th>", page.find("id=\"policies\"")));
}

TEST_CASE("summary: the axis of the days has few digits") {
    struct Row {
        std::int64_t messages;
        std::vector<std::string> labels;
    };
    for (const auto& row : std::vector<Row>{{1, {"0", "1"}},
                                            {2, {"0", "1", "2"}},
                                            {1274, {"0", "1,000", "2,000"}},
                                            {4000, {"0", "2,500", "5,000"}},
                                            {400000, {"0", "250k", "500k"}},
                                            {4000000, {"0", "2.5M", "5M"}},
                                            {1000000000000000, {"0", "500T", "1P"}}}) {
        CAPTURE(row.messages);
        SummaryFacts facts;
        facts.days.push_back({"2026-11-21", 1, 0, {row.messages, 0, 0, 0}});
        const auto svg = days_chart(facts);
        std::vector<std::string> labels;
        for (auto at = svg.find("<text"); at != std::string::npos; at = svg.find("<text", at + 1)) {
            const auto begin = svg.find('>', at) + 1;
            labels.push_back(svg.substr(begin, svg.find('<', begin) - begin));
        }
        labels.resize(labels.size() - 2);  // the first and the last day
        CHECK(labels == row.labels);
    }
}
