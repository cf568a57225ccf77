#include <ctime>
#include <utility>

#include "server/net/journal.hpp"

// The part of the journal that tells of messages.

namespace dmarcbox::net {
namespace {

std::int64_t milliseconds(std::chrono::steady_clock::duration duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

double seconds(std::chrono::microseconds time) {
    return std::chrono::duration<double>(time).count();
}

bool committed(const storage::Verdict& verdict) {
    return verdict.status == storage::Verdict::Status::committed ||
           verdict.status == storage::Verdict::Status::already_known;
}

std::string_view reply_text(const storage::Verdict& verdict) {
    switch (verdict.status) {
        case storage::Verdict::Status::committed:
        case storage::Verdict::Status::already_known:
            return "250 2.0.0";
        case storage::Verdict::Status::busy:
            return "451 4.3.2";
        case storage::Verdict::Status::full:
            return "452 4.3.1";
        case storage::Verdict::Status::failed:
            break;
    }
    return "451 4.3.0";
}

std::string_view error_code(const storage::Verdict& verdict) {
    return verdict.status == storage::Verdict::Status::busy   ? "busy"
           : verdict.status == storage::Verdict::Status::full ? "full"
                                                              : "failed";
}

/// The limit behind a finding code of stage unpack or mime; empty for any other code.
std::string_view limit_of(std::string_view code) {
    return code == "unpacked_too_big" || code == "attached_too_big" || code == "header_too_big"
               ? "size"
           : code == "ratio_too_high"                               ? "ratio"
           : code == "too_many_members" || code == "too_many_parts" ? "members"
           : code == "unpack_too_deep" || code == "parts_too_deep"  ? "depth"
           : code == "time"                                         ? "time"
                                                                    : std::string_view();
}

}  // namespace

void Journal::message(const Delivery& delivery, const storage::Verdict& verdict) {
    count_message(delivery, verdict);
    log_message(delivery, verdict);
}

void Journal::count_message(const Delivery& delivery, const storage::Verdict& verdict) {
    const std::string_view source = delivery.service == Service::lmtp ? "lmtp" : "smtp";
    const Reading& reading = delivery.reading;
    if (!reading.sha256.empty()) {
        const std::string_view kind =
            reading.reports.empty() ? "other" : reading.reports.front().kind;
        metrics_.parse_duration.observe({kind}, seconds(reading.times.read));
        metrics_.queue_wait.observe({}, seconds(reading.times.waited));
    }
    if (!committed(verdict)) {
        metrics_.write_errors.add({error_code(verdict)});
        return;
    }
    const auto now = std::time(nullptr);
    metrics_.messages.add({source, to_string(verdict.outcome)});
    metrics_.message_bytes.add({source}, static_cast<double>(delivery.size));
    metrics_.message_size.observe({}, static_cast<double>(delivery.size));
    metrics_.commit_duration.observe({}, static_cast<double>(verdict.commit_us) / 1e6);
    metrics_.commit_batch.observe({}, verdict.batch);
    metrics_.last_message.set({}, static_cast<double>(now));
    if (verdict.outcome == storage::Outcome::report) {
        last_report(delivery.to, now);
    }
    count_reading(reading, verdict.conflicts);
}

void Journal::count_reading(const Reading& reading, std::uint32_t conflicts) {
    for (const auto& report : reading.reports) {
        metrics_.reports.add({report.kind});
        metrics_.records.add({report.kind}, static_cast<double>(report.records));
    }
    for (const auto code : reading.codes) {
        metrics_.findings.add({code});
        if (const auto limit = limit_of(code); !limit.empty()) {
            metrics_.unpack_refused.add({limit});
        }
    }
    if (conflicts > 0 && !reading.reports.empty()) {
        // A mail with reports of several kinds is rare, two kinds in conflict are not seen.
        metrics_.conflicts.add({reading.reports.front().kind}, conflicts);
    }
}

void Journal::log_message(const Delivery& delivery, const storage::Verdict& verdict) {
    const bool stored = committed(verdict);
    const LogLevel level = stored ? LogLevel::info : LogLevel::error;
    if (!log_.writes(level)) {
        return;
    }
    const Reading& reading = delivery.reading;
    LogLine line(stored ? "message" : "deferred");
    line.words("session", delivery.session);
    if (stored) {
        line.number("message", verdict.message_id);
    }
    line.words("peer", delivery.peer.empty() ? "unix" : delivery.peer)
        .text("helo", delivery.helo)
        .words("tls", delivery.tls.substr(0, delivery.tls.find(' ')))
        .text("from", delivery.from)
        .text("to", delivery.to)
        .number("size", static_cast<std::int64_t>(delivery.size))
        .words("reply", delivery.awaited && !*delivery.awaited ? "none" : reply_text(verdict));
    if (stored) {
        line.words("outcome", to_string(verdict.outcome));
        if (!reading.reports.empty()) {
            line.words("kind", reading.reports.front().kind)
                .text("domain", reading.reports.front().domain)
                .number("records", static_cast<std::int64_t>(reading.reports.front().records));
        }
        if (reading.reports.size() > 1) {
            line.number("reports", static_cast<std::int64_t>(reading.reports.size()));
        }
    }
    if (!stored || verdict.outcome != storage::Outcome::report) {
        line.text("detail", verdict.detail);
    }
    line.number("receive_ms", milliseconds(delivery.data_ended - delivery.data_began))
        .number("parse_ms", reading.times.read.count() / 1000)
        .number("commit_ms", verdict.commit_us / 1000)
        .words("sha256", reading.sha256);
    if (stored) {
        log_.write(level, line);
    } else {
        limited(std::move(line), delivery.peer, error_code(verdict), level);
    }
    if (stored && verdict.outcome == storage::Outcome::unreadable) {
        LogLine warning("unreadable");
        warning.number("message", verdict.message_id)
            .words("stage", reading.fault_stage)
            .text("part", reading.fault_part)
            .words("code", reading.fault_code)
            .words("next", "dmarcbox show " + std::to_string(verdict.message_id));
        log_.write(LogLevel::warn, warning);
    }
}

}  // namespace dmarcbox::net
