#include <boost/json.hpp>
#include <cmath>
#include <ostream>

#include "server/commands/summary.hpp"

namespace dmarcbox {
namespace {

namespace json = boost::json;

/// Stored text: valid UTF-8 without anything that commands a terminal.
json::value text_or_null(std::string_view stored) {
    return stored.empty() ? json::value(nullptr) : json::value(escape_for_terminal(stored));
}

json::value rate(const std::optional<double>& value) {
    return value ? json::value(std::round(*value * 10000) / 10000) : json::value(nullptr);
}

json::value time_or_null(std::int64_t at) {
    return at == 0 ? json::value(nullptr) : json::value(at);
}

template <class Item, class Make>
json::array list(const std::vector<Item>& items, Make make) {
    json::array array;
    array.reserve(items.size());
    for (const auto& item : items) {
        array.push_back(make(item));
    }
    return array;
}

json::object by_class(const std::array<std::int64_t, kSourceClasses>& sums) {
    json::object object;
    for (std::size_t i = 0; i < sums.size(); ++i) {
        object.emplace(to_string(static_cast<SourceClass>(i)), sums.at(i));
    }
    return object;
}

}  // namespace

void print_summary_json(const SummaryQuestion& question,
                        const SummaryFacts& facts,
                        std::ostream& out) {
    json::object object{
        {"format", "dmarcbox.summary/1"},
        {"domain", text_or_null(question.domain)},
        {"begin_at", time_or_null(facts.begin_at)},
        {"end_at", time_or_null(facts.end_at)},
        {"domains", list(facts.domains, [](const auto& name) { return text_or_null(name); })},
        {"reports", facts.reports},
        {"pruned_reports", facts.pruned_reports},
        {"messages", facts.messages},
        {"passed", facts.passed},
        {"quarantined", facts.quarantined},
        {"rejected", facts.rejected},
        {"pass_rate", rate(facts.pass_rate())},
        {"pass_rate_before", rate(facts.pass_rate_before())},
        {"class_messages", by_class(facts.class_messages)},
        {"class_failed", by_class(facts.class_failed)},
        {"failure_reports", facts.failure_reports},
        {"tls_sessions", facts.tls_sessions},
        {"tls_failed", facts.tls_failed},
        {"unreadable", facts.unreadable},
        {"newest_report_at", time_or_null(facts.newest_report_at)},
    };
    object["days"] = list(facts.days, [](const SummaryDay& day) -> json::value {
        return json::object{{"day", day.day},
                            {"reports", day.reports},
                            {"messages", day.all()},
                            {"passed", day.passed},
                            {"class_messages", by_class(day.messages)}};
    });
    object["sources"] = list(facts.sources, [](const SummarySource& source) -> json::value {
        return json::object{{"domain", text_or_null(source.domain)},
                            {"source", text_or_null(source.name)},
                            {"sources", source.sources},
                            {"class", to_string(source.source_class)},
                            {"messages", source.messages},
                            {"failed", source.failed},
                            {"evidence", text_or_null(source.evidence)},
                            {"confidence", text_or_null(source.confidence)},
                            {"authenticates_as", text_or_null(source.authenticates_as)},
                            {"reporters", source.reporters}};
    });
    object["reporters"] = list(facts.reporters, [](const SummaryReporter& reporter) -> json::value {
        return json::object{{"org_name", text_or_null(reporter.org_name)},
                            {"reports", reporter.reports},
                            {"messages", reporter.messages},
                            {"last_report_at", time_or_null(reporter.last_report_at)}};
    });
    object["silent"] = list(facts.silent, [](const SilentReporter& reporter) -> json::value {
        return json::object{{"org_name", text_or_null(reporter.org_name)},
                            {"domain", text_or_null(reporter.domain)},
                            {"silent_seconds", reporter.silent_seconds},
                            {"typical_gap_seconds", reporter.typical_gap_seconds}};
    });
    object["policies"] = list(facts.policies, [](const SummaryPolicy& policy) -> json::value {
        return json::object{{"domain", text_or_null(policy.domain)},
                            {"org_name", text_or_null(policy.org_name)},
                            {"p", text_or_null(policy.p)},
                            {"sp", text_or_null(policy.sp)},
                            {"first_seen_at", time_or_null(policy.first_seen_at)},
                            {"last_seen_at", time_or_null(policy.last_seen_at)}};
    });
    object["samples"] = list(facts.samples, [](const SummarySample& sample) -> json::value {
        return json::object{{"failure_report_id", sample.failure_report_id},
                            {"arrived_at", sample.arrived_at},
                            {"reported_domain", text_or_null(sample.reported_domain)},
                            {"source_ip", text_or_null(sample.source_ip)},
                            {"class", text_or_null(sample.source_class)},
                            {"sample_from", text_or_null(sample.sample_from)},
                            {"sample_subject", text_or_null(sample.sample_subject)}};
    });
    object["tls"] = list(facts.tls, [](const SummaryTls& tls) -> json::value {
        return json::object{{"policy_domain", text_or_null(tls.policy_domain)},
                            {"policy_type", text_or_null(tls.policy_type)},
                            {"result_type", text_or_null(tls.result_type)},
                            {"sessions", tls.sessions}};
    });
    object["problems"] = list(facts.problems, [](const SummaryProblem& problem) -> json::value {
        return json::object{{"code", text_or_null(problem.code)},
                            {"messages", problem.messages},
                            {"example_message_id", problem.example_message_id}};
    });
    object["refusals"] = list(facts.refusals, [](const SummaryRefusal& refusal) -> json::value {
        return json::object{{"reason", text_or_null(refusal.reason)},
                            {"domain", text_or_null(refusal.domain)},
                            {"count", refusal.count}};
    });
    out << json::serialize(object) << '\n';
}

}  // namespace dmarcbox
