#include <algorithm>
#include <array>
#include <cstdio>
#include <ostream>
#include <vector>

#include "schema/date_time.hpp"
#include "server/commands/evidence_words.hpp"
#include "server/commands/page_table.hpp"
#include "server/commands/summary.hpp"
#include "server/commands/summary_chart.hpp"

namespace dmarcbox {
namespace {

constexpr std::size_t kMostReporters = 20;
constexpr std::size_t kMostBars = 20;
constexpr std::int64_t kDay = 86400;

// Colours keep 3:1 against the ground and apart from each other for every kind of colour sight;
// unauthenticated is hatched, so that a grey print works.
constexpr std::string_view kStyle = R"css(
:root{color-scheme:light dark;--ground:#fff;--text:#1b1f23;--second:#57606a;--line:#d0d7de;--box:#f6f8fa;
--aligned:#193366;--forwarder:#838c95;--misconfigured:#c17c15;--unauthenticated:#5a1616}
@media(prefers-color-scheme:dark){:root{--ground:#121417;--text:#e6edf3;--second:#9ba5af;--line:#30363d;--box:#1b1f24;
--aligned:#0974aa;--forwarder:#c8ccd0;--misconfigured:#ffad33;--unauthenticated:#cc334d}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:60rem;padding:1rem;background:var(--ground);color:var(--text);font:1rem/1.5 system-ui,sans-serif}
h1{font-size:1.4rem;margin:.2rem 0}h2{font-size:1.15rem;margin:2.2rem 0 .4rem}
header p,figcaption,.note{color:var(--second);margin:.2rem 0}
nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1rem;list-style:none;margin:.6rem 0;padding:0}
a{color:inherit}a:focus-visible,summary:focus-visible{outline:3px solid var(--misconfigured);outline-offset:2px}
.numbers{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:.6rem;margin:1rem 0;padding:0;list-style:none}
.numbers li{background:var(--box);border:1px solid var(--line);border-radius:.4rem;padding:.6rem .8rem;color:var(--second)}
.numbers a{display:block;text-decoration:none}.numbers strong{display:block;font-size:1.5rem;color:var(--text)}
figure{margin:.6rem 0}svg{width:100%;height:auto;display:block}
svg text{fill:var(--second);font:12px system-ui,sans-serif}.nb{white-space:nowrap}.grid{stroke:var(--line)}
rect.aligned{fill:var(--aligned)}rect.forwarder{fill:var(--forwarder)}rect.misconfigured{fill:var(--misconfigured)}
rect.unauthenticated{fill:url(#hatch)}.unauthenticated-ground{fill:var(--unauthenticated)}
.hatch{stroke:var(--ground);stroke-width:1.6}rect.nothing{fill:none;stroke:var(--line);stroke-dasharray:2 2}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:.4rem}.scroll.chart{border:0}
table{border-collapse:collapse;width:100%;font-size:.92rem}
th,td{padding:.35rem .6rem;text-align:left;vertical-align:top;border-top:1px solid var(--line);white-space:nowrap}
thead th{border-top:0;background:var(--box)}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
td.t{white-space:normal;overflow-wrap:anywhere;min-width:7rem}td.t.long{min-width:16rem}
td.id{font-family:ui-monospace,monospace;font-size:.88rem}
.class{white-space:nowrap}.class::before{content:"";display:inline-block;width:.7em;height:.7em;margin-right:.4em;border-radius:2px;background:var(--c)}
.aligned{--c:var(--aligned)}.forwarder{--c:var(--forwarder)}.misconfigured{--c:var(--misconfigured)}.unauthenticated{--c:var(--unauthenticated)}
.bar{display:flex;height:.8rem;min-width:8rem;gap:1px}.bar i{display:block;background:var(--aligned)}
.bar i.f{background:repeating-linear-gradient(45deg,var(--unauthenticated) 0 4px,var(--ground) 4px 5px)}
.verdicts{list-style:none;margin:1rem 0;padding:0}
.verdicts li{border:1px solid var(--line);border-left:.4rem solid var(--c);border-radius:.4rem;padding:.6rem .8rem;margin:.4rem 0;background:var(--box)}
.verdicts li>span{color:var(--second)}
details{margin:.5rem 0}summary{cursor:pointer}
tr.below td{border-top:0;padding-top:0;white-space:normal}tr.below details{margin:0}tr.below summary{color:var(--second)}
tr.below dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem .8rem;margin:.3rem 0}tr.below dt{color:var(--second)}tr.below dd{margin:0}
ul.key{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;list-style:none;padding:0;margin:.3rem 0}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem}
@media(max-width:600px){body{padding:.6rem}h1{font-size:1.2rem}.days text{font-size:20px}.chart svg{min-width:40rem}td.t{min-width:16rem}td.t.long{min-width:26rem}}
@media print{*{-webkit-print-color-adjust:exact;print-color-adjust:exact}nav{display:none}body{max-width:none}
tr,figure,.verdicts li,.numbers{break-inside:avoid}h2{break-after:avoid}.scroll{overflow:visible}td.t.t{min-width:4rem}summary{display:none}
details::details-content{content-visibility:visible;block-size:auto}}
)css";

std::string percent(std::optional<double> rate) {
    if (!rate) {
        return "-";
    }
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f %%", *rate * 100);
    return text.data();
}

std::optional<double> share(std::int64_t part, std::int64_t whole) {
    return whole == 0 ? std::nullopt
                      : std::optional(static_cast<double>(part) / static_cast<double>(whole));
}

class Page {
  public:
    Page(const SummaryQuestion& question,
         const SummaryFacts& facts,
         const std::vector<DomainVerdict>& verdicts,
         std::int64_t now,
         std::ostream& out)
        : question_(question), facts_(facts), verdicts_(verdicts), now_(now), out_(out) {}

    void print() {
        head();
        if (facts_.reports == 0) {
            out_ << "<p>No aggregate report in this period. The first come 24 to 48 hours after "
                    "the DNS records: <code>dmarcbox dns DOMAIN --check</code>.</p>\n";
        } else {
            verdicts();
            numbers();
            days();
            failing();
            all_sources();
            reporters();
            policies();
        }
        samples();
        tls();
        problems();
        key();
        out_ << "</main></body></html>\n";
    }

  private:
    [[nodiscard]] std::string subject() const {
        if (!question_.domain.empty()) {
            return question_.domain;
        }
        return facts_.domains.size() == 1 ? facts_.domains.front()
                                          : std::to_string(facts_.domains.size()) + " domains";
    }

    void head() {
        out_ << "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                "style-src 'unsafe-inline'\"><meta name=\"viewport\" "
                "content=\"width=device-width, initial-scale=1\"><meta name=\"referrer\" "
                "content=\"no-referrer\"><title>DMARC "
             << escape_for_html(subject(), false) << "</title><style>" << kStyle
             << "</style></head>\n<body><a class=\"skip\" href=\"#main\">To the content</a>"
                "<header><h1>"
             << html(subject()) << "</h1><p>";
        if (facts_.end_at != 0) {
            out_ << schema::day_of(facts_.begin_at) << " to "
                 << schema::day_of(facts_.end_at - kDay) << " UTC, ";
        }
        const std::string made = schema::format_utc(now_);
        out_ << "<span class=\"nb\">made " << made.substr(0, 10) << ' ' << made.substr(11, 5)
             << " UTC by dmarcbox</span></p></header>\n<nav "
                "aria-label=\"Sections\"><ul>";
        for (const auto& [id, words] : {std::pair{"days", "Days"},
                                        {"failing", "Sources that fail"},
                                        {"sources", "All sources"},
                                        {"reporters", "Reporters"},
                                        {"policies", "Policies"},
                                        {"samples", "Samples"},
                                        {"tls", "TLS"},
                                        {"problems", "Problems"},
                                        {"key", "How to read this"}}) {
            out_ << "<li><a href=\"#" << id << "\">" << words << "</a></li>";
        }
        out_ << "</ul></nav><main id=\"main\">\n";
    }

    /// The answer before the figures: a sign, a word and a colour.
    void verdicts() {
        if (verdicts_.empty()) {
            return;
        }
        out_ << "<ul class=\"verdicts\">";
        for (const auto& one : verdicts_) {
            const bool good = exit_code_of(one.verdict) == 0;
            const bool open = one.verdict == Verdict::not_enough_data;
            out_ << "<li class=\""
                 << (good   ? "aligned"
                     : open ? "forwarder"
                            : "unauthenticated")
                 << R"("><strong><span aria-hidden="true">)"
                 << (good   ? "\u2714"
                     : open ? "?"
                            : "\u2716")
                 << "</span> " << html(one.domain) << ": " << words_of(one.verdict)
                 << " for p=" << one.policy << "</strong>"
                 << (one.reason.empty() ? "" : ": " + html(one.reason))
                 << ". <span>Judged by the 30 days to " << schema::day_of(one.end_at - 1)
                 << ": <code>dmarcbox readiness " << html(one.domain)
                 << "</code> tells why.</span></li>\n";
        }
        if (facts_.domains.size() > verdicts_.size() && question_.domain.empty()) {
            out_ << "<li><span>The other domains: <code>dmarcbox readiness "
                    "DOMAIN</code></span></li>\n";
        }
        out_ << "</ul>\n";
    }

    void numbers() {
        const auto number = [&](std::string_view section, const std::string& value,
                                const std::string& words) {
            out_ << "<li><a href=\"#" << section << "\"><strong>" << value << "</strong>" << words
                 << "</a></li>";
        };
        out_ << "<ul class=\"numbers\">";
        number("days", with_commas(facts_.messages), "messages as your domain");
        std::string trend = "pass DMARC";
        if (const auto before = facts_.pass_rate_before(); before && facts_.pass_rate()) {
            std::array<char, 64> text{};
            std::snprintf(text.data(), text.size(), "pass DMARC, %+.1f to the days before",
                          (*facts_.pass_rate() - *before) * 100);
            trend = text.data();
        }
        number("sources", percent(facts_.pass_rate()), trend);
        const auto yours = [&](const std::array<std::int64_t, kSourceClasses>& sums) {
            return sums.at(static_cast<std::size_t>(SourceClass::aligned)) +
                   sums.at(static_cast<std::size_t>(SourceClass::misconfigured));
        };
        number("failing", percent(share(yours(facts_.class_failed), yours(facts_.class_messages))),
               "of your own mail fails");
        number("reporters", std::to_string(facts_.reporters.size()),
               "reporters, " + with_commas(facts_.reports) + " reports");
        out_ << "</ul>\n";
        if (facts_.pruned_reports > 0) {
            out_ << "<p class=\"note\">" << with_commas(facts_.pruned_reports)
                 << " reports of this period are pruned, and their records are not counted here. "
                    "With them, view <code>daily</code> has "
                 << with_commas(facts_.daily_messages) << " messages in these days, "
                 << percent(facts_.daily_pass_rate()) << " pass.</p>\n";
        }
    }

    void class_key() {
        out_ << "<ul class=\"key\">";
        for (const auto source_class : {SourceClass::aligned, SourceClass::forwarder,
                                        SourceClass::misconfigured, SourceClass::unauthenticated}) {
            out_ << "<li><span class=\"class " << to_string(source_class) << "\">"
                 << to_string(source_class) << "</span></li>";
        }
        out_ << "</ul>";
    }

    void days() {
        const SummaryDay* busiest = &facts_.days.front();
        for (const auto& day : facts_.days) {
            busiest = day.all() > busiest->all() ? &day : busiest;
        }
        out_ << "<section id=\"days\"><h2>Messages by day</h2><figure><figcaption>"
             << percent(facts_.pass_rate()) << " of " << with_commas(facts_.messages)
             << " messages pass; most came on " << busiest->day << " ("
             << with_commas(busiest->all())
             << "). A dashed column is a day without a report.</figcaption>\n"
             << days_chart(facts_);
        class_key();
        out_ << "</figure><details><summary>The numbers</summary>\n";
        {
            PageTable table(out_, {"Day", "Reports#", "Messages#", "Passed#", "Forwarded#",
                                   "Misconfigured#", "Unauthenticated#"});
            for (const auto& day : facts_.days) {
                const auto of = [&](SourceClass c) {
                    return number_cell(day.messages.at(static_cast<std::size_t>(c)));
                };
                if (!table.row({"<th scope=\"row\">" + day.day + "</th>", number_cell(day.reports),
                                number_cell(day.all()), number_cell(day.passed),
                                of(SourceClass::forwarder), of(SourceClass::misconfigured),
                                of(SourceClass::unauthenticated)})) {
                    break;
                }
            }
        }
        out_ << "</details></section>\n";
    }

    void failing() {
        std::int64_t failed = 0;
        std::size_t count = 0;
        for (const auto& source : facts_.sources) {
            failed += source.failed;
            count += source.failed > 0 ? 1 : 0;
        }
        out_ << "<section id=\"failing\"><h2>Sources that fail</h2><p>" << with_commas(failed)
             << " messages of " << count << " sources fail, most first.</p>\n";
        if (count > 0) {
            const bool several = facts_.domains.size() > 1;
            PageTable table(out_, {"Source", "Class", "Failed#", "Messages#", "Evidence",
                                   "What to do", several ? "Domain" : ""});
            bool more = true;
            for (auto source = facts_.sources.begin();
                 more && source != facts_.sources.end() && source->failed > 0; ++source) {
                more = table.row(
                    {id_cell(html(source->name)), class_cell(to_string(source->source_class)),
                     number_cell(source->failed), number_cell(source->messages),
                     text_cell(evidence_words(source->evidence) + " (" + source->confidence + ")"),
                     text_cell(source->advice, true), several ? text_cell(source->domain) : ""});
                table.below(details_of(*source));
            }
        }
        out_ << "</section>\n";
    }

    void all_sources() {
        std::vector<const SummarySource*> sources;
        for (const auto& source : facts_.sources) {
            sources.push_back(&source);
        }
        std::stable_sort(sources.begin(), sources.end(),
                         [](const auto* a, const auto* b) { return a->messages > b->messages; });
        const std::int64_t most =
            sources.empty() ? 1 : std::max<std::int64_t>(sources.front()->messages, 1);
        out_ << "<section id=\"sources\"><h2>All sources</h2><p>The largest of " << sources.size()
             << ", passed and <span>failed (hatched)</span>.</p>\n";
        {
            PageTable table(out_, {"Source", "Class", "Passed and failed", "Messages#", "Passed#"});
            for (std::size_t i = 0; i < std::min(sources.size(), kMostBars); ++i) {
                const SummarySource& source = *sources[i];
                const auto width = [&](std::int64_t messages) {
                    std::array<char, 32> text{};
                    std::snprintf(
                        text.data(), text.size(), "%.1f",
                        100.0 * static_cast<double>(messages) / static_cast<double>(most));
                    return std::string(text.data());
                };
                table.row({id_cell(html(source.name)), class_cell(to_string(source.source_class)),
                           R"(<td><div class="bar" aria-hidden="true"><i style="width:)" +
                               width(source.messages - source.failed) +
                               R"(%"></i><i class="f" style="width:)" + width(source.failed) +
                               "%\"></i></div></td>",
                           number_cell(source.messages),
                           number_cell(source.messages - source.failed)});
            }
        }
        if (sources.size() > kMostBars) {
            out_ << "<p class=\"note\">and " << sources.size() - kMostBars
                 << " more: <code>dmarcbox summary --csv</code></p>\n";
        }
        out_ << "</section>\n";
    }

    void reporters() {
        out_ << "<section id=\"reporters\"><h2>Reporters</h2><figure><figcaption>"
             << facts_.reporters.size() << " reporters; a dashed box is a day without a report.";
        for (const auto& reporter : facts_.silent) {
            out_ << " " << html(reporter.org_name) << " is silent on " << html(reporter.domain)
                 << " for " << reporter.silent_seconds / kDay << " days.";
        }
        if (facts_.all_silent) {
            out_ << " Everybody is silent since " << schema::day_of(facts_.newest_report_at - 1)
                 << ".";
        }
        out_ << R"(</figcaption><div class="scroll chart" tabindex="0">)"
             << reporters_chart(facts_, kMostReporters)
             << "</div></figure><details><summary>The numbers</summary>\n";
        {
            PageTable table(out_, {"Reporter", "Reports#", "Messages#", "Newest"});
            for (const auto& reporter : facts_.reporters) {
                if (!table.row({text_cell(reporter.org_name), number_cell(reporter.reports),
                                number_cell(reporter.messages),
                                cell(schema::day_of(reporter.last_report_at))})) {
                    break;
                }
            }
        }
        out_ << "</details></section>\n";
    }

    void policies() {
        out_ << "<section id=\"policies\"><h2>Policy as reporters saw it</h2><figure><figcaption>"
                "Low is none, middle quarantine, high reject.</figcaption><div class=\"scroll "
                "chart\" tabindex=\"0\">"
             << policies_chart(facts_, kMostReporters)
             << "</div></figure><details><summary>The numbers</summary>\n";
        {
            PageTable table(out_, {"Domain", "Reporter", "p", "sp", "First seen", "Last seen"});
            for (const auto& policy : facts_.policies) {
                if (!table.row({text_cell(policy.domain), text_cell(policy.org_name),
                                text_cell(policy.p), text_cell(policy.sp),
                                cell(schema::day_of(policy.first_seen_at)),
                                cell(schema::day_of(policy.last_seen_at))})) {
                    break;
                }
            }
        }
        out_ << "</details></section>\n";
    }

    void samples() {
        out_ << "<section id=\"samples\"><h2>Failure samples</h2><p>"
             << with_commas(facts_.failure_reports) << " failure reports in this period.</p>\n";
        if (!facts_.samples.empty()) {
            PageTable table(out_, {"Arrived", "Source", "Class", "From", "Subject"});
            for (const auto& sample : facts_.samples) {
                table.row({cell(schema::day_of(sample.arrived_at)), id_cell(html(sample.source_ip)),
                           class_cell(sample.source_class), text_cell(sample.sample_from, true),
                           text_cell(sample.sample_subject, true)});
            }
        }
        out_ << "</section>\n";
    }

    void tls() {
        out_ << "<section id=\"tls\"><h2>TLS</h2><p>" << with_commas(facts_.tls_failed) << " of "
             << with_commas(facts_.tls_sessions) << " reported sessions failed.</p>\n";
        if (!facts_.tls.empty()) {
            PageTable table(out_, {"Domain", "Policy", "Failure", "Sessions#"});
            for (const auto& failure : facts_.tls) {
                table.row({text_cell(failure.policy_domain), text_cell(failure.policy_type),
                           text_cell(failure.result_type), number_cell(failure.sessions)});
            }
        }
        out_ << "</section>\n";
    }

    void problems() {
        out_ << "<section id=\"problems\"><h2>Problems</h2><p>" << with_commas(facts_.unreadable)
             << (facts_.unreadable == 1 ? " message" : " messages") << " could not be read since "
             << schema::day_of(facts_.begin_at) << ".</p>\n";
        if (!facts_.problems.empty()) {
            out_ << "<p>What is wrong with these, and with others that were read:</p>\n";
            PageTable table(out_, {"Code", "Messages#", "Example"});
            for (const auto& problem : facts_.problems) {
                table.row({text_cell(problem.code), number_cell(problem.messages),
                           cell("<code>dmarcbox show " +
                                std::to_string(problem.example_message_id) + "</code>")});
            }
        }
        if (!facts_.refusals.empty()) {
            out_ << "<h3>Refused mail</h3><p>If an unknown or foreign recipient should have been "
                    "taken, <code>accept</code> in the configuration is wrong; what is refused for "
                    "its size is larger than <code>smtp.max_message_bytes</code>.</p>\n";
            PageTable table(out_, {"Reason", "Domain", "Recipients#", "Messages#"});
            for (const auto& refusal : facts_.refusals) {
                const bool recipients = counts_recipients(refusal.reason);
                table.row({text_cell(refusal.reason), text_cell(refusal.domain),
                           recipients ? number_cell(refusal.count) : cell(""),
                           recipients ? cell("") : number_cell(refusal.count)});
            }
        }
        out_ << "</section>\n";
    }

    void key() {
        out_ << "<section id=\"key\"><h2>How to read this</h2><dl>"
                "<dt>aligned</dt><dd>DKIM or SPF passes for your domain: 98 % of the source's "
                "messages or more.</dd>"
                "<dt>misconfigured</dt><dd>Somebody you know, most likely: it signs or sends as "
                "another domain, or your key does not fit there.</dd>"
                "<dt>forwarder</dt><dd>A mailing list or a redirected mailbox; nothing to "
                "fix.</dd>"
                "<dt>unauthenticated</dt><dd>Nothing passes: a spoofer, or a server of yours that "
                "was forgotten.</dd></dl><p class=\"note\">Counts are what reporters claim. The "
                "days show each message by its own evidence, the tables each source by most of "
                "its messages. Questions of your own: <code>sqlite3</code> on the database, see "
                "schema/README.md.</p></section>\n";
    }

    const SummaryQuestion& question_;
    const SummaryFacts& facts_;
    const std::vector<DomainVerdict>& verdicts_;
    std::int64_t now_;
    std::ostream& out_;
};

}  // namespace

void print_summary_page(const SummaryQuestion& question,
                        const SummaryFacts& facts,
                        const std::vector<DomainVerdict>& verdicts,
                        std::int64_t now,
                        std::ostream& out) {
    Page(question, facts, verdicts, now, out).print();
}

}  // namespace dmarcbox
