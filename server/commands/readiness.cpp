#include "server/commands/readiness.hpp"

#include <ostream>

#include "server/commands/domain_argument.hpp"
#include "server/commands/open_database.hpp"

namespace dmarcbox {

int run_readiness(const Config& config,
                  ReadinessOptions options,
                  const Terminal& terminal,
                  std::ostream& out,
                  std::int64_t now) {
    ReadinessQuestion& question = options.question;
    question.domain = domain_argument(question.domain);
    question.database = config.storage.path.string();
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
