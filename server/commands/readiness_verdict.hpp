#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "server/commands/readiness_facts.hpp"

namespace dmarcbox {

enum class Verdict { ready, ready_with_losses, not_ready, not_enough_data, already_there };
/// `READY WITH LOSSES`.
[[nodiscard]] std::string_view words_of(Verdict verdict);
/// `ready_with_losses`, for JSON.
[[nodiscard]] std::string_view token_of(Verdict verdict);
/// 0 for ready, ready_with_losses and already_there; else 1.
[[nodiscard]] int exit_code_of(Verdict verdict);

/// One condition for the policy.
struct ReadinessGate {
    enum class State { ok, stop, shown };  ///< shown: told, decides nothing
    std::string name;                      ///< stable token, first column
    State state = State::ok;
    std::string text;      ///< what was measured, for people
    std::string reason;    ///< why it stops; empty if it does not
    bool is_data = false;  ///< more data would settle it: NOT ENOUGH DATA rather than NOT READY
};

/// Sources of one class, name and network, as a person thinks of them.
struct SourceGroup {
    std::vector<const ReadinessSource*> sources;  ///< most failing first
    std::int64_t messages = 0;
    std::int64_t failed = 0;
    std::bitset<kReadinessDays> days;
    [[nodiscard]] const ReadinessSource& first() const { return *sources.front(); }
};

struct Readiness {
    std::string policy;  ///< that was judged
    Verdict verdict = Verdict::not_enough_data;
    std::string reason;  ///< half a sentence after the verdict; may be empty
    bool parked = false;
    std::vector<ReadinessGate> gates;
    std::vector<SourceGroup> groups;    ///< with failing mail: yours, forwarders, the others
    std::vector<SourceGroup> spf_only;  ///< senders of yours that pass by SPF alone (reject)
    /// Addresses of sources that nobody knows: those that stop, then steady ones that one reporter
    /// alone tells of.
    std::vector<std::string> to_label;
    /// After how many groups of yours are fixed the verdict is `after_fixes`; 0: fixing changes
    /// nothing.
    std::size_t fixes = 0;
    Verdict after_fixes = Verdict::not_ready;
};

/// Judges the facts by the rules in server/commands/README.md. Pure; `facts` must outlive the
/// result.
[[nodiscard]] Readiness judge(const ReadinessFacts& facts, const ReadinessQuestion& question);

}  // namespace dmarcbox
