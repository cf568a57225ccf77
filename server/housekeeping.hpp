#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>

#include "storage/retention.hpp"

namespace dmarcbox {

/// What the database needs beside the mail: retention every hour, in small transactions through a
/// connection of its own, so that intake goes on; what the settings table remembers. One thread.
class Housekeeping {
  public:
    /// `pruned` is told what went, if anything did; `failed` the error of a run. Both on the
    /// thread.
    Housekeeping(std::filesystem::path database,
                 storage::RetentionRules rules,
                 std::function<void(const storage::PruneResult&)> pruned,
                 std::function<void(const char*)> failed);
    Housekeeping(const Housekeeping&) = delete;
    Housekeeping& operator=(const Housekeeping&) = delete;
    ~Housekeeping();  ///< stop()

    void stop();  ///< after the step at hand. Idempotent.

    /// Unix seconds; 0: never. As of the last minute.
    [[nodiscard]] std::int64_t last_prune_at() const { return last_prune_at_; }
    [[nodiscard]] std::int64_t last_backup_at() const { return last_backup_at_; }

  private:
    void run();
    void prune();
    void look();
    [[nodiscard]] bool wait(std::chrono::milliseconds time);  ///< false: stopping

    const std::filesystem::path path_;
    const storage::RetentionRules rules_;
    const std::function<void(const storage::PruneResult&)> pruned_;
    const std::function<void(const char*)> failed_;
    std::atomic<std::int64_t> last_prune_at_{0};
    std::atomic<std::int64_t> last_backup_at_{0};
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace dmarcbox
