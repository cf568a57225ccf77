#include "server/commands/readiness.hpp"

#include <ostream>

#include "schema/domain_name.hpp"
#include "server/cli_commands.hpp"
#include "server/commands/open_database.hpp"

namespace dmarcbox {

int run_readiness(const Config& config,
                  ReadinessOptions options,
                  const Terminal& terminal,
                  std::ostream& out,
                  std::int64_t now) {
    ReadinessQuestion& question = options.question;
    question.domain = schema::normalize_domain(question.domain);
    if (question.domain.empty()) {
        throw UsageError("readiness: DOMAIN is empty");
    }
    auto database = open_database(config, storage::Database::Mode::read_only);
    const ReadinessFacts facts = load_readiness_facts(database, question, now);
    const Readiness readiness = judge(facts, question);
    if (options.json) {
        print_readiness_json(question, facts, readiness, out);
    } else {
        print_readiness(question, facts, readiness, terminal, out);
    }
    return exit_code_of(readiness.verdict);
}

}  // namespace dmarcbox
