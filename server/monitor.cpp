#include "server/monitor.hpp"

#include <system_error>
#include <utility>

namespace dmarcbox {

Monitor::Monitor(Metrics& metrics, Sources sources)
    : metrics_(metrics), sources_(std::move(sources)) {
    metrics_.queue_messages_limit.set(
        {"parse"}, static_cast<double>(sources_.intake_limits.max_queue_messages));
    metrics_.queue_messages_limit.set(
        {"write"}, static_cast<double>(sources_.writer_limits.max_queue_messages));
    metrics_.queue_bytes_limit.set({"parse"},
                                   static_cast<double>(sources_.intake_limits.max_queue_bytes));
    metrics_.queue_bytes_limit.set({"write"},
                                   static_cast<double>(sources_.writer_limits.max_queue_bytes));
    metrics_.body_memory_limit.set({}, static_cast<double>(sources_.budget.limit()));
}

void Monitor::saw(const storage::Verdict& verdict) {
    const bool good = verdict.status == storage::Verdict::Status::committed ||
                      verdict.status == storage::Verdict::Status::already_known;
    store_error_ = good ? std::string() : verdict.detail.empty() ? "failed" : verdict.detail;
}

std::string Monitor::metrics_text() {
    const auto stats = sources_.writer.stats();
    metrics_.sessions.set({}, static_cast<double>(sources_.sessions()));
    metrics_.queue_messages.set({"parse"}, static_cast<double>(sources_.intake.queue_messages()));
    metrics_.queue_bytes.set({"parse"}, static_cast<double>(sources_.intake.queue_bytes()));
    metrics_.queue_messages.set({"write"}, static_cast<double>(stats.queue_messages));
    metrics_.queue_bytes.set({"write"}, static_cast<double>(stats.queue_bytes));
    metrics_.body_memory.set({}, static_cast<double>(sources_.budget.used()));
    metrics_.checkpoints.set({"ok"},
                             static_cast<double>(stats.checkpoints - stats.checkpoints_busy));
    metrics_.checkpoints.set({"busy"}, static_cast<double>(stats.checkpoints_busy));
    metrics_.database_wal.set({}, static_cast<double>(stats.wal_bytes));
    std::error_code missing;
    const auto size = std::filesystem::file_size(sources_.database, missing);
    metrics_.database_size.set({}, missing ? 0 : static_cast<double>(size));
    metrics_.database_free_disk.set({}, static_cast<double>(sources_.space.free_bytes()));
    metrics_.last_prune.set({}, static_cast<double>(sources_.housekeeping.last_prune_at()));
    metrics_.last_backup.set({}, static_cast<double>(sources_.housekeeping.last_backup_at()));
    return metrics_.text();
}

std::string Monitor::not_ready() {
    if (stopping_) {
        return "the service is stopping";
    }
    if (!sources_.space.has_room(0)) {
        return "the disk of " + sources_.database.string() + " has less than min_free_bytes free";
    }
    if (sources_.budget.exhausted()) {
        return "the memory for message bodies is used up";
    }
    if (sources_.intake.queue_messages() >= sources_.intake_limits.max_queue_messages ||
        sources_.intake.queue_bytes() >= sources_.intake_limits.max_queue_bytes) {
        return "the queue of messages to read is full";
    }
    return store_error_.empty() ? std::string() : "the store: " + store_error_;
}

}  // namespace dmarcbox
