#include "storage/writer.hpp"

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "storage/database.hpp"
#include "storage/message_store.hpp"

namespace dmarcbox::storage {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRestartWaitMs = 500;
constexpr std::chrono::milliseconds kIdle{500};
constexpr std::chrono::seconds kIdleAgain{5};  // a reader held the log
constexpr int kStopWaitMs = 2000;
// A transaction of this many records takes under 100 ms; other processes wait for the lock.
constexpr std::size_t kMaxBatchRecords = 4000;
// The writer's page cache: the hot pages of totals at 2 million records. Foreign keys are not
// checked while messages are added (7 % of the time): rows go in parents first, in one function,
// and `verify` checks them. Everything that deletes runs with them on.
constexpr std::string_view kForAdding = "PRAGMA cache_size = -65536; PRAGMA foreign_keys = OFF";

std::size_t records_of(const Submission& submission) {
    std::size_t records = 0;
    for (const auto& report : submission.reports) {
        if (const auto* aggregate = std::get_if<schema::AggregateReport>(&report)) {
            records += aggregate->records.size();
        }
    }
    return records;
}

Verdict verdict_of(const DatabaseError& error) {
    Verdict verdict;
    verdict.status = error.full()   ? Verdict::Status::full
                     : error.busy() ? Verdict::Status::busy
                                    : Verdict::Status::failed;
    verdict.detail = error.what();
    return verdict;
}

}  // namespace

struct Writer::Impl {
    struct Waiting {
        Submission submission;
        Done done;
        std::size_t memory = 0;
        std::size_t records = 0;
    };
    struct Work {
        std::function<void(Database&)> work;
        std::function<void(const char*)> failed;
    };

    Impl(const std::filesystem::path& path, Options given)
        : options(given),
          file(path),
          owned_database(std::make_unique<Database>(path, Database::Mode::read_write)),
          owned_store(std::make_unique<MessageStore>(*owned_database)),
          database(*owned_database),
          store(*owned_store) {
        database.set_busy_timeout(options.busy_timeout_ms);
        database.execute(kForAdding);
        database.keep_log_for_own_checkpoints();
        thread = std::thread([this] { run(); });
        pthread_setname_np(thread.native_handle(), "writer");
    }

    void run();
    void write(std::vector<Waiting>& batch);
    std::vector<Verdict> commit(std::vector<Waiting>& batch, MessageStore::Guard guard);
    void tell(std::vector<Waiting>& batch, const std::vector<Verdict>& verdicts);
    void do_work(Work& work);
    void checkpoint_if_large();
    bool checkpoint_idle();
    void close();

    const Options options;
    const std::filesystem::path file;
    std::unique_ptr<Database> owned_database;  ///< gone when the thread has ended
    std::unique_ptr<MessageStore> owned_store;
    Database& database;
    MessageStore& store;
    int next_restart = 0;

    mutable std::mutex mutex;
    std::condition_variable wake;
    std::deque<Waiting> queue;
    std::deque<Work> works;
    std::size_t queue_bytes = 0;
    bool stopping = false;
    std::mutex stop_mutex;
    std::thread thread;

    std::atomic<std::uint64_t> batches{0};
    std::atomic<std::uint64_t> checkpoints{0};
    std::atomic<std::uint64_t> checkpoints_busy{0};
};

Writer::Writer(const std::filesystem::path& path, Options options)
    : impl_(std::make_unique<Impl>(path, options)) {}

Writer::~Writer() {
    stop();
}

bool Writer::submit(Submission submission, Done done) {
    Impl::Waiting waiting{std::move(submission), std::move(done), 0, 0};
    waiting.memory = waiting.submission.memory();
    waiting.records = records_of(waiting.submission);
    {
        const std::lock_guard lock(impl_->mutex);
        // One message over the bound is let in when nothing else waits: it is in memory already.
        const bool fits = impl_->queue.empty() ||
                          (impl_->queue.size() < impl_->options.max_queue_messages &&
                           impl_->queue_bytes + waiting.memory <= impl_->options.max_queue_bytes);
        if (impl_->stopping || !fits) {
            return false;
        }
        impl_->queue_bytes += waiting.memory;
        impl_->queue.push_back(std::move(waiting));
    }
    impl_->wake.notify_one();
    return true;
}

bool Writer::run(std::function<void(Database&)> work, std::function<void(const char*)> failed) {
    {
        const std::lock_guard lock(impl_->mutex);
        if (impl_->stopping) {
            return false;
        }
        impl_->works.push_back({std::move(work), std::move(failed)});
    }
    impl_->wake.notify_one();
    return true;
}

void Writer::stop() {
    const std::lock_guard only_one(impl_->stop_mutex);
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->stopping = true;
    }
    impl_->wake.notify_one();
    if (impl_->thread.joinable()) {
        impl_->thread.join();
    }
}

WriterStats Writer::stats() const {
    WriterStats stats;
    {
        const std::lock_guard lock(impl_->mutex);
        stats.queue_messages = impl_->queue.size();
        stats.queue_bytes = impl_->queue_bytes;
    }
    stats.batches = impl_->batches;
    stats.checkpoints = impl_->checkpoints;
    stats.checkpoints_busy = impl_->checkpoints_busy;
    std::error_code missing;
    const auto size = std::filesystem::file_size(impl_->file.string() + "-wal", missing);
    stats.wal_bytes = missing ? 0 : size;
    return stats;
}

void Writer::Impl::run() {
    bool log_waits = false;
    std::chrono::milliseconds patience = kIdle;
    for (;;) {
        std::vector<Waiting> batch;
        Work work;
        {
            std::unique_lock lock(mutex);
            const auto something = [this] { return !queue.empty() || !works.empty() || stopping; };
            if (log_waits) {
                if (!wake.wait_for(lock, patience, something)) {
                    lock.unlock();
                    log_waits = !checkpoint_idle();
                    patience = kIdleAgain;
                    continue;
                }
            } else {
                wake.wait(lock, something);
            }
            if (!works.empty()) {
                work = std::move(works.front());
                works.pop_front();
            }
            std::size_t bytes = 0;
            std::size_t records = 0;
            while (!queue.empty() && batch.size() < options.max_batch_messages) {
                const Waiting& next = queue.front();
                if (!batch.empty() && (bytes + next.memory > options.max_batch_bytes ||
                                       records + next.records > kMaxBatchRecords)) {
                    break;
                }
                bytes += next.memory;
                records += next.records;
                batch.push_back(std::move(queue.front()));
                queue.pop_front();
            }
            queue_bytes -= bytes;
            if (batch.empty() && !work.work && stopping) {
                break;
            }
        }
        if (!batch.empty()) {
            write(batch);
        }
        if (work.work) {
            do_work(work);
        }
        checkpoint_if_large();
        log_waits = true;
        patience = kIdle;
    }
    close();
}

void Writer::Impl::write(std::vector<Waiting>& batch) {
    std::vector<Verdict> verdicts;
    try {
        try {
            // A savepoint copies each page before its first change: 7 % of this thread's time.
            verdicts = commit(batch, MessageStore::Guard::none);
        } catch (const MessageStore::RowsRefused&) {
            store.rolled_back();
            verdicts = commit(batch, MessageStore::Guard::savepoint);
        }
    } catch (const DatabaseError& error) {
        store.rolled_back();
        verdicts.assign(batch.size(), verdict_of(error));
    } catch (const std::exception& error) {
        // Out of memory, mostly: nothing of the group is stored, every sender tries again.
        store.rolled_back();
        Verdict verdict;
        verdict.detail = error.what();
        verdicts.assign(batch.size(), verdict);
    }
    ++batches;
    tell(batch, verdicts);
}

std::vector<Verdict> Writer::Impl::commit(std::vector<Waiting>& batch, MessageStore::Guard guard) {
    std::vector<Verdict> verdicts;
    verdicts.reserve(batch.size());
    Transaction transaction(database);
    store.begun();
    for (auto& waiting : batch) {
        verdicts.push_back(store.add(waiting.submission, guard));
    }
    store.flush();
    const auto begin = Clock::now();
    transaction.commit();
    const auto commit = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin);
    for (auto& verdict : verdicts) {
        verdict.batch = static_cast<std::uint32_t>(batch.size());
        verdict.commit_us = static_cast<std::uint32_t>(commit.count());
    }
    return verdicts;
}

void Writer::Impl::tell(std::vector<Waiting>& batch, const std::vector<Verdict>& verdicts) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
        try {
            if (batch[i].done) {
                batch[i].done(verdicts[i]);
            }
        } catch (const std::exception&) {
            // The message is stored or not, whatever its sender's callback does; the others wait.
            continue;
        }
    }
}

void Writer::Impl::do_work(Work& work) {
    try {
        database.execute("PRAGMA foreign_keys = ON");
        work.work(database);
    } catch (const std::exception& error) {
        if (database.in_transaction()) {
            try {
                database.execute("ROLLBACK");
            } catch (const DatabaseError&) {
                // The work's own error is the one to tell.
            }
        }
        if (work.failed) {
            work.failed(error.what());
        }
    }
    // On the same connection PRAGMA data_version does not move.
    store.rolled_back();
    try {
        database.execute("PRAGMA foreign_keys = OFF");
    } catch (const DatabaseError&) {
        return;  // they stay on: slower, not wrong
    }
}

void Writer::Impl::checkpoint_if_large() {
    const int pages = database.wal_pages();
    if (pages < options.checkpoint_pages) {
        return;
    }
    try {
        ++checkpoints;
        if (!database.checkpoint(Database::Checkpoint::passive)) {
            ++checkpoints_busy;
        }
        // Even a log that is copied whole grows on while one reader overlaps the next.
        if (pages < options.restart_pages) {
            next_restart = options.restart_pages;
        } else if (pages >= next_restart) {
            // If a reader stays, not again before the log has grown by half of that.
            next_restart = pages + options.restart_pages / 2;
            database.set_busy_timeout(kRestartWaitMs);
            if (!database.checkpoint(Database::Checkpoint::restart)) {
                ++checkpoints_busy;
            }
            database.set_busy_timeout(options.busy_timeout_ms);
        }
    } catch (const DatabaseError&) {
        // The log holds everything that was committed; the next commit meets the same disk and says
        // so to its senders.
        ++checkpoints_busy;
        database.set_busy_timeout(options.busy_timeout_ms);
    }
}

// True if the log is empty afterwards.
bool Writer::Impl::checkpoint_idle() {
    bool done = false;
    try {
        ++checkpoints;
        if (database.checkpoint(Database::Checkpoint::passive)) {
            // Nobody waits: give the space back too.
            database.set_busy_timeout(0);
            done = database.checkpoint(Database::Checkpoint::truncate);
        }
    } catch (const DatabaseError&) {
        // As above.
    }
    database.set_busy_timeout(options.busy_timeout_ms);
    if (!done) {
        ++checkpoints_busy;
    }
    return done;
}

void Writer::Impl::close() {
    try {
        database.set_busy_timeout(kStopWaitMs);
        (void)database.checkpoint(Database::Checkpoint::truncate);
    } catch (const DatabaseError&) {
        // Everything is committed; the next start reads the log.
    }
    owned_store.reset();
    owned_database.reset();
}

}  // namespace dmarcbox::storage
