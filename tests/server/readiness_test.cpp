#include "server/commands/readiness.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <sstream>

#include "tests/storage/support.hpp"

using namespace dmarcbox;
using namespace dmarcbox::storage::test;
using schema::AggregateRecord;

namespace {

constexpr std::int64_t kNow = kBegin + 40 * kDay;

/// A database of days, the last of which is day 29: the window is days 0 to 29.
class Box {
  public:
    Box() : store(dir.file("t.db")) {}

    void add(const std::string& org, std::vector<AggregateRecord> records, int day) {
        schema::AggregateReport made =
            report(org, org + std::to_string(day), std::move(records), day);
        made.p = policy;
        made.testing = testing;
        made.pct = pct;
        made.adkim = adkim;
        hash(made);
        (void)store.add(message(org + std::to_string(day), {made}, day));
    }
    /// The same records from three reporters on every day from `first` on, a third of the mail
    /// each.
    void month(const std::vector<AggregateRecord>& records, int first = 0) {
        for (int day = first; day < 30; ++day) {
            for (const auto* org : {"One", "Two", "Three"}) {
                add(org, records, day);
            }
        }
    }
    std::string text(ReadinessQuestion question = {}) {
        const auto [facts, readiness] = ask(question);
        std::ostringstream out;
        print_readiness(question_, facts, readiness, Terminal{}, out);
        return out.str();
    }
    std::pair<ReadinessFacts, Readiness> ask(ReadinessQuestion question = {}) {
        question_ = std::move(question);
        question_.domain = "example.org";
        facts_ = load_readiness_facts(store.database, question_, kNow);
        return {facts_, judge(facts_, question_)};
    }
    Verdict verdict(const std::string& asked = "") {
        ReadinessQuestion question;
        question.policy = asked;
        return ask(question).second.verdict;
    }

    TempDir dir;
    Store store;
    std::string policy = "none";
    std::string testing;
    std::optional<std::int64_t> pct;
    std::string adkim = "r";

  private:
    ReadinessQuestion question_;
    ReadinessFacts facts_;
};

AggregateRecord broken(std::string ip, std::int64_t count) {
    auto made = record(std::move(ip), count, "nothing");
    made.dkim_results.push_back({"example.org", "s1", "fail", {}});
    made.evidence.final = false;
    made.evidence.own_failed_keys = {{"example.org", "s1"}};
    return made;
}

std::string state_of(const Readiness& readiness, std::string_view name) {
    for (const auto& gate : readiness.gates) {
        if (gate.name == name) {
            return gate.state == ReadinessGate::State::stop ? "stop"
                   : gate.state == ReadinessGate::State::ok ? "ok"
                                                            : "shown";
        }
    }
    return "none";
}

}  // namespace

TEST_CASE("readiness: one provider would be hit - forwarder and spoofer stand apart") {
    Box box;
    box.add("One", {record("192.0.2.25", 10, "dkim+spf")}, -70);
    box.add("One", {record("198.51.100.8", 1, "signs-as:esp.example")}, -60);
    for (int day = 0; day < 30; ++day) {
        std::vector<AggregateRecord> records{record("192.0.2.25", 100, "dkim+spf"),
                                             record("198.51.100.8", 5, "signs-as:esp.example"),
                                             record("198.51.100.9", 4, "signs-as:esp.example"),
                                             record("203.0.113.40", 2, "dkim"),
                                             broken("203.0.113.40", 1)};
        if (day == 7 || day == 8) {
            records.push_back(record("203.0.113.201", 300, "nothing"));
        }
        box.add("One", records, day);
        box.add("Two", {record("192.0.2.25", 50, "dkim+spf")}, day);
        box.add("Three", {record("192.0.2.25", 10, "dkim+spf")}, day);
    }
    CHECK(box.text() ==
          R"(example.org: NOT READY for p=quarantine: one of your senders would be hit
  days        2026-11-21 to 2026-12-20 UTC, 90 reports
  coverage    30 of 30 days, 3 reporters, largest 68.8 % of mail        ok
  volume      5,070 messages of yours, 300 needed                       ok
  your mail   5,070 messages, 270 fail (5.3 %, limit 1 %)             STOP
  DKIM        100.0 % of passing mail has an aligned signature
  new         no new sender of yours in 14 days                         ok
  unknown     no steady source that nobody knows                        ok
Would be hit in 30 days: 900 = 270 yours + 30 forwarded + 600 nobody's
  198.51.100.8-9 (2)       270  misconfigured, medium: DKIM passes for esp.example
       fix: let the provider sign with d=example.org (its "custom domain" page)
  203.0.113.40              30  forwarder, medium: your signature breaks here, not elsewhere
       nothing to fix; 60 others passed through it
  203.0.113.201            600  unauthenticated, high: nothing passes, on 2 days
       likely not yours: this is what the policy is for
What if  p      hits 900 (270 yours, 30 forwarded, 600 nobody's)
         sp     hits 0 (0 yours, 0 forwarded, 0 nobody's) below example.org
         np     cannot be told without DNS
         adkim=s hits 0 more
         aspf=s  hits 0 more
Once the first is fixed: READY WITH LOSSES
)");
    // The classes are those of the view.
    for (const auto& source : box.ask().first.sources) {
        CHECK(rows(box.store.database,
                   "SELECT class, evidence, confidence FROM sources WHERE source_ip = '" +
                       source.ip + "'") == std::string(to_string(source.source_class)) + "|" +
                                               source.evidence + "|" + source.confidence + "\n");
    }
}

TEST_CASE("readiness: verdicts") {
    SUBCASE("no report") {
        Box box;
        CHECK(box.text() ==
              "example.org: NOT ENOUGH DATA for p=quarantine: no report on this domain has "
              "arrived\n");
        CHECK(exit_code_of(box.verdict()) == 1);
    }
    SUBCASE("all of it passes") {
        Box box;
        box.month({record("192.0.2.25", 10, "dkim+spf")}, -30);
        CHECK(box.verdict() == Verdict::ready);
        CHECK(exit_code_of(Verdict::ready) == 0);
    }
    SUBCASE("a flood of spoofed mail holds nobody back") {
        Box box;
        box.month({record("192.0.2.25", 10, "dkim+spf")}, -30);
        box.add("One", {record("203.0.113.201", 1000000, "nothing")}, 12);
        CHECK(box.verdict() == Verdict::ready);
    }
    SUBCASE("forwarded mail is a loss and no reason to wait") {
        Box box;
        box.month({record("192.0.2.25", 100, "dkim+spf"), broken("203.0.113.40", 1),
                   record("203.0.113.40", 2, "dkim")},
                  -30);
        CHECK(box.verdict() == Verdict::ready_with_losses);
        CHECK(exit_code_of(Verdict::ready_with_losses) == 0);
        CHECK(box.ask().second.reason == "90 forwarded messages a month would be lost");
    }
    SUBCASE("too few days") {
        Box box;
        box.add("One", {record("192.0.2.25", 1, "dkim+spf")}, -60);
        box.month({record("192.0.2.25", 100, "dkim+spf")}, 3);
        CHECK(box.verdict() == Verdict::not_enough_data);
        CHECK(exit_code_of(Verdict::not_enough_data) == 1);
    }
    SUBCASE("28 of 30 days are enough") {
        Box box;
        box.add("One", {record("192.0.2.25", 1, "dkim+spf")}, -60);
        box.month({record("192.0.2.25", 100, "dkim+spf")}, 2);
        CHECK(box.verdict() == Verdict::ready);
    }
    SUBCASE("one reporter") {
        Box box;
        for (int day = -30; day < 30; ++day) {
            box.add("One", {record("192.0.2.25", 100, "dkim+spf")}, day);
        }
        CHECK(box.verdict() == Verdict::not_enough_data);
    }
    SUBCASE("below 300 messages") {
        Box box;
        box.month({record("192.0.2.25", 1, "dkim+spf")}, -30);
        CHECK(box.verdict() == Verdict::not_enough_data);
    }
    SUBCASE("published already") {
        Box box;
        box.policy = "reject";
        box.month({record("192.0.2.25", 10, "nothing")}, -30);
        CHECK(box.verdict() == Verdict::already_there);
        CHECK(box.verdict("quarantine") == Verdict::already_there);
        CHECK(exit_code_of(Verdict::already_there) == 0);
    }
    SUBCASE("published for testing is not there yet") {
        Box box;
        box.policy = "reject";
        box.testing = "y";
        box.month({record("192.0.2.25", 10, "dkim+spf")}, -30);
        CHECK(box.verdict("quarantine") == Verdict::ready);
    }
    SUBCASE("one percent of failing mail is allowed and no more") {
        for (const auto& [failing, expected] :
             {std::pair{1, Verdict::ready}, std::pair{2, Verdict::not_ready}}) {
            Box box;
            box.month({record("192.0.2.25", 100, "dkim+spf"),
                       record("192.0.2.25", failing, "signs-as:esp.example")},
                      -30);
            CHECK(box.verdict() == expected);
        }
    }
    SUBCASE("parked: spoofed now and then, all along") {
        Box box;
        for (const int day : {-60, -20, 29}) {
            box.add("One", {record("203.0.113.201", 1, "nothing")}, day);
        }
        const auto readiness = box.ask().second;
        CHECK(readiness.verdict == Verdict::ready);
        CHECK(readiness.parked);
    }
    SUBCASE("not parked: nothing was heard for a month") {
        Box box;
        box.add("One", {record("192.0.2.25", 100, "dkim")}, -380);
        for (const int day : {-60, 29}) {
            box.add("One", {record("203.0.113.201", 1, "nothing")}, day);
        }
        CHECK_FALSE(box.ask().second.parked);
        CHECK(box.verdict() == Verdict::not_enough_data);
    }
    SUBCASE("not parked: a server that was never set up") {
        Box box;
        box.month({record("192.0.2.25", 20, "nothing")}, -70);
        CHECK_FALSE(box.ask().second.parked);
        CHECK(box.verdict() == Verdict::not_ready);
    }
    SUBCASE("not parked: its mail is forwarded") {
        Box box;
        box.month({record("203.0.113.40", 20, "reason-mailing_list")}, -70);
        CHECK_FALSE(box.ask().second.parked);
        CHECK(box.verdict() == Verdict::not_enough_data);
    }
    SUBCASE("not parked: one reporter alone sees the server that was never set up") {
        Box box;
        for (int day = -70; day < 30; ++day) {
            box.add("One", {record("192.0.2.25", 20, "nothing")}, day);
        }
        CHECK_FALSE(box.ask().second.parked);
        CHECK(box.verdict() == Verdict::not_enough_data);
        CHECK(box.text().find("Label: sqlite3 ") != std::string::npos);
        box.store.database.execute(
            "INSERT INTO labels (subject, class) VALUES ('192.0.2.25', 'unauthenticated')");
        CHECK(box.ask().second.parked);
    }
    SUBCASE("not parked: its provider, or a forwarder, was last seen two months ago") {
        for (const auto* evidence : {"signs-as:esp.example", "reason-mailing_list"}) {
            CAPTURE(evidence);
            Box box;
            box.add("One", {record("198.51.100.8", 50, evidence)}, -35);
            for (const int day : {-60, -20, 29}) {
                box.add("Two", {record("203.0.113.201", 1, "nothing")}, day);
            }
            CHECK_FALSE(box.ask().second.parked);
            CHECK(box.verdict() == Verdict::not_enough_data);
        }
    }
    SUBCASE("a policy for a part of the mail is the next weaker one") {
        struct Row {
            const char* p;
            std::int64_t pct;
            const char* asked;
            bool there;
        };
        for (const auto& row :
             {Row{"reject", 100, "reject", true}, Row{"reject", 5, "reject", false},
              Row{"reject", 5, "quarantine", true}, Row{"quarantine", 100, "quarantine", true},
              Row{"quarantine", 0, "quarantine", false}}) {
            CAPTURE(row.p);
            CAPTURE(row.pct);
            Box box;
            box.policy = row.p;
            box.pct = row.pct;
            box.month({record("192.0.2.25", 10, "dkim+spf")}, -30);
            CHECK((box.verdict(row.asked) == Verdict::already_there) == row.there);
        }
    }
    SUBCASE("days of quarantine are those without t=y and pct, and the gate says so") {
        struct Row {
            const char* p;
            const char* testing;
            std::optional<std::int64_t> pct;
            const char* gate;
        };
        for (const auto& row : {Row{"quarantine", "", {}, "ok"}, Row{"quarantine", "y", {}, "stop"},
                                Row{"quarantine", "", 0, "stop"}, Row{"quarantine", "", 99, "stop"},
                                Row{"quarantine", "", 100, "ok"}, Row{"reject", "", 5, "stop"}}) {
            CAPTURE(row.p);
            CAPTURE(row.testing);
            CAPTURE(row.pct.value_or(-1));
            Box box;
            box.policy = row.p;
            box.testing = row.testing;
            box.pct = row.pct;
            box.month({record("192.0.2.25", 100, "dkim+spf")}, -30);
            const auto readiness = box.ask({.domain = {}, .policy = "reject"}).second;
            CHECK(state_of(readiness, "quarantine") == row.gate);
            CHECK((readiness.verdict == Verdict::ready) == (std::string_view(row.gate) == "ok"));
            CHECK((readiness.reason.find("t=y") == std::string::npos) ==
                  (readiness.verdict == Verdict::ready));
        }
    }
    SUBCASE("a share that is over its limit is not printed as the limit") {
        Box box;
        box.month({record("192.0.2.25", 3300, "dkim+spf"),
                   record("192.0.2.25", 34, "signs-as:esp.example")},
                  -30);
        CHECK(box.text().find("fail (1.02 %, limit 1 %)") != std::string::npos);
    }
    SUBCASE("... by however little it is over") {
        Box box;
        box.month({record("192.0.2.25", 98999999, "dkim+spf"),
                   record("192.0.2.25", 1000001, "signs-as:esp.example")},
                  -30);
        CHECK(box.text().find("fail (1.000001 %, limit 1 %)") != std::string::npos);
    }
    SUBCASE("a domain that fails altogether is not parked") {
        Box box;
        box.month({record("198.51.100.8", 10, "signs-as:esp.example")}, -80);
        CHECK(box.verdict() == Verdict::not_ready);
    }
}

TEST_CASE("readiness: reject asks for more") {
    const auto ready = record("192.0.2.25", 20, "dkim+spf");
    SUBCASE("after 30 days of quarantine") {
        Box box;
        box.policy = "quarantine";
        box.month({ready}, -10);
        CHECK(box.verdict() == Verdict::ready);  // the next step is reject
        CHECK(box.ask().second.policy == "reject");
    }
    SUBCASE("not from none") {
        Box box;
        box.month({ready}, -10);
        CHECK(box.verdict("reject") == Verdict::not_ready);
        CHECK(state_of(box.ask({.domain = {}, .policy = "reject"}).second, "quarantine") == "stop");
    }
    SUBCASE("not while a reporter saw none 29 days ago") {
        Box box;
        box.policy = "quarantine";
        box.month({ready}, -10);
        box.policy = "none";
        box.add("Four", {ready}, 0);
        CHECK(box.verdict("reject") == Verdict::not_ready);
    }
    SUBCASE("a provider is one sender on however many networks") {
        Box box;
        box.policy = "quarantine";
        std::vector<AggregateRecord> records;
        for (int net = 1; net <= 10; ++net) {
            records.push_back(
                record("198.51." + std::to_string(net) + ".8", 1, "signs-as:esp.example"));
        }
        box.month({record("192.0.2.25", 400, "dkim+spf")}, -10);
        box.add("Four", records, 10);
        box.add("Four", records, 20);
        CHECK(box.verdict("reject") == Verdict::ready);
        box.add("Four", records, 21);
        CHECK(box.verdict("reject") == Verdict::not_ready);
    }
    SUBCASE("SPF alone is too weak and its senders are named") {
        Box box;
        box.policy = "quarantine";
        box.month({ready, record("192.0.2.77", 10, "spf")}, -10);
        const auto [facts, readiness] = box.ask({.domain = {}, .policy = "reject"});
        CHECK(readiness.verdict == Verdict::not_ready);
        CHECK(state_of(readiness, "DKIM") == "stop");
        CHECK(box.text({.domain = {}, .policy = "reject"})
                  .find("passes by SPF alone: 192.0.2.77 900\n") != std::string::npos);
        CHECK(state_of(box.ask({.domain = {}, .policy = "quarantine"}).second, "DKIM") == "shown");
    }
}

TEST_CASE("readiness: new and unknown senders") {
    const auto ours = record("192.0.2.25", 100, "dkim+spf");
    struct Row {
        const char* name;
        AggregateRecord seen;
        int first_day;
        int last_day;
        bool second_reporter;
        const char* label;
        const char* expected_new;
        const char* expected_unknown;
    };
    const std::array rows_{
        Row{"your own new server", record("198.51.100.7", 1, "dkim+spf"), 20, 29, false, nullptr,
            "stop", "ok"},
        Row{"seen before", record("198.51.100.7", 1, "dkim+spf"), 10, 29, false, nullptr, "ok",
            "ok"},
        Row{"new address of a known network", record("192.0.2.99", 1, "dkim+spf"), 20, 29, false,
            nullptr, "ok", "ok"},
        Row{"DKIM alone may be a forwarder", record("198.51.100.7", 1, "dkim"), 20, 29, false,
            nullptr, "ok", "ok"},
        Row{"a burst of spoofed mail", record("198.51.100.7", 1, "nothing"), 20, 22, true, nullptr,
            "ok", "ok"},
        Row{"unauthenticated day after day", record("198.51.100.7", 1, "nothing"), 0, 29, true,
            nullptr, "ok", "stop"},
        Row{"the same seen by one reporter", record("198.51.100.7", 1, "nothing"), 0, 29, false,
            nullptr, "ok", "ok"},
        Row{"beside an aligned server", record("192.0.2.99", 1, "nothing"), 5, 5, false, nullptr,
            "ok", "stop"},
        Row{"labelled", record("192.0.2.99", 1, "nothing"), 0, 29, true, "192.0.2.99", "ok", "ok"},
        Row{"labelled new", record("198.51.100.7", 1, "dkim+spf"), 20, 29, false, "198.51.100.7",
            "ok", "ok"},
    };
    for (const auto& row : rows_) {
        SUBCASE(row.name) {
            Box box;
            box.month({ours}, -30);
            for (int day = row.first_day; day <= row.last_day; ++day) {
                box.add("Four", {row.seen}, day);
                if (row.second_reporter) {
                    box.add("Five", {row.seen}, day);
                }
            }
            if (row.label != nullptr) {
                box.store.database.execute(
                    std::string("INSERT INTO labels (subject, class) VALUES ('") + row.label +
                    "', 'unauthenticated')");
            }
            const auto readiness = box.ask().second;
            CHECK(state_of(readiness, "new") == row.expected_new);
            CHECK(state_of(readiness, "unknown") == row.expected_unknown);
        }
    }
}

TEST_CASE("readiness: the command that labels an unknown source works as it is printed") {
    Box box;
    box.month({record("192.0.2.25", 100, "dkim+spf"), record("192.0.2.99", 1, "nothing")}, -30);
    ReadinessQuestion question;
    question.database = "it's here/t.db";
    CHECK(state_of(box.ask(question).second, "unknown") == "stop");
    const std::string text = box.text(question);
    const std::string_view before = "Label: sqlite3 'it'\\''s here/t.db' \"";
    const auto at = text.find(before);
    REQUIRE_MESSAGE(at != std::string::npos, text);
    std::string sql = text.substr(at + before.size());
    sql.resize(sql.find('"'));
    sql.replace(sql.find("CLASS"), std::string_view("CLASS").size(), "unauthenticated");
    box.store.database.execute(sql.c_str());
    CHECK(state_of(box.ask(question).second, "unknown") == "ok");
    CHECK(box.text(question).find("Label: ") == std::string::npos);
}

TEST_CASE("readiness: strict alignment is computed from raw results") {
    Box box;
    auto below = record("192.0.2.25", 3, "dkim");
    below.dkim_results[0].domain = "mail.example.org";
    auto untold = record("192.0.2.25", 5, "dkim");
    untold.dkim_results.clear();
    auto both = record("192.0.2.25", 7, "dkim+spf");
    both.dkim_results[0].domain = "mail.example.org";
    auto bounce = record("192.0.2.25", 11, "spf");
    bounce.spf_results[0].domain = "bounce.example.org";
    auto greeting = record("192.0.2.25", 13, "spf");
    greeting.spf_results[0].scope = "helo";
    box.month({record("192.0.2.25", 100, "dkim+spf"), below, untold, both, bounce, greeting}, -30);
    const auto facts = box.ask().first;
    CHECK(facts.strict_dkim.hits == 3 * 90);
    CHECK(facts.strict_dkim.cannot_tell == 5 * 90);
    CHECK(facts.strict_spf.hits == (11 + 13) * 90);
    CHECK(facts.strict_spf.cannot_tell == 0);
    CHECK(facts.losses().all() == 0);

    const auto [strict, readiness] =
        box.ask({.domain = {}, .policy = "quarantine", .strict_spf = true, .strict_dkim = true});
    CHECK(strict.losses().yours == (3 + 11 + 13) * 90);
    CHECK(readiness.verdict == Verdict::not_ready);
    CHECK(strict.sources.front().source_class == SourceClass::misconfigured);
    CHECK(strict.sources.front().evidence == "strict");
}

TEST_CASE("readiness: p decides From itself and sp what is below") {
    Box box;
    auto below = record("198.51.100.8", 4, "signs-as:esp.example");
    below.header_from = "news.example.org";
    box.month({record("192.0.2.25", 100, "dkim+spf"), record("198.51.100.9", 2, "nothing"), below});
    const auto facts = box.ask().first;
    CHECK(facts.from_domain.all() == 2 * 90);
    CHECK(facts.from_below.yours == 4 * 90);
    REQUIRE(facts.silent_subdomains.size() == 1);
    CHECK(facts.silent_subdomains[0].name == "news.example.org");
    CHECK(facts.silent_subdomains[0].messages == 4 * 90);
}

TEST_CASE(
    "readiness: a source that hardly ever lets a signature through is for a person to check") {
    Box box;
    box.month({record("192.0.2.25", 100, "dkim+spf"), broken("203.0.113.40", 1)}, -30);
    const auto [facts, readiness] = box.ask();
    CHECK(facts.sources.front().confidence == "check");
    CHECK(readiness.verdict == Verdict::not_ready);
    CHECK(state_of(readiness, "unknown") == "stop");
}

TEST_CASE("readiness: sums of hostile reports stop at 10^15") {
    Box box;
    for (int i = 0; i < 30; ++i) {
        std::vector<AggregateRecord> records;
        for (int n = 0; n < 100; ++n) {
            records.push_back(record("192.0.2." + std::to_string(n), 1000000000000, "nothing"));
        }
        box.add("One", records, i);
    }
    const auto facts = box.ask().first;
    CHECK(facts.losses().all() == 1000000000000000);
    CHECK(facts.messages == 1000000000000000);
}

TEST_CASE("readiness: what a report says never commands the terminal") {
    Box box;
    const std::string evil = "\x1b[2J\xe2\x80\xae=cmd,\"<b>\n\xff";
    auto source = record(evil, 5, "signs-as:" + evil);
    source.header_from = evil;
    box.month({record("192.0.2.25", 100, "dkim+spf"), source}, -30);
    const auto text = box.text();
    const auto [facts, readiness] = box.ask();
    std::ostringstream out;
    print_readiness_json({.domain = evil, .policy = {}}, facts, readiness, out);
    for (const auto& form : {text, out.str()}) {
        CHECK(form.find('\x1b') == std::string::npos);
        CHECK(form.find('\xff') == std::string::npos);
        CHECK(form.find("\xe2\x80\xae") == std::string::npos);
        CHECK(form.find("{202e}") != std::string::npos);
    }
    const auto line = out.str();
    CHECK(std::count(line.begin(), line.end(), '\n') == 1);
}

TEST_CASE("readiness: JSON") {
    Box box;
    box.month({record("192.0.2.25", 99, "dkim+spf"), record("203.0.113.9", 1, "nothing")}, 29);
    const auto [facts, readiness] = box.ask();
    std::ostringstream out;
    print_readiness_json({.domain = "example.org", .policy = {}}, facts, readiness, out);
    CHECK(
        out.str() ==
        R"j({"format":"dmarcbox.readiness/1","domain":"example.org","policy":"quarantine",)j"
        R"j("strict_dkim":false,"strict_spf":false,"verdict":"not_enough_data",)j"
        R"j("reason":"reports on 1 of 30 days, 28 are needed","begin_at":1795219200,"end_at":1797811200,)j"
        R"j("days_with_reports":1,"reports":3,"pruned_reports":0,"reporters":3,"messages":300,"passing":297,)j"
        R"j("passing_dkim_rate":1E0,"your_messages":297,"your_failing":0,"your_failing_rate":0E0,)j"
        R"j("seen_policy":"none","parked":false,"gates":[)j"
        R"j({"gate":"coverage","state":"stop","text":"1 of 30 days, 3 reporters, largest 33.3 % of mail"},)j"
        R"j({"gate":"volume","state":"stop","text":"297 messages of yours, 300 needed"},)j"
        R"j({"gate":"your mail","state":"ok","text":"297 messages, 0 fail (0.0 %, limit 1 %)"},)j"
        R"j({"gate":"DKIM","state":"shown","text":"100.0 % of passing mail has an aligned signature"},)j"
        R"j({"gate":"new","state":"stop","text":"1 new sender of yours in 14 days: 192.0.2.0/24"},)j"
        R"j({"gate":"unknown","state":"ok","text":"no steady source that nobody knows"}],)j"
        R"j("losses":{"messages":3,"yours":0,"forwarded":0,"unauthenticated":3},)j"
        R"j("failing_sources":[{"source_ip":"203.0.113.9","class":"unauthenticated","confidence":"high",)j"
        R"j("evidence":"nothing","authenticates_as":null,"messages":3,"failed":3,"days":1,"reporters":3,)j"
        R"j("is_new":false}],)j"
        R"j("what_if":{"p":{"messages":3,"yours":0,"forwarded":0,"unauthenticated":3},)j"
        R"j("sp":{"messages":0,"yours":0,"forwarded":0,"unauthenticated":0},"np":{"subdomains":[]},)j"
        R"j("adkim":{"hits":0,"cannot_tell":0},"aspf":{"hits":0,"cannot_tell":0}},"fixes_needed":0})j"
        "\n");
}

TEST_CASE("readiness: where reports are few a new sender is no fault") {
    Box box;
    box.add("One", {record("203.0.113.9", 1, "nothing")}, -60);
    box.month({record("192.0.2.25", 1000, "dkim+spf")}, 29);
    CHECK(box.verdict() == Verdict::not_enough_data);
}
