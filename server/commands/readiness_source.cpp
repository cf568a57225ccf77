#include "server/commands/readiness_source.hpp"

#include <algorithm>
#include <tuple>
#include <vector>

namespace dmarcbox {
namespace {

constexpr std::string_view kTemporary = "temperror";
constexpr std::string_view kBroken = "own-signature-broken";

bool is_one_of(std::string_view token, std::initializer_list<std::string_view> list) {
    return std::find(list.begin(), list.end(), token) != list.end();
}

/// The foreign domain in `signs-as:DOMAIN` and `sends-as:DOMAIN`; else empty.
std::string_view foreign_domain(std::string_view token) {
    return token.starts_with("signs-as:") || token.starts_with("sends-as:") ? token.substr(9)
                                                                            : std::string_view{};
}

std::string confidence_of(std::string_view token,
                          const std::set<std::string, std::less<>>& cosigners) {
    if (is_one_of(token, {"dkim+spf", "dkim", "spf", "nothing", "strict", "arc-pass",
                          "own-signature-broken+foreign"}) ||
        token.starts_with("reason-")) {
        return "high";
    }
    if (token.starts_with("signs-as:")) {
        return cosigners.contains(foreign_domain(token)) ? "high" : "medium";
    }
    return is_one_of(token, {kBroken, "own-key-bad"}) || token.starts_with("nothing") ? "medium"
                                                                                      : "low";
}

/// The token with most messages of a class, and the sum of the class.
struct Top {
    bool seen = false;
    std::int64_t sum = 0;
    std::int64_t most = 0;
    std::string confidence;
    std::string token;

    void add(const std::string& candidate, std::int64_t messages, std::string sure) {
        sum += messages;
        if (!seen || std::tie(messages, sure, candidate) > std::tie(most, confidence, token)) {
            most = messages;
            confidence = std::move(sure);
            token = candidate;
        }
        seen = true;
    }
};

struct Tops {
    std::array<Top, kSourceClasses> classes;
    Top temporary;
    Top foreign;
    [[nodiscard]] const Top& of(SourceClass c) const {
        return classes.at(static_cast<std::size_t>(c));
    }
};

Tops tops_of(const ReadinessSource& source, const std::set<std::string, std::less<>>& cosigners) {
    Tops tops;
    for (const auto& [token, messages] : source.evidence_messages) {
        Top& top = token == kTemporary
                       ? tops.temporary
                       : tops.classes.at(static_cast<std::size_t>(class_of_evidence(token)));
        top.add(token, messages, confidence_of(token, cosigners));
        if (const auto domain = foreign_domain(token); !domain.empty()) {
            tops.foreign.add(std::string(domain), messages, "");
        }
    }
    return tops;
}

void take(ReadinessSource& source, SourceClass source_class, const Top& top) {
    source.source_class = source_class;
    source.evidence = top.token;
    source.confidence = top.confidence;
}

/// A provider that breaks our signature (by a footer, say) looks like a forwarder. One that carries
/// more than 5 % of our aligned volume, or nearly every day and never lets one signature pass, is
/// for a person to check.
bool needs_a_look(const ReadinessSource& source, std::int64_t aligned_messages) {
    if (!source.evidence.starts_with(kBroken)) {
        return false;
    }
    return source.messages * 20 > aligned_messages ||
           (source.evidence == kBroken && source.passed == 0 &&
            source.days.count() * 10 > kReadinessDays * 8);
}

}  // namespace

std::string_view to_string(SourceClass source_class) {
    constexpr std::array<std::string_view, kSourceClasses> kWords{
        "aligned", "forwarder", "misconfigured", "unauthenticated"};
    return kWords.at(static_cast<std::size_t>(source_class));
}

SourceClass class_of_evidence(std::string_view token) {
    if (is_one_of(token, {"dkim+spf", "dkim", "spf"})) {
        return SourceClass::aligned;
    }
    if (!foreign_domain(token).empty() || is_one_of(token, {"signs-as:", "sends-as:", "strict",
                                                            "reporter-disagrees", "own-key-bad"})) {
        return SourceClass::misconfigured;
    }
    if (token.starts_with("reason-") || token == "arc-pass" || token.starts_with(kBroken)) {
        return SourceClass::forwarder;
    }
    return SourceClass::unauthenticated;
}

void classify(ReadinessSource& source,
              const std::set<std::string, std::less<>>& cosigners,
              std::int64_t aligned_messages) {
    const Tops tops = tops_of(source, cosigners);
    const Top& aligned = tops.of(SourceClass::aligned);
    const Top& misconfigured = tops.of(SourceClass::misconfigured);
    const Top& forwarder = tops.of(SourceClass::forwarder);
    const Top& unauthenticated = tops.of(SourceClass::unauthenticated);
    const std::int64_t told = source.messages - tops.temporary.sum;
    source.authenticates_as = tops.foreign.token;
    if (aligned.seen && aligned.sum * 100 >= told * 98) {
        take(source, SourceClass::aligned, aligned);
        source.confidence = "high";
    } else if (aligned.seen && !forwarder.seen && aligned.sum * 2 >= told) {
        take(source, SourceClass::misconfigured,
             misconfigured.most >= unauthenticated.most ? misconfigured : unauthenticated);
        source.confidence = "partly";
    } else if (misconfigured.seen && misconfigured.sum >= forwarder.sum &&
               misconfigured.sum >= unauthenticated.sum) {
        take(source, SourceClass::misconfigured, misconfigured);
    } else if (forwarder.seen && forwarder.sum >= unauthenticated.sum) {
        take(source, SourceClass::forwarder, forwarder);
        if (needs_a_look(source, aligned_messages)) {
            source.confidence = "check";
        }
    } else {
        take(source, SourceClass::unauthenticated,
             unauthenticated.seen ? unauthenticated : tops.temporary);
    }
}

}  // namespace dmarcbox
