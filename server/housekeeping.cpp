#include "server/housekeeping.hpp"

#include <pthread.h>

#include <charconv>
#include <ctime>
#include <string_view>
#include <utility>

#include "storage/database.hpp"
#include "storage/rebuild.hpp"
#include "storage/settings.hpp"
#include "storage/stale_evidence.hpp"

namespace dmarcbox {
namespace {

using Clock = std::chrono::steady_clock;

// Ages are days, but junk has a bound in bytes: an hour's flood is what may lie above it.
constexpr std::chrono::hours kPruneEvery{1};
constexpr std::chrono::minutes kLookEvery{1};
// Between two steps others get the write lock.
constexpr std::chrono::milliseconds kBreath{20};

std::int64_t setting_as_number(storage::Database& database, std::string_view name) {
    const auto text = storage::load_setting(database, name);
    std::int64_t number = 0;
    if (text) {
        std::from_chars(text->data(), text->data() + text->size(), number);
    }
    return number;
}

bool empty(const storage::PruneResult& result) {
    return result.originals + result.aggregate_reports + result.tls_reports +
               result.failure_reports + result.refusal_days ==
           0;
}

}  // namespace

Housekeeping::Housekeeping(std::filesystem::path database,
                           storage::RetentionRules rules,
                           std::function<void(const storage::PruneResult&)> pruned,
                           std::function<void(const char*)> failed)
    : path_(std::move(database)),
      rules_(rules),
      pruned_(std::move(pruned)),
      failed_(std::move(failed)),
      thread_([this] { run(); }) {
    pthread_setname_np(thread_.native_handle(), "housekeeping");
}

Housekeeping::~Housekeeping() {
    stop();
}

void Housekeeping::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) {
        thread_.join();
    }
}

bool Housekeeping::wait(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    return !wake_.wait_for(lock, time, [this] { return stopping_; });
}

void Housekeeping::run() {
    Clock::time_point next_prune = Clock::now();
    do {
        try {
            if (Clock::now() >= next_prune) {
                next_prune = Clock::now() + kPruneEvery;
                prune();
            }
            look();
        } catch (const std::exception& error) {
            failed_(error.what());
        }
    } while (wait(kLookEvery));
}

// Connections are opened for the moment: one that stays would keep the log from going at the end.
void Housekeeping::prune() {
    storage::Database database(path_, storage::Database::Mode::read_write);
    (void)storage::settle_stale_evidence(database, [this] { return wait(kBreath); });
    (void)storage::refresh_stale_totals(database);
    const std::int64_t now = std::time(nullptr);
    storage::PruneResult result;
    storage::Pruner pruner(database, rules_, now);
    while (pruner.step(result)) {
        if (!wait(kBreath)) {
            return;
        }
    }
    storage::store_setting(database, "last_prune_at", std::to_string(now));
    if (!empty(result)) {
        pruned_(result);
    }
}

void Housekeeping::look() {
    storage::Database database(path_, storage::Database::Mode::read_only);
    last_prune_at_ = setting_as_number(database, "last_prune_at");
    last_backup_at_ = setting_as_number(database, "last_backup_at");
}

}  // namespace dmarcbox
