#include "server/commands/readiness_verdict.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <tuple>

#include "server/terminal.hpp"

namespace dmarcbox {
namespace {

using State = ReadinessGate::State;

/// What a policy asks for. No failure in n messages means a rate below 3/n with 95 % confidence:
/// 1 % and 0.3 %. Quarantined mail is found in the spam folder, rejected mail is lost.
struct Limits {
    std::size_t days = 28;
    std::size_t reporters = 3;
    int largest_reporter_percent = 100;
    std::int64_t messages = 300;
    std::int64_t messages_of_90_days = 300;
    int failing_per_mille = 10;
    std::int64_t failing_of_one_sender = -1;  ///< -1: no limit
    std::int64_t quarantine_days = 0;
    int dkim_percent = 0;
};
constexpr Limits kQuarantine{};
constexpr Limits kReject{.largest_reporter_percent = 95,
                         .messages = 1000,
                         .failing_per_mille = 1,
                         .failing_of_one_sender = 20,
                         .quarantine_days = 30,
                         .dkim_percent = 95};
constexpr std::int64_t kParkedDays = 90;
constexpr std::int64_t kNewSenderDays = 14;

/// One decimal, or as many as tell the value from the limit beside it: sums stop at 10^15.
std::string percent(std::int64_t part, std::int64_t whole, double limit = -1) {
    std::array<char, 32> text{};
    std::array<char, 32> beside{};
    const double value =
        whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
    for (int decimals = 1; decimals <= 13; ++decimals) {
        std::snprintf(text.data(), text.size(), "%.*f %%", decimals, value);
        std::snprintf(beside.data(), beside.size(), "%.*f %%", decimals, limit);
        if (value == limit || std::string_view(text.data()) != beside.data()) {
            break;
        }
    }
    return text.data();
}

std::string count_of(std::int64_t number, const std::string& one, const std::string& many) {
    return with_commas(number) + ' ' + (number == 1 ? one : many);
}

ReadinessGate gate(std::string name, bool good, std::string text, std::string reason) {
    return {std::move(name), good ? State::ok : State::stop, std::move(text),
            good ? std::string{} : std::move(reason)};
}

ReadinessGate data_gate(std::string name, bool good, std::string text, std::string reason) {
    auto made = gate(std::move(name), good, std::move(text), std::move(reason));
    made.is_data = true;
    return made;
}

int rank_of(std::string_view policy) {
    return policy == "reject" ? 2 : policy == "quarantine" ? 1 : 0;
}

int place_of(SourceClass source_class) {
    return source_class == SourceClass::forwarder         ? 1
           : source_class == SourceClass::unauthenticated ? 2
                                                          : 0;
}

std::string_view sender_of(const ReadinessSource& source) {
    return source.authenticates_as.empty() ? source.net : source.authenticates_as;
}

class Judge {
  public:
    Judge(const ReadinessFacts& facts, const ReadinessQuestion& question)
        : facts_(facts), question_(question) {}

    Readiness judge() {
        result_.policy = question_.policy;
        if (result_.policy.empty()) {
            result_.policy = rank_of(facts_.p) >= 1 ? "reject" : "quarantine";
        }
        if (facts_.end_at == 0) {
            result_.reason = "no report on this domain has arrived";
            return std::move(result_);
        }
        limits_ = result_.policy == "reject" ? kReject : kQuarantine;
        collect_groups();
        add_gates();
        decide();
        return std::move(result_);
    }

  private:
    void collect_groups() {
        result_.groups = groups_of([](const ReadinessSource& s) { return s.failed() > 0; });
        if (limits_.dkim_percent != 0) {
            result_.spf_only = groups_of([](const ReadinessSource& s) {
                return s.is_yours() && s.passed > 0 && s.passed_by_spf_only == s.passed;
            });
        }
    }

    template <class Wanted>
    [[nodiscard]] std::vector<SourceGroup> groups_of(Wanted wanted) const {
        std::map<std::tuple<int, SourceClass, std::string, std::string, std::string>, SourceGroup>
            groups;
        for (const auto& source : facts_.sources) {
            if (!wanted(source)) {
                continue;
            }
            auto& group = groups[{place_of(source.source_class), source.source_class,
                                  source.authenticates_as, source.net, source.confidence}];
            group.sources.push_back(&source);
            group.messages += source.messages;
            group.failed += source.failed();
            group.days |= source.days;
        }
        std::vector<SourceGroup> sorted;
        sorted.reserve(groups.size());
        for (auto& [key, group] : groups) {
            sorted.push_back(std::move(group));
        }
        std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
            const auto place = [](const SourceGroup& g) {
                return place_of(g.first().source_class);
            };
            return std::tuple(place(a), -a.failed, -a.messages) <
                   std::tuple(place(b), -b.failed, -b.messages);
        });
        return sorted;
    }

    void add_gates() {
        add_coverage();
        add_volume();
        if (limits_.quarantine_days != 0) {
            result_.gates.push_back(gate("quarantine",
                                         facts_.quarantine_days >= limits_.quarantine_days,
                                         "reporters have seen quarantine for " +
                                             count_of(facts_.quarantine_days, "day", "days"),
                                         "p=quarantine must have been seen by all reporters for " +
                                             std::to_string(limits_.quarantine_days) +
                                             " days first, without t=y or a pct below 100"));
        }
        result_.gates.push_back(failing_gate(facts_.your_failing(), result_.groups, 0));
        add_dkim();
        add_new();
        add_unknown();
    }

    void add_coverage() {
        const bool enough_days = facts_.days_with_reports >= limits_.days;
        const bool enough_reporters = facts_.reporters >= limits_.reporters;
        const bool spread = facts_.largest_reporter_messages * 100 <=
                            facts_.messages * limits_.largest_reporter_percent;
        const std::string text =
            std::to_string(facts_.days_with_reports) + " of " + std::to_string(kReadinessDays) +
            " days, " +
            count_of(static_cast<std::int64_t>(facts_.reporters), "reporter", "reporters") +
            ", largest " +
            percent(facts_.largest_reporter_messages, facts_.messages,
                    limits_.largest_reporter_percent) +
            " of mail";
        std::string reason;
        if (!enough_days) {
            reason = "reports on " + std::to_string(facts_.days_with_reports) + " of " +
                     std::to_string(kReadinessDays) + " days, " + std::to_string(limits_.days) +
                     " are needed";
        } else if (!enough_reporters) {
            reason = "one provider's customers are not all your readers: " +
                     std::to_string(facts_.reporters) + " of " + std::to_string(limits_.reporters) +
                     " reporters";
        } else if (!spread) {
            reason = "one reporter has more than " +
                     std::to_string(limits_.largest_reporter_percent) + " % of the mail";
        }
        result_.gates.push_back(data_gate("coverage", reason.empty(), text, reason));
    }

    void add_volume() {
        const std::int64_t yours = facts_.your_messages();
        const std::int64_t needed =
            facts_.history_days >= 90 ? limits_.messages_of_90_days : limits_.messages;
        result_.gates.push_back(data_gate("volume", yours >= needed,
                                          count_of(yours, "message", "messages") + " of yours, " +
                                              with_commas(needed) + " needed",
                                          count_of(yours, "message", "messages") + " of yours, " +
                                              with_commas(needed) + " are needed"));
    }

    /// `fixed` leading groups of yours are taken as if they passed.
    [[nodiscard]] ReadinessGate failing_gate(std::int64_t failing,
                                             const std::vector<SourceGroup>& groups,
                                             std::size_t fixed) const {
        const std::int64_t yours = facts_.your_messages();
        std::map<std::string_view, std::int64_t> senders;  // a provider has many networks
        for (std::size_t i = fixed; i < groups.size() && groups[i].first().is_yours(); ++i) {
            senders[sender_of(groups[i].first())] += groups[i].failed;
        }
        const auto hit = senders.size();
        const bool over = limits_.failing_of_one_sender >= 0 &&
                          std::any_of(senders.begin(), senders.end(), [&](const auto& sender) {
                              return sender.second > limits_.failing_of_one_sender;
                          });
        const bool share_good = failing * 1000 <= yours * limits_.failing_per_mille;
        std::string text = count_of(yours, "message", "messages") + ", " + with_commas(failing) +
                           " fail (" + percent(failing, yours, limits_.failing_per_mille / 10.0) +
                           ", limit " + (limits_.failing_per_mille == 1 ? "0.1" : "1") + " %";
        text += limits_.failing_of_one_sender >= 0
                    ? ", " + std::to_string(limits_.failing_of_one_sender) + " a sender)"
                    : ")";
        return gate("your mail", share_good && !over, text,
                    hit == 1 ? "one of your senders would be hit"
                             : std::to_string(hit) + " of your senders would be hit");
    }

    void add_dkim() {
        const std::string text =
            percent(facts_.passing_dkim, facts_.passing, limits_.dkim_percent) +
            " of passing mail has an aligned signature";
        const bool good = facts_.passing_dkim * 100 >= facts_.passing * limits_.dkim_percent;
        auto made = gate("DKIM", good, text,
                         "too much of your mail passes by SPF alone, which forwarding breaks");
        if (limits_.dkim_percent == 0) {
            made.state = State::shown;
        }
        result_.gates.push_back(std::move(made));
    }

    void add_new() {
        std::set<std::string> senders;
        for (const auto& source : facts_.sources) {
            if (source.is_new) {
                senders.emplace(sender_of(source));
            }
        }
        const auto number = static_cast<std::int64_t>(senders.size());
        std::string text =
            number == 0 ? "no new sender of yours in 14 days"
                        : count_of(number, "new sender", "new senders") +
                              " of yours in 14 days: " + escape_for_terminal(*senders.begin());
        if (number > 1) {
            text += " ...";
        }
        auto made = gate("new", number == 0, text,
                         count_of(number, "sender", "senders") +
                             " of yours began in the last 14 days; more may follow");
        // In a domain's first weeks, or with few reports, every sender is new: only time tells.
        made.is_data = facts_.history_days <= kNewSenderDays ||
                       std::any_of(result_.gates.begin(), result_.gates.end(), [](const auto& g) {
                           return g.is_data && g.state == State::stop;
                       });
        result_.gates.push_back(std::move(made));
    }

    /// The forgotten server sends day after day and to many; a burst is a spoofer's.
    void add_unknown() {
        std::set<std::string> aligned_networks;
        for (const auto& source : facts_.sources) {
            if (source.source_class == SourceClass::aligned) {
                aligned_networks.insert(source.net);
            }
        }
        std::set<std::string> unknown;
        std::set<std::string> told_by_one;
        for (const auto& source : facts_.sources) {
            if (source.confidence == "label" || source.failed() == 0) {
                continue;
            }
            const bool often = source.source_class == SourceClass::unauthenticated &&
                               source.days.count() * 2 > kReadinessDays;
            const bool beside = source.source_class == SourceClass::unauthenticated &&
                                aligned_networks.contains(source.net);
            if ((often && source.reporters.size() >= 2) || beside || source.confidence == "check") {
                unknown.insert(source.ip);
            } else if (often) {
                told_by_one.insert(source.ip);
            }
        }
        result_.to_label.assign(unknown.begin(), unknown.end());
        result_.to_label.insert(result_.to_label.end(), told_by_one.begin(), told_by_one.end());
        const auto number = static_cast<std::int64_t>(unknown.size());
        std::string text = number == 0
                               ? "no steady source that nobody knows"
                               : count_of(number, "steady source", "steady sources") +
                                     " to be labelled: " + escape_for_terminal(*unknown.begin());
        if (number > 1) {
            text += " ...";
        }
        result_.gates.push_back(gate("unknown", number == 0, text,
                                     count_of(number, "source", "sources") +
                                         " may be a forgotten server: say what it is, in table "
                                         "labels"));
    }

    [[nodiscard]] bool already_there() const {
        return rank_of(facts_.p) >= rank_of(result_.policy) &&
               (!question_.strict_dkim || facts_.adkim == "s") &&
               (!question_.strict_spf || facts_.aspf == "s");
    }

    /// A domain that sends nothing: nothing of its own passes or fails, nobody forwards mail of it,
    /// and no steady source may be a server that was never set up, even if one reporter alone tells
    /// of it. Reports all along say so, not one after a long silence.
    [[nodiscard]] bool is_parked() const {
        return facts_.passed_in_90_days == 0 && facts_.history_days >= kParkedDays &&
               facts_.thirds_with_reports == 3 && facts_.your_messages() == 0 &&
               facts_.senders_in_90_days == 0 && facts_.losses().forwarded == 0 &&
               result_.to_label.empty() && facts_.pruned_reports == 0;
    }

    void decide() {
        const auto stops = [](const ReadinessGate& g) { return g.state == State::stop; };
        if (already_there()) {
            result_.verdict = Verdict::already_there;
            result_.reason = "reporters see p=" + facts_.p;
            return;
        }
        if (is_parked()) {
            result_.parked = true;
            result_.verdict = Verdict::ready;
            result_.reason =
                "no mail of yours in 90 days, the domain is parked: go to p=reject at once";
            return;
        }
        const auto fault = std::find_if(result_.gates.begin(), result_.gates.end(),
                                        [&stops](const auto& g) { return stops(g) && !g.is_data; });
        const auto lack = std::find_if(result_.gates.begin(), result_.gates.end(), stops);
        if (fault != result_.gates.end()) {
            result_.verdict = Verdict::not_ready;
            result_.reason = fault->reason;
            if (fault->name == "your mail") {
                find_fixes();
            }
            return;
        }
        if (lack != result_.gates.end()) {
            result_.verdict = Verdict::not_enough_data;
            result_.reason = lack->reason;
            return;
        }
        result_.verdict = good_verdict();
        if (result_.verdict == Verdict::ready_with_losses) {
            result_.reason =
                count_of(facts_.losses().forwarded, "forwarded message", "forwarded messages") +
                " a month would be lost";
        }
    }

    [[nodiscard]] Verdict good_verdict() const {
        return facts_.losses().forwarded > 0 ? Verdict::ready_with_losses : Verdict::ready;
    }

    void find_fixes() {
        std::int64_t failing = facts_.your_failing();
        for (std::size_t i = 0; i < result_.groups.size() && result_.groups[i].first().is_yours();
             ++i) {
            failing -= result_.groups[i].failed;
            if (failing_gate(failing, result_.groups, i + 1).state == State::ok) {
                result_.fixes = i + 1;
                break;
            }
        }
        result_.after_fixes = good_verdict();
        for (const auto& gate : result_.gates) {
            if (gate.state == State::stop && gate.name != "your mail") {
                result_.after_fixes = gate.is_data && result_.after_fixes != Verdict::not_ready
                                          ? Verdict::not_enough_data
                                          : Verdict::not_ready;
            }
        }
    }

    const ReadinessFacts& facts_;
    const ReadinessQuestion& question_;
    Limits limits_;
    Readiness result_;
};

}  // namespace

std::string_view words_of(Verdict verdict) {
    constexpr std::array<std::string_view, 5> kWords{"READY", "READY WITH LOSSES", "NOT READY",
                                                     "NOT ENOUGH DATA", "ALREADY THERE"};
    return kWords.at(static_cast<std::size_t>(verdict));
}

std::string_view token_of(Verdict verdict) {
    constexpr std::array<std::string_view, 5> kTokens{"ready", "ready_with_losses", "not_ready",
                                                      "not_enough_data", "already_there"};
    return kTokens.at(static_cast<std::size_t>(verdict));
}

int exit_code_of(Verdict verdict) {
    return verdict == Verdict::not_ready || verdict == Verdict::not_enough_data ? 1 : 0;
}

Readiness judge(const ReadinessFacts& facts, const ReadinessQuestion& question) {
    return Judge(facts, question).judge();
}

}  // namespace dmarcbox
