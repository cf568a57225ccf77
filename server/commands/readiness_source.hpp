#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace dmarcbox {

/// Days that a readiness verdict looks at.
constexpr std::size_t kReadinessDays = 30;

enum class SourceClass { aligned, forwarder, misconfigured, unauthenticated };
constexpr std::size_t kSourceClasses = 4;
/// The word of column `class`.
[[nodiscard]] std::string_view to_string(SourceClass source_class);

/// Class of an evidence token, as view evidence_classes has it (schema/evidence.md).
[[nodiscard]] SourceClass class_of_evidence(std::string_view token);

/// What one source sent in the window. Counts are messages; passed and failed are under the
/// alignment that was asked for.
struct ReadinessSource {
    std::string ip;   ///< as stored; `(none)` where a record gives none
    std::string net;  ///< its /24 or /64; the address as stored if it is none
    std::int64_t messages = 0;
    std::int64_t passed = 0;
    std::int64_t passed_by_spf_only = 0;
    std::map<std::string, std::int64_t, std::less<>> evidence_messages;
    std::bitset<kReadinessDays> days;
    std::set<std::int64_t> reporters;  ///< numbers of reporters in the window

    SourceClass source_class = SourceClass::unauthenticated;
    std::string evidence;          ///< the token with most messages of its class
    std::string confidence;        ///< high, medium, low, partly, check or label
    std::string authenticates_as;  ///< foreign domain it signs or sends as; may be empty
    bool is_new = false;           ///< a sender of yours not seen before the last 14 days

    [[nodiscard]] std::int64_t failed() const { return messages - passed; }
    /// Aligned and misconfigured sources are the operator's own mail.
    [[nodiscard]] bool is_yours() const {
        return source_class == SourceClass::aligned || source_class == SourceClass::misconfigured;
    }
};

/// Sets class, evidence, confidence and authenticates_as by the rules of view source_classes over
/// the messages in the window. `cosigners` are foreign domains that also sign passing mail;
/// `aligned_messages` is what passes in the window, all sources together.
void classify(ReadinessSource& source,
              const std::set<std::string, std::less<>>& cosigners,
              std::int64_t aligned_messages);

}  // namespace dmarcbox
