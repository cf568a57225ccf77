#include "server/commands/import.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "server/commands/import_files.hpp"
#include "server/commands/import_mbox.hpp"
#include "server/commands/import_progress.hpp"
#include "server/commands/import_tally.hpp"
#include "server/ingest_settings.hpp"
#include "server/intake.hpp"
#include "storage/database.hpp"
#include "storage/merge.hpp"
#include "storage/stale_evidence.hpp"
#include "storage/writer.hpp"

namespace dmarcbox {
namespace {

/// Messages in a transaction: a quarter of the syncs that mail coming in makes, 70 ms at most.
constexpr std::size_t kBatchMessages = 256;
/// Enough to keep the writer's group full while the workers read on.
constexpr std::size_t kMaxWaiting = 1024;
/// Of bytes read and not yet stored; a file above it goes alone.
constexpr std::size_t kMaxWaitingBytes = std::size_t{64} << 20U;
/// A message above it cannot be kept: SQLite holds 10^9 bytes in a cell, and a worker needs several
/// times its size. The listener stops at max_message_bytes, five times less.
constexpr std::size_t kMaxImportBytes = std::size_t{256} << 20U;
constexpr std::chrono::milliseconds kRetry{20};
constexpr int kExitInterrupted = 130;

volatile std::sig_atomic_t interrupted = 0;
extern "C" void on_interrupt(int) {
    interrupted = 1;
}

/// SIGINT and SIGTERM end the import after what is in flight; the old handlers come back.
class InterruptGuard {
  public:
    InterruptGuard() {
        interrupted = 0;
        struct sigaction action {};
        action.sa_handler = on_interrupt;
        sigaction(SIGINT, &action, &old_int_);
        sigaction(SIGTERM, &action, &old_term_);
    }
    InterruptGuard(const InterruptGuard&) = delete;
    InterruptGuard& operator=(const InterruptGuard&) = delete;
    ~InterruptGuard() {
        sigaction(SIGINT, &old_int_, nullptr);
        sigaction(SIGTERM, &old_term_, nullptr);
    }

  private:
    struct sigaction old_int_ {};
    struct sigaction old_term_ {};
};

/// One import: reads files on the calling thread, keeps the intake full, gathers verdicts.
class Import {
  public:
    Import(const Config& config,
           const ImportOptions& options,
           const Terminal& terminal,
           std::ostream& err)
        : options_(options),
          settings_(make_ingest_settings(config)),
          progress_(err, terminal),
          path_(config.storage.path),
          writer_(config.storage.path, {.max_batch_messages = kBatchMessages}),
          intake_(writer_,
                  settings_,
                  {.workers = options.jobs > 0
                                  ? options.jobs
                                  : std::max<std::size_t>(2, std::thread::hardware_concurrency()),
                   .max_queue_messages = kMaxWaiting * 2,
                   .max_queue_bytes = kMaxWaitingBytes * 2 + kMaxImportBytes}),
          now_(std::chrono::duration_cast<std::chrono::seconds>(
                   std::chrono::system_clock::now().time_since_epoch())
                   .count()) {}

    void read(const std::vector<std::string>& paths) {
        const auto files =
            list_files(paths, [this](const std::string& line) { tally_.add_failure(line); });
        for (const auto& file : files) {
            counts_.bytes_all += file.size;
        }
        for (const auto& file : files) {
            if (stopped()) {
                break;
            }
            const std::uintmax_t before = counts_.bytes_read;
            read_file(file);
            if (!stopped()) {
                counts_.bytes_read = before + file.size;
            }
        }
        wait_until([this] { return waiting_ == 0; });
        intake_.stop();
        writer_.stop();
        settle_evidence();
        progress_.finish();
    }

    [[nodiscard]] const ImportTally& tally() const { return tally_; }
    [[nodiscard]] std::chrono::milliseconds took() const { return progress_.took(); }

  private:
    struct Told {
        storage::Verdict verdict;
        std::optional<OwnedMessage> message;  ///< to try again; not for merged messages
        std::string name;
        std::size_t size = 0;
    };

    /// Which of two reports came first is chance here, and decides nothing.
    void settle_evidence() {
        if (stopped()) {
            return;  // stays noted
        }
        try {
            storage::Database database(path_, storage::Database::Mode::read_write);
            storage::settle_stale_evidence(database, [this] { return !stopped(); });
        } catch (const storage::DatabaseError& error) {
            tally_.add_failure(error.what());
        }
    }

    [[nodiscard]] bool stopped() const { return interrupted != 0 || disk_full_; }

    void read_file(const ImportFile& file) {
        std::shared_ptr<FileBytes> bytes;
        try {
            const auto interrupted_now = [] { return interrupted != 0; };
            bytes = file.path == "-" ? std::make_shared<FileBytes>(STDIN_FILENO, interrupted_now)
                                     : std::make_shared<FileBytes>(file.path, interrupted_now);
        } catch (const std::system_error& error) {
            if (interrupted != 0) {
                return;
            }
            tally_.add_failure(file.path.string() + ": " + error.what());
            return;
        }
        switch (kind_of_file(bytes->view())) {
            case FileKind::mbox:
                read_mbox(file, bytes);
                return;
            case FileKind::message:
                submit(file, bytes, bytes->view(), file.path.string());
                return;
            case FileKind::database:
                if (file.path == "-") {
                    tally_.add_failure(
                        "standard input: is a database; name it by its path: `dmarcbox import "
                        "other.db`");
                    return;
                }
                if (file.named) {
                    merge(file.path);
                    return;
                }
                break;
            case FileKind::foreign:
                break;
        }
        if (file.named) {
            submit(file, bytes, bytes->view(), file.path.string());
        } else {
            tally_.add_skipped();
        }
    }

    void read_mbox(const ImportFile& file, const std::shared_ptr<FileBytes>& bytes) {
        MboxReader reader(bytes->view());
        const std::uintmax_t before = counts_.bytes_read;
        for (std::size_t number = 1; !stopped(); ++number) {
            const auto message = reader.next();
            if (!message) {
                return;
            }
            submit(file, bytes, *message, file.path.string() + "#" + std::to_string(number));
            counts_.bytes_read = before + reader.position();
            // Messages in flight may still need the bytes before: they are read again then.
            bytes->forget_before(static_cast<std::size_t>(message->data() - bytes->view().data()));
        }
    }

    /// What another database holds, read there already: straight to the writer.
    void merge(const std::filesystem::path& path) {
        try {
            storage::MergeSource source(path);
            while (!stopped()) {
                auto message = source.next();
                if (!message) {
                    break;
                }
                submit(read_again(std::move(*message)), path.string());
            }
            if (source.pruned_reports() > 0) {
                tally_.add_pruned(static_cast<std::uint64_t>(source.pruned_reports()));
            }
        } catch (const storage::DatabaseError& error) {
            tally_.add_failure(error.what());
        }
    }

    /// Rows that retention had removed there are made again from the original.
    storage::Submission read_again(storage::MergeSource::Message merged) {
        if (!merged.bytes) {
            return std::move(merged.submission);
        }
        Message message;
        message.bytes = *merged.bytes;
        message.source = "import";
        message.received_at = merged.submission.receipt.received_at;
        storage::Submission read = ingest(message, settings_);
        read.receipt = std::move(merged.submission.receipt);
        read.original = std::move(merged.submission.original);
        read.original_missing = merged.submission.original_missing;
        auto hash = merged.failure_hashes.begin();
        for (auto& report : read.reports) {
            auto* failure = std::get_if<schema::FailureReport>(&report);
            if (failure != nullptr && hash != merged.failure_hashes.end()) {
                failure->content_sha256 = *hash++;
            }
        }
        return read;
    }

    void submit(storage::Submission submission, const std::string& name) {
        const std::size_t size = submission.memory();
        wait_for_room(size);
        submission.skip_known_bytes = true;
        const bool taken = writer_.submit(std::move(submission),
                                          [this, name, size](const storage::Verdict& verdict) {
                                              const std::lock_guard lock(mutex_);
                                              told_.push_back({verdict, std::nullopt, name, size});
                                              wake_.notify_one();
                                          });
        if (!taken) {
            // Cannot be while its queue is larger than what waits here.
            throw std::logic_error("the writer refused a message below its bounds");
        }
    }

    void submit(const ImportFile& file,
                const std::shared_ptr<FileBytes>& keeper,
                std::string_view bytes,
                const std::string& name) {
        if (bytes.size() > kMaxImportBytes) {
            tally_.add_failure(name + ": not imported: larger than 256 MiB");
            return;
        }
        OwnedMessage message;
        message.keeper = keeper;
        message.message.bytes = bytes;
        message.message.source = "import";
        message.message.received_at = now_;
        message.message.file_name = file.path.filename().string();
        submit(message, name);
    }

    void submit(const OwnedMessage& message, const std::string& name) {
        wait_for_room(message.message.bytes.size());
        give(message, name);
    }

    void wait_for_room(std::size_t size) {
        wait_until([&] {
            return waiting_ == 0 ||
                   (waiting_ < kMaxWaiting && waiting_bytes_ + size <= kMaxWaitingBytes);
        });
        const std::lock_guard lock(mutex_);
        ++waiting_;
        waiting_bytes_ += size;
    }

    void give(const OwnedMessage& message, const std::string& name) {
        while (!intake_.submit(
            OwnedMessage(message), [this, message, name](const storage::Verdict& verdict) {
                const std::lock_guard lock(mutex_);
                told_.push_back({verdict, message, name, message.message.bytes.size()});
                wake_.notify_one();
            })) {
            // Its queue is larger than ours: a worker is about to take one.
            std::this_thread::sleep_for(kRetry);
        }
    }

    /// Takes verdicts until `ready` holds. Messages that the store had no room for go in again.
    template <typename Ready>
    void wait_until(const Ready& ready) {
        for (;;) {
            std::deque<Told> told;
            bool done = false;
            {
                std::unique_lock lock(mutex_);
                wake_.wait_for(lock, std::chrono::milliseconds{100},
                               [&] { return !told_.empty() || ready(); });
                told.swap(told_);
                done = ready();
            }
            for (auto& entry : told) {
                take(entry);
            }
            if (!options_.quiet) {
                counts_.messages = tally_.messages();
                progress_.update(counts_);
            }
            if (told.empty() && done) {
                return;
            }
        }
    }

    void take(const Told& told) {
        using Status = storage::Verdict::Status;
        if (told.verdict.status == Status::busy && told.message && !stopped()) {
            std::this_thread::sleep_for(kRetry);
            give(*told.message, told.name);
            return;
        }
        disk_full_ |= told.verdict.status == Status::full;
        {
            const std::lock_guard lock(mutex_);
            --waiting_;
            waiting_bytes_ -= told.size;
        }
        tally_.add(told.verdict, told.name);
    }

    const ImportOptions& options_;
    const IngestSettings settings_;
    ImportProgress progress_;
    const std::filesystem::path path_;
    ImportCounts counts_;
    ImportTally tally_;
    bool disk_full_ = false;

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Told> told_;
    std::size_t waiting_ = 0;
    std::size_t waiting_bytes_ = 0;

    // Last: their threads use what is above.
    storage::Writer writer_;
    Intake intake_;
    std::int64_t now_;
};

}  // namespace

int run_import(const Config& config,
               const ImportOptions& options,
               const Terminal& terminal,
               std::ostream& out,
               std::ostream& err) {
    if (std::find(options.paths.begin(), options.paths.end(), "-") != options.paths.end() &&
        isatty(STDIN_FILENO) == 1) {
        err << "reading from the terminal; end with Ctrl-D\n";
    }
    const InterruptGuard guard;
    Import import(config, options, terminal, err);
    import.read(options.paths);
    import.tally().print_faults(err);
    if (!options.quiet) {
        import.tally().print_summary(out, import.took(), config.storage.path);
    }
    if (interrupted != 0) {
        err << "dmarcbox: interrupted; start it again to go on, what is stored is skipped\n";
        return kExitInterrupted;
    }
    return import.tally().clean() ? 0 : 1;
}

}  // namespace dmarcbox
