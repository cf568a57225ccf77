#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>

#include "storage/submission.hpp"

namespace dmarcbox::storage {

/// Counters of a writer, read from any thread.
struct WriterStats {
    std::uint64_t queue_messages = 0;
    std::uint64_t queue_bytes = 0;
    std::uint64_t batches = 0;
    std::uint64_t checkpoints = 0;
    std::uint64_t checkpoints_busy = 0;
    std::uint64_t wal_bytes = 0;
};

/// The one thread that writes messages. Group commit by natural batching: whatever waits is written
/// in one transaction; the callbacks run after COMMIT, on the writer thread, and must be short. If
/// the rows of a message break a rule of the tables, the group is written again with a SAVEPOINT
/// per message, and that one is stored raw as unreadable (stage `store`); a failed COMMIT gives
/// every message of the group its verdict busy, full or failed.
class Writer {
  public:
    struct Options {
        std::size_t max_queue_messages = 1024;
        std::size_t max_queue_bytes = 256U << 20U;
        std::size_t max_batch_messages = 64;
        std::size_t max_batch_bytes = 8U << 20U;
        int busy_timeout_ms = 10000;
        int checkpoint_pages = 4096;  ///< 32 MiB of log, then it is copied to the file
        int restart_pages = 8192;     ///< 64 MiB: wait for readers, so that it starts again
    };
    using Done = std::function<void(const Verdict&)>;

    /// Opens, creates or migrates the database. Throws DatabaseError.
    Writer(const std::filesystem::path& path, Options options);
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    ~Writer();  ///< stop()

    /// False if the queue is full or stopping; `done` is then never called. Thread-safe.
    [[nodiscard]] bool submit(Submission submission, Done done);

    /// Runs `work` on the writer thread, between batches, on its own connection (retention,
    /// refusals ...). Exceptions go to `failed`. False if stopping. Thread-safe.
    [[nodiscard]] bool run(std::function<void(class Database&)> work,
                           std::function<void(const char*)> failed);

    /// Writes what is queued, checkpoints (TRUNCATE), closes. Idempotent.
    void stop();

    [[nodiscard]] WriterStats stats() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace dmarcbox::storage
