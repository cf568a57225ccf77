#include <boost/json.hpp>
#include <cmath>
#include <ostream>

#include "server/commands/readiness.hpp"

namespace dmarcbox {
namespace {

namespace json = boost::json;

/// Stored text: valid UTF-8 without anything that commands a terminal.
json::string text(std::string_view stored) {
    json::string safe(escape_for_terminal(stored));
    return safe;
}

json::value text_or_null(std::string_view stored) {
    return stored.empty() ? json::value(nullptr) : json::value(text(stored));
}

/// Sources of `messages`, 0 to 1, four digits.
json::value rate(std::int64_t part, std::int64_t whole) {
    return whole == 0 ? json::value(nullptr)
                      : json::value(std::round(10000.0 * static_cast<double>(part) /
                                               static_cast<double>(whole)) /
                                    10000.0);
}

json::object losses_of(const Losses& losses) {
    return {{"messages", losses.all()},
            {"yours", losses.yours},
            {"forwarded", losses.forwarded},
            {"unauthenticated", losses.unauthenticated}};
}

json::array gates_of(const Readiness& readiness) {
    json::array gates;
    for (const auto& gate : readiness.gates) {
        const char* state = gate.state == ReadinessGate::State::stop ? "stop"
                            : gate.state == ReadinessGate::State::ok ? "ok"
                                                                     : "shown";
        gates.push_back(json::object{{"gate", gate.name}, {"state", state}, {"text", gate.text}});
    }
    return gates;
}

json::array sources_of(const ReadinessFacts& facts) {
    json::array sources;
    for (const auto& source : facts.sources) {
        if (source.failed() == 0) {
            continue;
        }
        sources.push_back(json::object{{"source_ip", text(source.ip)},
                                       {"class", to_string(source.source_class)},
                                       {"confidence", source.confidence},
                                       {"evidence", text_or_null(source.evidence)},
                                       {"authenticates_as", text_or_null(source.authenticates_as)},
                                       {"messages", source.messages},
                                       {"failed", source.failed()},
                                       {"days", source.days.count()},
                                       {"reporters", source.reporters.size()},
                                       {"is_new", source.is_new}});
    }
    return sources;
}

json::array subdomains_of(const ReadinessFacts& facts) {
    json::array subdomains;
    for (const auto& subdomain : facts.silent_subdomains) {
        subdomains.push_back(
            json::object{{"header_from", text(subdomain.name)}, {"messages", subdomain.messages}});
    }
    return subdomains;
}

json::object strict_of(const StrictLosses& losses) {
    return {{"hits", losses.hits}, {"cannot_tell", losses.cannot_tell}};
}

}  // namespace

void print_readiness_json(const ReadinessQuestion& question,
                          const ReadinessFacts& facts,
                          const Readiness& readiness,
                          std::ostream& out) {
    json::object root{
        {"format", "dmarcbox.readiness/1"},
        {"domain", text(question.domain)},
        {"policy", readiness.policy},
        {"strict_dkim", question.strict_dkim},
        {"strict_spf", question.strict_spf},
        {"verdict", token_of(readiness.verdict)},
        {"reason", text_or_null(readiness.reason)},
        {"begin_at", facts.end_at == 0 ? json::value(nullptr) : json::value(facts.begin_at)},
        {"end_at", facts.end_at == 0 ? json::value(nullptr) : json::value(facts.end_at)},
        {"days_with_reports", facts.days_with_reports},
        {"reports", facts.reports},
        {"pruned_reports", facts.pruned_reports},
        {"reporters", facts.reporters},
        {"messages", facts.messages},
        {"passing", facts.passing},
        {"passing_dkim_rate", rate(facts.passing_dkim, facts.passing)},
        {"your_messages", facts.your_messages()},
        {"your_failing", facts.your_failing()},
        {"your_failing_rate", rate(facts.your_failing(), facts.your_messages())},
        {"seen_policy", text_or_null(facts.p)},
        {"parked", readiness.parked}};
    root["gates"] = gates_of(readiness);
    root["losses"] = losses_of(facts.losses());
    root["failing_sources"] = sources_of(facts);
    root["what_if"] = json::object{{"p", losses_of(facts.from_domain)},
                                   {"sp", losses_of(facts.from_below)},
                                   {"np", json::object{{"subdomains", subdomains_of(facts)}}},
                                   {"adkim", strict_of(facts.strict_dkim)},
                                   {"aspf", strict_of(facts.strict_spf)}};
    root["fixes_needed"] = readiness.fixes;
    out << json::serialize(root) << '\n';
}

}  // namespace dmarcbox
