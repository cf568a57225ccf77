#include "server/intake.hpp"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace dmarcbox {
namespace {

using Clock = std::chrono::steady_clock;

/// Leaves ingest() when another big message is being read; this one waits aside for its turn, so
/// that the worker stays free for small ones.
struct BigMessageBusy {};

constexpr const char* kStopping = "the service is stopping";

storage::Verdict refused(std::string detail, storage::Verdict::Status status) {
    storage::Verdict verdict;
    verdict.status = status;
    verdict.detail = std::move(detail);
    return verdict;
}

}  // namespace

struct Intake::Impl {
    struct Waiting {
        OwnedMessage message;
        Done done;
        Clock::time_point since;
        bool has_turn = false;  ///< taken from aside; goes back when it is read
    };

    Impl(storage::Writer& given_writer, IngestSettings given, Options given_options)
        : writer(given_writer), settings(std::move(given)), options(given_options) {
        settings.big_message_gate = [this] { return enter_big_message(); };
        workers.reserve(options.workers);
        for (std::size_t i = 0; i < std::max<std::size_t>(options.workers, 1); ++i) {
            workers.emplace_back([this] { work(); });
            pthread_setname_np(workers.back().native_handle(), "parser");
        }
    }

    void work();
    [[nodiscard]] std::optional<Waiting> take();
    void read(Waiting waiting);
    [[nodiscard]] bool put_aside(Waiting& waiting);
    [[nodiscard]] storage::Submission ingest_in_turn(const Waiting& waiting);
    [[nodiscard]] std::shared_ptr<void> enter_big_message();
    [[nodiscard]] std::shared_ptr<void> hold_big_message();
    void leave_big_message();

    storage::Writer& writer;
    IngestSettings settings;
    const Options options;

    mutable std::mutex mutex;
    std::condition_variable wake;
    std::deque<Waiting> queue;
    std::deque<Waiting> aside;  ///< big, as was found while another one was read
    bool big_message_taken = false;
    std::size_t messages = 0;  ///< waiting or with a worker
    std::size_t bytes = 0;
    bool stopping = false;
    bool refusing = false;
    std::mutex stop_mutex;
    std::vector<std::thread> workers;
};

Intake::Intake(storage::Writer& writer, IngestSettings settings, Options options)
    : impl_(std::make_unique<Impl>(writer, std::move(settings), options)) {}

Intake::~Intake() {
    stop();
}

bool Intake::submit(OwnedMessage message, Done done) {
    const std::size_t size = message.message.bytes.size();
    {
        const std::lock_guard lock(impl_->mutex);
        // One message over the bound is let in when nothing else waits: it is in memory already.
        const bool fits =
            impl_->messages == 0 || (impl_->messages < impl_->options.max_queue_messages &&
                                     impl_->bytes + size <= impl_->options.max_queue_bytes);
        if (impl_->stopping || impl_->refusing || !fits) {
            return false;
        }
        ++impl_->messages;
        impl_->bytes += size;
        impl_->queue.push_back({std::move(message), std::move(done), Clock::now()});
    }
    impl_->wake.notify_one();
    return true;
}

void Intake::refuse_waiting() {
    std::deque<Impl::Waiting> refused_ones;
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->refusing = true;
        for (auto* const from : {&impl_->queue, &impl_->aside}) {
            for (auto& waiting : *from) {
                --impl_->messages;
                impl_->bytes -= waiting.message.message.bytes.size();
                refused_ones.push_back(std::move(waiting));
            }
            from->clear();
        }
    }
    impl_->wake.notify_all();
    for (const auto& waiting : refused_ones) {
        waiting.done(refused(kStopping, storage::Verdict::Status::busy));
    }
}

void Intake::stop() {
    const std::lock_guard only_one(impl_->stop_mutex);
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->stopping = true;
    }
    impl_->wake.notify_all();
    for (auto& worker : impl_->workers) {
        if (worker.joinable()) {
            worker.join();
        }
    }
}

std::size_t Intake::queue_messages() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->messages;
}

std::size_t Intake::queue_bytes() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->bytes;
}

void Intake::Impl::work() {
    while (auto waiting = take()) {
        const std::size_t size = waiting->message.message.bytes.size();
        try {
            read(std::move(*waiting));
        } catch (const BigMessageBusy&) {
            continue;  // put aside, still counted
        }
        const std::lock_guard lock(mutex);
        --messages;
        bytes -= size;
        if (stopping && messages == 0) {
            wake.notify_all();
        }
    }
}

/// Nullopt: stopping, and nothing is left.
std::optional<Intake::Impl::Waiting> Intake::Impl::take() {
    std::unique_lock lock(mutex);
    const auto next = [this]() -> std::deque<Waiting>* {
        if (!aside.empty() && !big_message_taken) {
            return &aside;
        }
        return queue.empty() ? nullptr : &queue;
    };
    wake.wait(lock, [&] { return next() != nullptr || (stopping && messages == 0); });
    auto* const from = next();
    if (from == nullptr) {
        return std::nullopt;
    }
    Waiting waiting = std::move(from->front());
    from->pop_front();
    if (from == &aside) {
        big_message_taken = true;
        waiting.has_turn = true;
    }
    return waiting;
}

void Intake::Impl::read(Waiting waiting) {
    const auto begin = Clock::now();
    storage::Submission submission;
    try {
        submission = ingest_in_turn(waiting);
    } catch (const BigMessageBusy&) {
        if (put_aside(waiting)) {
            throw;
        }
        waiting.done(refused(kStopping, storage::Verdict::Status::busy));
        return;
    } catch (const std::exception& error) {
        // Out of memory, mostly: nothing is stored, the sender tries again.
        waiting.done(refused(error.what(), storage::Verdict::Status::failed));
        return;
    }
    waiting.message.keeper.reset();
    if (waiting.message.on_read) {
        using std::chrono::duration_cast;
        using std::chrono::microseconds;
        waiting.message.on_read(submission, {duration_cast<microseconds>(begin - waiting.since),
                                             duration_cast<microseconds>(Clock::now() - begin)});
    }
    if (!writer.submit(std::move(submission), waiting.done)) {
        waiting.done(refused("the store's queue is full", storage::Verdict::Status::busy));
    }
}

/// False: no message is begun any more; `waiting` is as it was.
bool Intake::Impl::put_aside(Waiting& waiting) {
    {
        const std::lock_guard lock(mutex);
        if (refusing) {
            return false;
        }
        aside.push_back(std::move(waiting));
    }
    // The gate may have opened since.
    wake.notify_one();
    return true;
}

/// What waited for its turn has it from the beginning on, whatever else comes between.
storage::Submission Intake::Impl::ingest_in_turn(const Waiting& waiting) {
    if (!waiting.has_turn) {
        return ingest(waiting.message.message, settings);
    }
    IngestSettings with_turn = settings;
    with_turn.big_message_gate = [turn = hold_big_message()] { return turn; };
    return ingest(waiting.message.message, with_turn);
}

std::shared_ptr<void> Intake::Impl::enter_big_message() {
    {
        const std::lock_guard lock(mutex);
        if (big_message_taken) {
            throw BigMessageBusy{};
        }
        big_message_taken = true;
    }
    return hold_big_message();
}

/// Gives the turn back when it goes.
std::shared_ptr<void> Intake::Impl::hold_big_message() {
    return {this, [](Impl* intake) { intake->leave_big_message(); }};
}

void Intake::Impl::leave_big_message() {
    {
        const std::lock_guard lock(mutex);
        big_message_taken = false;
    }
    wake.notify_one();
}

}  // namespace dmarcbox
