#include "server/commands/summary.hpp"

#include <ostream>
#include <sstream>

#include "schema/date_time.hpp"
#include "server/cli_commands.hpp"
#include "server/commands/domain_argument.hpp"
#include "server/commands/open_database.hpp"
#include "server/commands/page_file.hpp"

namespace dmarcbox {
namespace {

constexpr std::int64_t kDay = 86400;

std::int64_t day_at(const std::string& text, const char* flag) {
    const auto at = schema::parse_rfc3339(text + "T00:00:00Z");
    if (text.size() != 10 || !at || schema::day_of(*at) != text) {
        throw UsageError(std::string(flag) + " " + escape_for_terminal(text) +
                         ": is no day; write it as 2026-11-23");
    }
    return *at;
}

SummaryQuestion question_of(const SummaryOptions& options, std::int64_t now) {
    SummaryQuestion question;
    if (!options.domain.empty()) {
        question.domain = domain_argument(options.domain);
    }
    question.days = options.days;
    if (!options.since.empty() || !options.until.empty()) {
        const std::int64_t until =
            options.until.empty() ? now / kDay * kDay : day_at(options.until, "--until");
        question.end_at = until + kDay;
        question.begin_at = options.since.empty() ? *question.end_at - options.days * kDay
                                                  : day_at(options.since, "--since");
        if (*question.begin_at >= *question.end_at) {
            throw UsageError("--since is after --until");
        }
    }
    return question;
}

/// Each costs a pass over its month of records; a provider asks `readiness` for the one it means.
constexpr std::size_t kMostVerdicts = 10;

std::vector<DomainVerdict> verdicts_of(storage::Database& database,
                                       const SummaryFacts& facts,
                                       std::int64_t now) {
    std::vector<DomainVerdict> verdicts;
    for (const auto& domain : facts.domains) {
        if (verdicts.size() == kMostVerdicts) {
            break;
        }
        ReadinessQuestion question;
        question.domain = domain;
        const ReadinessFacts month = load_readiness_facts(database, question, now);
        if (month.end_at != 0) {
            const Readiness readiness = judge(month, question);
            verdicts.push_back(
                {domain, readiness.policy, readiness.verdict, readiness.reason, month.end_at});
        }
    }
    return verdicts;
}

}  // namespace

int run_summary(const Config& config,
                const SummaryOptions& options,
                const Terminal& terminal,
                std::ostream& out,
                std::int64_t now) {
    SummaryQuestion question = question_of(options, now);
    if (const auto origin = config.origin.find("storage.path");
        origin != config.origin.end() && origin->second == "--db") {
        question.database = config.storage.path.string();
    }
    auto database = open_database(config, storage::Database::Mode::read_only);
    const SummaryFacts facts = load_summary(database, question, now);
    if (options.json) {
        print_summary_json(question, facts, out);
    } else if (options.csv) {
        if (!print_summary_csv(options.table, facts, out)) {
            throw UsageError("--table " + escape_for_terminal(options.table) +
                             ": is none of sources, days, reporters, samples, tls, problems, "
                             "refusals");
        }
    } else if (options.html.empty()) {
        print_summary(question, facts, terminal, out);
    }
    if (options.html.empty()) {
        return 0;
    }
    const auto verdicts = verdicts_of(database, facts, now);
    if (options.html == "-" || is_standard_output(options.html)) {
        print_summary_page(question, facts, verdicts, now, out);
    } else {
        std::ostringstream page;
        print_summary_page(question, facts, verdicts, now, page);
        write_page_file(options.html, config.storage.path, page.view());
    }
    return 0;
}

}  // namespace dmarcbox
