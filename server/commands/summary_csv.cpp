#include <ostream>

#include "server/commands/summary.hpp"

namespace dmarcbox {
namespace {

/// One line of cells: text goes through escape_for_csv, numbers as they are.
class Line {
  public:
    explicit Line(std::ostream& out) : out_(out) {}
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;
    ~Line() { out_ << "\r\n"; }
    Line& text(std::string_view value) {
        separate() << escape_for_csv(value);
        return *this;
    }
    Line& number(std::int64_t value) {
        separate() << value;
        return *this;
    }

  private:
    std::ostream& separate() {
        out_ << (first_ ? "" : ",");
        first_ = false;
        return out_;
    }
    std::ostream& out_;
    bool first_ = true;
};

void sources(const SummaryFacts& facts, std::ostream& out) {
    out << "domain,source,sources,class,messages,failed,evidence,confidence,authenticates_as,"
           "reporters\r\n";
    for (const auto& source : facts.sources) {
        Line(out)
            .text(source.domain)
            .text(source.name)
            .number(source.sources)
            .text(to_string(source.source_class))
            .number(source.messages)
            .number(source.failed)
            .text(source.evidence)
            .text(source.confidence)
            .text(source.authenticates_as)
            .number(static_cast<std::int64_t>(source.reporters));
    }
}

void days(const SummaryFacts& facts, std::ostream& out) {
    out << "day,reports,messages,passed,aligned,forwarder,misconfigured,unauthenticated\r\n";
    for (const auto& day : facts.days) {
        Line line(out);
        line.text(day.day).number(day.reports).number(day.all()).number(day.passed);
        for (const auto messages : day.messages) {
            line.number(messages);
        }
    }
}

void reporters(const SummaryFacts& facts, std::ostream& out) {
    out << "org_name,reports,messages,last_report_at\r\n";
    for (const auto& reporter : facts.reporters) {
        Line(out)
            .text(reporter.org_name)
            .number(reporter.reports)
            .number(reporter.messages)
            .number(reporter.last_report_at);
    }
}

void samples(const SummaryFacts& facts, std::ostream& out) {
    out << "failure_report_id,arrived_at,reported_domain,source_ip,class,sample_from,"
           "sample_subject\r\n";
    for (const auto& sample : facts.samples) {
        Line(out)
            .number(sample.failure_report_id)
            .number(sample.arrived_at)
            .text(sample.reported_domain)
            .text(sample.source_ip)
            .text(sample.source_class)
            .text(sample.sample_from)
            .text(sample.sample_subject);
    }
}

void tls(const SummaryFacts& facts, std::ostream& out) {
    out << "policy_domain,policy_type,result_type,sessions\r\n";
    for (const auto& failure : facts.tls) {
        Line(out)
            .text(failure.policy_domain)
            .text(failure.policy_type)
            .text(failure.result_type)
            .number(failure.sessions);
    }
}

void problems(const SummaryFacts& facts, std::ostream& out) {
    out << "code,messages,example_message_id\r\n";
    for (const auto& problem : facts.problems) {
        Line(out).text(problem.code).number(problem.messages).number(problem.example_message_id);
    }
}

void refusals(const SummaryFacts& facts, std::ostream& out) {
    out << "reason,domain,count\r\n";
    for (const auto& refusal : facts.refusals) {
        Line(out).text(refusal.reason).text(refusal.domain).number(refusal.count);
    }
}

}  // namespace

bool print_summary_csv(const std::string& table, const SummaryFacts& facts, std::ostream& out) {
    using Print = void (*)(const SummaryFacts&, std::ostream&);
    constexpr std::array<std::pair<std::string_view, Print>, 7> kTables{{{"sources", sources},
                                                                         {"days", days},
                                                                         {"reporters", reporters},
                                                                         {"samples", samples},
                                                                         {"tls", tls},
                                                                         {"problems", problems},
                                                                         {"refusals", refusals}}};
    for (const auto& [name, print] : kTables) {
        if (name == table) {
            print(facts, out);
            return true;
        }
    }
    return false;
}

}  // namespace dmarcbox
