#include "server/commands/prune.hpp"

#include <ctime>
#include <ostream>
#include <string_view>

#include "server/commands/open_database.hpp"
#include "server/terminal.hpp"
#include "storage/rebuild.hpp"
#include "storage/settings.hpp"

namespace dmarcbox {
namespace {

void print(const storage::PruneResult& result, std::string_view verb, std::ostream& out) {
    bool anything = false;
    const auto line = [&](std::int64_t number, std::string_view what) {
        if (number > 0) {
            out << verb << ' ' << pad_left(with_commas(number), 12) << "  " << what << '\n';
            anything = true;
        }
    };
    line(result.originals, "originals (their messages stay)");
    line(result.original_bytes, "bytes of originals");
    line(result.aggregate_reports, "aggregate reports lose their records (totals stay)");
    line(result.aggregate_records, "aggregate records");
    line(result.tls_reports, "TLS reports lose their details (totals stay)");
    line(result.failure_reports, "failure reports lose their fields and headers");
    line(result.refusal_days, "days of refusals");
    if (!anything) {
        out << "nothing is due\n";
    }
}

}  // namespace

storage::RetentionRules retention_rules(const Config& config) {
    return {.originals_days = config.retention.originals_days,
            .unreadable_days = config.retention.unreadable_days,
            .failure_originals_days = config.retention.failure_originals_days,
            .failure_reports_days = config.retention.failure_reports_days,
            .other_days = config.retention.other_days,
            .reports_days = config.retention.reports_days,
            .max_other_bytes = config.storage.max_other_bytes};
}

int run_prune(const Config& config, bool dry_run, std::ostream& out) {
    const auto rules = retention_rules(config);
    const std::int64_t now = std::time(nullptr);
    if (dry_run) {
        auto database = open_database(config, storage::Database::Mode::read_only);
        print(storage::plan_prune(database, rules, now), "would remove", out);
        return 0;
    }
    auto database = open_database(config, storage::Database::Mode::read_write);
    storage::PruneResult result;
    storage::Pruner pruner(database, rules, now);
    while (pruner.step(result)) {
        storage::let_others_write();
    }
    storage::store_setting(database, "last_prune_at", std::to_string(now));
    print(result, "removed", out);
    return 0;
}

}  // namespace dmarcbox
