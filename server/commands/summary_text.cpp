#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ostream>

#include "schema/date_time.hpp"
#include "server/commands/evidence_words.hpp"
#include "server/commands/summary.hpp"

namespace dmarcbox {
namespace {

constexpr std::size_t kShownSources = 15;
constexpr std::size_t kShownSamples = 3;
constexpr std::size_t kShownNames = 3;
constexpr std::int64_t kDay = 86400;
constexpr std::size_t kClassColumn = 16;
constexpr std::size_t kNumberColumn = 12;
/// Fewer columns of a bar or a line of days show nothing.
constexpr std::size_t kMinBar = 4;

// In the order of a reader's interest.
constexpr std::array<SourceClass, kSourceClasses> kOrder{
    SourceClass::aligned, SourceClass::misconfigured, SourceClass::forwarder,
    SourceClass::unauthenticated};

std::string percent(std::optional<double> rate) {
    if (!rate) {
        return "no";
    }
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f %%", *rate * 100);
    return text.data();
}

std::string plural(std::int64_t number, const char* one, const char* many) {
    return with_commas(number) + ' ' + (number == 1 ? one : many);
}

/// Columns for a picture in a line whose words take `words`; 0 if that is too few for one.
std::size_t room_for_bar(const Terminal& terminal, std::size_t words) {
    return terminal.is_terminal && terminal.width >= words + kMinBar ? terminal.width - words : 0;
}

/// A bar of at most `columns`, in eighths where the terminal has them.
std::string bar(double share, std::size_t columns, bool unicode) {
    const auto eighths = static_cast<std::size_t>(
        std::lround(std::clamp(share, 0.0, 1.0) * static_cast<double>(columns) * 8));
    std::string text;
    for (std::size_t i = 0; i < eighths / 8; ++i) {
        text += unicode ? "\u2588" : "#";
    }
    if (unicode && eighths % 8 != 0) {
        constexpr std::array<const char*, 8> kParts{"",       "\u258f", "\u258e", "\u258d",
                                                    "\u258c", "\u258b", "\u258a", "\u2589"};
        text += kParts.at(eighths % 8);
    } else if (!unicode && eighths % 8 >= 4) {
        text += '#';
    }
    return text;
}

std::string sparkline(const std::vector<SummaryDay>& days, std::size_t columns, bool unicode) {
    constexpr std::array<const char*, 8> kBlocks{"\u2581", "\u2582", "\u2583", "\u2584",
                                                 "\u2585", "\u2586", "\u2587", "\u2588"};
    constexpr std::string_view kAscii = ".:-=+*#@";
    std::string text;
    for (auto at = days.size() > columns ? days.size() - columns : 0; at < days.size(); ++at) {
        const std::int64_t all = days[at].all();
        if (all == 0) {
            text += ' ';
            continue;
        }
        const double rate = static_cast<double>(days[at].passed) / static_cast<double>(all);
        const auto step = std::min<std::size_t>(static_cast<std::size_t>(rate * 8), 7);
        text += unicode ? std::string(kBlocks.at(step)) : std::string(1, kAscii.at(step));
    }
    return text;
}

/// What the operator could change, if it was wrong to refuse.
std::string_view hint_for(std::string_view reason) {
    if (reason == "unknown_recipient" || reason == "foreign_recipient") {
        return "; is `accept` in the configuration right?";
    }
    if (reason == "size") {
        return "; larger than `smtp.max_message_bytes`";
    }
    return "";
}

/// A class in its colour; the word stays the sign.
std::string coloured(SourceClass source_class, const std::string& text, const Terminal& terminal) {
    constexpr std::array<const char*, kSourceClasses> kColours{"32", "37", "33", "31"};
    return terminal.colour
               ? std::string("\x1b[") + kColours.at(static_cast<std::size_t>(source_class)) + "m" +
                     text + "\x1b[0m"
               : text;
}

class Printer {
  public:
    Printer(const SummaryQuestion& question,
            const SummaryFacts& facts,
            const Terminal& terminal,
            std::ostream& out)
        : question_(question), facts_(facts), terminal_(terminal), out_(out) {}

    void print() {
        heading();
        if (facts_.reports > 0) {
            rates();
            classes();
            sources();
        }
        samples();
        tls();
        problems();
        silent();
        refusals();
        next();
    }

  private:
    void heading() {
        if (facts_.end_at == 0) {
            out_ << (question_.domain.empty()
                         ? "no aggregate report yet; the first come 24 to 48 hours after the DNS "
                           "records, see `dmarcbox dns DOMAIN --check`\n"
                         : "no aggregate report for " + escape_for_terminal(question_.domain) +
                               "; `dmarcbox summary` shows all domains\n");
            return;
        }
        std::string who =
            question_.domain.empty()
                ? plural(static_cast<std::int64_t>(facts_.domains.size()), "domain", "domains")
                : escape_for_terminal(question_.domain);
        if (question_.domain.empty() && facts_.domains.size() == 1) {
            who = escape_for_terminal(facts_.domains.front());
        }
        out_ << who << "   " << schema::day_of(facts_.begin_at) << " to "
             << schema::day_of(facts_.end_at - kDay) << " UTC   "
             << plural(facts_.reports, "report", "reports") << " from "
             << plural(static_cast<std::int64_t>(facts_.reporters.size()), "reporter", "reporters")
             << '\n';
        if (facts_.pruned_reports > 0) {
            out_ << plural(facts_.pruned_reports, "report is", "reports are")
                 << " pruned: with what they held, view `daily` has "
                 << plural(facts_.daily_messages, "message", "messages") << " in these days, "
                 << percent(facts_.daily_pass_rate()) << " pass\n";
        }
    }

    void rates() {
        out_ << plural(facts_.messages, "message", "messages")
             << (facts_.pruned_reports > 0 ? " in what is left" : "");
        if (facts_.messages > 0) {
            out_ << "   " << percent(facts_.pass_rate()) << " pass DMARC";
        }
        if (const auto before = facts_.pass_rate_before(); before && facts_.pass_rate()) {
            std::array<char, 16> change{};
            std::snprintf(change.data(), change.size(), "%+.1f",
                          (*facts_.pass_rate() - *before) * 100);
            out_ << "   (" << facts_.days.size() << " days before: " << percent(before) << ", "
                 << change.data() << ")";
        }
        out_ << '\n';
        const SummaryDay* lowest = nullptr;
        double lowest_rate = 2;
        for (const auto& day : facts_.days) {
            const std::int64_t all = day.all();
            const double rate =
                all == 0 ? 2 : static_cast<double>(day.passed) / static_cast<double>(all);
            if (rate < lowest_rate) {
                lowest_rate = rate;
                lowest = &day;
            }
        }
        if (lowest != nullptr && terminal_.is_terminal) {
            const std::size_t columns = room_for_bar(terminal_, 45);
            out_ << "pass rate per day  " << sparkline(facts_.days, columns, terminal_.unicode)
                 << (columns > 0 ? "  " : "") << "lowest " << std::lround(lowest_rate * 100)
                 << " % on " << lowest->day << '\n';
        }
    }

    void classes() {
        out_ << pad_right("CLASS", kClassColumn) << pad_left("MESSAGES", kNumberColumn)
             << pad_left("FAILED", kNumberColumn) << '\n';
        for (const auto source_class : kOrder) {
            const auto at = static_cast<std::size_t>(source_class);
            const double share = facts_.messages == 0
                                     ? 0
                                     : static_cast<double>(facts_.class_messages.at(at)) /
                                           static_cast<double>(facts_.messages);
            out_ << coloured(source_class,
                             pad_right(std::string(to_string(source_class)), kClassColumn),
                             terminal_)
                 << pad_left(with_commas(facts_.class_messages.at(at)), kNumberColumn)
                 << pad_left(with_commas(facts_.class_failed.at(at)), kNumberColumn) << "  ";
            if (const std::size_t columns =
                    room_for_bar(terminal_, 2 * kNumberColumn + kClassColumn + 11);
                columns > 0) {
                out_ << coloured(source_class,
                                 pad_right(bar(share, columns, terminal_.unicode), columns),
                                 terminal_);
            }
            out_ << pad_left(percent(share), 8) << '\n';
        }
    }

    void sources() {
        const bool domains = question_.domain.empty() && facts_.domains.size() > 1;
        out_ << pad_right("SOURCE", 24) << pad_right("CLASS", kClassColumn)
             << pad_left("MESSAGES", 9) << pad_left("FAILED", 8) << "  EVIDENCE"
             << (domains ? ", DOMAIN" : "") << '\n';
        for (std::size_t i = 0; i < std::min(facts_.sources.size(), kShownSources); ++i) {
            const SummarySource& source = facts_.sources[i];
            const std::string name = escape_for_terminal(source.name);
            // An address is never cut: a long one has a line of its own.
            out_ << (columns_of(name) < 24 ? pad_right(name, 24)
                                           : name + '\n' + std::string(24, ' '))
                 << coloured(source.source_class,
                             pad_right(std::string(to_string(source.source_class)), kClassColumn),
                             terminal_)
                 << pad_left(with_commas(source.messages), 9)
                 << pad_left(with_commas(source.failed), 8) << "  "
                 << escape_for_terminal(evidence_words(source.evidence))
                 << (source.confidence == "label" ? " (label)" : "")
                 << (source.confidence == "check" ? " (check)" : "")
                 << (domains ? ", " + escape_for_terminal(source.domain) : "") << '\n';
        }
        if (facts_.sources.size() > kShownSources) {
            out_ << "and "
                 << with_commas(static_cast<std::int64_t>(facts_.sources.size() - kShownSources))
                 << " more; `--csv` lists all\n";
        }
    }

    void samples() {
        if (facts_.failure_reports == 0) {
            return;
        }
        out_ << "Samples: " << plural(facts_.failure_reports, "failure report", "failure reports")
             << '\n';
        for (std::size_t i = 0; i < std::min(facts_.samples.size(), kShownSamples); ++i) {
            const SummarySample& sample = facts_.samples[i];
            out_ << "  " << schema::day_of(sample.arrived_at) << "  "
                 << pad_right(escape_for_terminal(sample.source_ip), 16)
                 << pad_right(sample.source_class, kClassColumn) << '"'
                 << cut_middle(escape_for_terminal(sample.sample_subject), 32, terminal_.unicode)
                 << "\"\n";
        }
    }

    void tls() {
        if (facts_.tls_sessions == 0) {
            return;
        }
        out_ << "TLS: " << with_commas(facts_.tls_failed) << " of "
             << plural(facts_.tls_sessions, "session", "sessions") << " failed";
        const char* between = " (";
        for (std::size_t i = 0; i < std::min(facts_.tls.size(), kShownNames); ++i) {
            out_ << between << escape_for_terminal(facts_.tls[i].result_type);
            between = ", ";
        }
        out_ << (facts_.tls.empty() ? "\n" : ")\n");
    }

    void problems() {
        if (facts_.unreadable > 0) {
            out_ << "Unreadable: " << plural(facts_.unreadable, "message", "messages") << '\n';
        }
        if (facts_.problems.empty()) {
            return;
        }
        const char* between = "Problems: ";
        for (std::size_t i = 0; i < std::min(facts_.problems.size(), kShownNames); ++i) {
            out_ << between << escape_for_terminal(facts_.problems[i].code) << " in "
                 << plural(facts_.problems[i].messages, "message", "messages") << " (`show "
                 << facts_.problems[i].example_message_id << "`)";
            between = ", ";
        }
        if (facts_.problems.size() > kShownNames) {
            out_ << ", " << facts_.problems.size() - kShownNames << " more";
        }
        out_ << '\n';
    }

    void silent() {
        if (facts_.all_silent) {
            out_ << "Silent: everybody since " << schema::day_of(facts_.newest_report_at - 1)
                 << "; `dmarcbox check` tells more\n";
        }
        for (std::size_t i = 0; i < std::min(facts_.silent.size(), kShownNames); ++i) {
            const SilentReporter& reporter = facts_.silent[i];
            out_ << "Silent: " << escape_for_terminal(reporter.org_name) << " on "
                 << escape_for_terminal(reporter.domain) << ", " << reporter.silent_seconds / kDay
                 << " days (usually every "
                 << plural(
                        std::max<std::int64_t>(1, (reporter.typical_gap_seconds + kDay / 2) / kDay),
                        "day", "days")
                 << ")\n";
        }
        if (facts_.silent.size() > kShownNames) {
            out_ << "Silent: " << facts_.silent.size() - kShownNames << " more\n";
        }
    }

    void refusals() {
        for (std::size_t i = 0; i < std::min(facts_.refusals.size(), kShownNames); ++i) {
            const SummaryRefusal& refusal = facts_.refusals[i];
            const bool recipients = counts_recipients(refusal.reason);
            out_ << "Refused: "
                 << (recipients ? plural(refusal.count, "recipient", "recipients")
                                : plural(refusal.count, "message", "messages"))
                 << (refusal.domain.empty() ? "" : " at " + escape_for_terminal(refusal.domain))
                 << " (" << escape_for_terminal(refusal.reason) << ")" << hint_for(refusal.reason)
                 << '\n';
        }
    }

    void next() {
        if (facts_.reports > 0) {
            const std::string domain = !question_.domain.empty()    ? question_.domain
                                       : facts_.domains.size() == 1 ? facts_.domains.front()
                                                                    : "DOMAIN";
            out_ << "Next: dmarcbox readiness " << escape_for_terminal(domain);
            if (!question_.database.empty()) {
                out_ << " --db " << escape_for_terminal(shell_word(question_.database));
            }
            out_ << '\n';
        }
    }

    const SummaryQuestion& question_;
    const SummaryFacts& facts_;
    const Terminal& terminal_;
    std::ostream& out_;
};

}  // namespace

void print_summary(const SummaryQuestion& question,
                   const SummaryFacts& facts,
                   const Terminal& terminal,
                   std::ostream& out) {
    Printer(question, facts, terminal, out).print();
}

}  // namespace dmarcbox
