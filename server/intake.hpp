#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

#include "server/ingest.hpp"
#include "server/message.hpp"
#include "storage/writer.hpp"

namespace dmarcbox {

/// How long one message waited for a worker, and how long the worker read it.
struct ReadTimes {
    std::chrono::microseconds waited{0};
    std::chrono::microseconds read{0};
};

/// A message that owns its bytes while it waits for a worker.
struct OwnedMessage {
    Message message;  ///< message.bytes points into `keeper`
    std::shared_ptr<void> keeper;
    /// Called on the worker with what was read, before the writer has it; for log and counters.
    /// Must be short. May be empty.
    std::function<void(const storage::Submission&, const ReadTimes&)> on_read{};
};

/// Parse pool in front of the writer: message -> worker (ingest) -> writer -> verdict.
/// Bounded by count and bytes; a full queue refuses (451), it never grows.
class Intake {
  public:
    struct Options {
        std::size_t workers = 2;
        std::size_t max_queue_messages = 1024;
        std::size_t max_queue_bytes = std::size_t{256} << 20U;
    };
    /// `done` runs on the writer thread (or on a worker when the writer refuses); it must be short.
    using Done = storage::Writer::Done;

    Intake(storage::Writer& writer, IngestSettings settings, Options options);
    Intake(const Intake&) = delete;
    Intake& operator=(const Intake&) = delete;
    ~Intake();  ///< stop()

    /// False if full or stopping; `done` is then never called. Thread-safe.
    [[nodiscard]] bool submit(OwnedMessage message, Done done);
    /// From now on no message is begun: those that wait, and those that come, get the verdict busy.
    /// What the workers have goes on. Thread-safe.
    void refuse_waiting();
    /// Finishes what is queued, then joins the workers. Idempotent. The writer stays up.
    void stop();

    [[nodiscard]] std::size_t queue_messages() const;
    [[nodiscard]] std::size_t queue_bytes() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace dmarcbox
