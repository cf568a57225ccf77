#include <algorithm>
#include <ostream>
#include <string>

#include "schema/date_time.hpp"
#include "schema/ip_address.hpp"
#include "server/commands/readiness.hpp"
#include "server/commands/source_advice.hpp"

namespace dmarcbox {
namespace {

/// More sources than this are counted, not listed; --json lists all.
constexpr std::size_t kShownGroups = 20;
constexpr std::size_t kShownNames = 10;
constexpr std::size_t kTextColumn = 14;
constexpr std::size_t kStateColumn = 69;

std::string plural(std::int64_t number, const char* one, const char* many) {
    return with_commas(number) + ' ' + (number == 1 ? one : many);
}

/// `198.51.100.8`, `198.51.100.8-10 (3)` for a part of a /24, `2001:db8::/64 (5)`.
std::string name_of(const SourceGroup& group) {
    if (group.sources.size() == 1) {
        return escape_for_terminal(group.first().ip);
    }
    const std::string number = " (" + std::to_string(group.sources.size()) + ")";
    std::vector<schema::IpAddress> addresses;
    for (const auto* source : group.sources) {
        if (const auto parsed = schema::parse_ip(source->ip)) {
            addresses.push_back(parsed->address);
        }
    }
    if (addresses.size() != group.sources.size() || !addresses.front().is_v4()) {
        return escape_for_terminal(group.first().net) + number;
    }
    const auto [least, greatest] = std::minmax_element(addresses.begin(), addresses.end());
    return least->text() + "-" + std::to_string(greatest->bytes.back()) + number;
}

/// What the token says, in words.
std::string explain(const SourceGroup& group) {
    const ReadinessSource& source = group.first();
    const std::string_view token = source.evidence;
    const std::string foreign = escape_for_terminal(source.authenticates_as);
    if (token.starts_with("signs-as:")) {
        return "DKIM passes for " + foreign;
    }
    if (token.starts_with("sends-as:")) {
        return "only SPF passes, for " + foreign;
    }
    if (token.starts_with("own-signature-broken")) {
        return "your signature breaks here, not elsewhere";
    }
    if (token.starts_with("reason-")) {
        return "reporters say " + escape_for_terminal(token.substr(7));
    }
    if (token == "arc-pass") {
        return "ARC passes";
    }
    if (token == "own-key-bad") {
        return "your signature never verifies";
    }
    if (token == "strict") {
        return "passes for a subdomain, which strict alignment excludes";
    }
    if (token == "reporter-disagrees") {
        return "passes for your domain, yet not aligned";
    }
    if (source.source_class == SourceClass::aligned) {
        return "a few of its messages fail";
    }
    return "nothing passes, on " +
           plural(static_cast<std::int64_t>(group.days.count()), "day", "days");
}

std::string fix_of(const SourceGroup& group, const std::string& domain) {
    const ReadinessSource& source = group.first();
    return escape_for_terminal(advice({.source_class = source.source_class,
                                       .evidence = source.evidence,
                                       .confidence = source.confidence,
                                       .authenticates_as = source.authenticates_as,
                                       .passed = group.messages - group.failed,
                                       .days = group.days.count()},
                                      domain));
}

std::string state_word(ReadinessGate::State state) {
    return state == ReadinessGate::State::stop ? "STOP"
           : state == ReadinessGate::State::ok ? "ok"
                                               : "";
}

void print_gate(const ReadinessGate& gate, const Terminal& terminal, std::ostream& out) {
    std::string line = pad_right("  " + gate.name, kTextColumn) + gate.text;
    std::string word = state_word(gate.state);
    if (!word.empty()) {
        line = pad_right(line, kStateColumn) + ' ';
        word = pad_left(word, 4);
        if (terminal.colour) {
            word = (gate.state == ReadinessGate::State::stop ? "\x1b[31m" : "\x1b[32m") + word +
                   "\x1b[0m";
        }
    }
    out << line << word << '\n';
}

void print_groups(const ReadinessQuestion& question,
                  const Readiness& readiness,
                  std::ostream& out) {
    std::size_t width = 0;
    const std::size_t shown = std::min(readiness.groups.size(), kShownGroups);
    for (std::size_t i = 0; i < shown; ++i) {
        width = std::max(width, columns_of(name_of(readiness.groups[i])));
    }
    for (std::size_t i = 0; i < shown; ++i) {
        const SourceGroup& group = readiness.groups[i];
        out << "  " << pad_right(name_of(group), width) << ' '
            << pad_left(with_commas(group.failed), 9) << "  "
            << to_string(group.first().source_class) << ", "
            << escape_for_terminal(group.first().confidence) << ": " << explain(group) << '\n'
            << "       " << (group.first().is_yours() ? "fix: " : "")
            << fix_of(group, question.domain) << '\n';
    }
    if (shown < readiness.groups.size()) {
        out << "  and " << readiness.groups.size() - shown << " more (--json lists all)\n";
    }
}

void print_what_if(const ReadinessQuestion& question,
                   const ReadinessFacts& facts,
                   std::ostream& out) {
    const auto losses = [](const Losses& l) {
        return with_commas(l.all()) + " (" + with_commas(l.yours) + " yours, " +
               with_commas(l.forwarded) + " forwarded, " + with_commas(l.unauthenticated) +
               " nobody's)";
    };
    const std::string domain = escape_for_terminal(question.domain);
    out << "What if  p      hits " << losses(facts.from_domain) << '\n'
        << "         sp     hits " << losses(facts.from_below) << " below " << domain << '\n'
        << "         np     cannot be told without DNS";
    if (!facts.silent_subdomains.empty()) {
        out << "; names without passing mail:";
        const std::size_t shown = std::min(facts.silent_subdomains.size(), kShownNames);
        for (std::size_t i = 0; i < shown; ++i) {
            out << "\n                " << escape_for_terminal(facts.silent_subdomains[i].name)
                << ' ' << with_commas(facts.silent_subdomains[i].messages);
        }
        if (shown < facts.silent_subdomains.size()) {
            out << "\n                and " << facts.silent_subdomains.size() - shown << " more";
        }
    }
    const auto strict = [&out](const char* name, const StrictLosses& l) {
        out << "\n         " << name << " hits " << with_commas(l.hits) << " more";
        if (l.cannot_tell > 0) {
            out << ", cannot tell for " << with_commas(l.cannot_tell);
        }
    };
    strict("adkim=s", facts.strict_dkim);
    strict("aspf=s ", facts.strict_spf);
    out << '\n';
}

/// The command for the first one; a source that is no address cannot be labelled.
void print_label(const ReadinessQuestion& question, const Readiness& readiness, std::ostream& out) {
    const auto one = std::find_if(readiness.to_label.begin(), readiness.to_label.end(),
                                  [](const auto& ip) { return schema::parse_ip(ip).has_value(); });
    if (one == readiness.to_label.end()) {
        return;
    }
    out << "Label: sqlite3 " << escape_for_terminal(shell_word(question.database))
        << " \"INSERT INTO labels (subject, class, note)\n"
           "         VALUES ('"
        << schema::parse_ip(*one)->address.text()
        << "', 'CLASS', 'what it is')\"\n"
           "       CLASS: misconfigured if it is yours; else unauthenticated, or forwarder\n";
}

void print_next(const ReadinessQuestion& question,
                const ReadinessFacts& facts,
                const Readiness& readiness,
                std::ostream& out) {
    print_label(question, readiness, out);
    if (readiness.verdict == Verdict::not_ready && readiness.fixes > 0) {
        out << "Once the first "
            << (readiness.fixes == 1 ? "" : std::to_string(readiness.fixes) + " ")
            << (readiness.fixes == 1 ? "is" : "are")
            << " fixed: " << words_of(readiness.after_fixes) << '\n';
    }
    if (readiness.verdict == Verdict::ready || readiness.verdict == Verdict::ready_with_losses) {
        const std::string policy = readiness.parked ? "reject" : readiness.policy;
        out << "Next: p=" << policy << " in _dmarc." << escape_for_terminal(question.domain)
            << (readiness.parked ? "" : "; with t=y first, reporters tell and do not apply it yet")
            << '\n';
    }
    if (facts.pruned_reports > 0) {
        out << "Note: the records of " << plural(facts.pruned_reports, "report", "reports")
            << " in these days are pruned ([retention] reports_days) and not judged\n";
    }
}

}  // namespace

void print_readiness(const ReadinessQuestion& question,
                     const ReadinessFacts& facts,
                     const Readiness& readiness,
                     const Terminal& terminal,
                     std::ostream& out) {
    out << escape_for_terminal(question.domain) << ": " << words_of(readiness.verdict)
        << " for p=" << readiness.policy << (question.strict_dkim ? " adkim=s" : "")
        << (question.strict_spf ? " aspf=s" : "")
        << (readiness.reason.empty() ? "" : ": " + escape_for_terminal(readiness.reason)) << '\n';
    if (facts.end_at == 0) {
        return;
    }
    out << pad_right("  days", kTextColumn) << schema::day_of(facts.begin_at) << " to "
        << schema::day_of(facts.end_at - 1) << " UTC, "
        << plural(facts.reports, "report", "reports") << '\n';
    for (const auto& gate : readiness.gates) {
        print_gate(gate, terminal, out);
    }
    const Losses losses = facts.losses();
    out << (readiness.verdict == Verdict::already_there ? "Fails in 30 days: "
                                                        : "Would be hit in 30 days: ")
        << with_commas(losses.all()) << " = " << with_commas(losses.yours) << " yours + "
        << with_commas(losses.forwarded) << " forwarded + " << with_commas(losses.unauthenticated)
        << " nobody's\n";
    print_groups(question, readiness, out);
    for (const auto& group : readiness.spf_only) {
        out << "  passes by SPF alone: " << name_of(group) << ' ' << with_commas(group.messages)
            << '\n';
    }
    print_what_if(question, facts, out);
    print_next(question, facts, readiness, out);
}

}  // namespace dmarcbox
