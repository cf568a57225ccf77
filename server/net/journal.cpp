#include "server/net/journal.hpp"

namespace dmarcbox::net {
namespace {

std::int64_t milliseconds(std::chrono::steady_clock::duration duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
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

}  // namespace

std::string_view to_string(SessionEnd end) {
    switch (end) {
        case SessionEnd::quit:
            return "quit";
        case SessionEnd::eof:
            return "eof";
        case SessionEnd::timeout:
            return "timeout";
        case SessionEnd::violation:
            return "violation";
        case SessionEnd::shutdown:
            return "shutdown";
        case SessionEnd::limit:
            return "limit";
        case SessionEnd::tls:
            return "tls";
        case SessionEnd::error:
            break;
    }
    return "error";
}

void Journal::session_event(const SessionInfo& session, const smtp::Event& event) {
    using Kind = smtp::Event::Kind;
    if (event.kind == Kind::accepted) {
        return;  // message() says more
    }
    LogLine line(event.kind == Kind::refused_recipient || event.kind == Kind::refused_message
                     ? "rejected"
                 : event.kind == Kind::timeout ? "timeout"
                                               : "violation");
    line.text("session", session.id).text("peer", session.peer());
    if (event.kind == Kind::refused_recipient) {
        line.words("stage", "rcpt").text("to", event.detail);
    } else if (event.kind == Kind::refused_message) {
        line.words("stage", "message").text("from", event.detail);
    } else {
        line.text("text", event.detail);
    }
    line.words("reply", event.reply).words("reason", event.reason);
    log_.write(LogLevel::info, line);
}

void Journal::session_ended(const SessionInfo& session,
                            const smtp::SessionCounts& counts,
                            SessionEnd end) {
    std::string commands;
    for (const auto& [verb, count] : counts.commands) {
        commands += (commands.empty() ? "" : ",") + verb + ":" + std::to_string(count);
    }
    LogLine line("session");
    line.text("session", session.id)
        .text("peer", session.peer())
        .words("protocol", to_string(session.service))
        .decimal(
            "seconds",
            std::chrono::duration<double>(std::chrono::steady_clock::now() - session.began).count())
        .number("messages", counts.messages)
        .words("commands", commands)
        .words("end", to_string(end));
    log_.write(LogLevel::info, line);
}

void Journal::message(const Delivery& delivery, const storage::Verdict& verdict) {
    const bool stored = verdict.status == storage::Verdict::Status::committed;
    LogLine line(stored ? "message" : "deferred");
    line.text("session", delivery.session);
    if (stored) {
        line.number("message", verdict.message_id);
    }
    const Reading& reading = delivery.reading;
    line.text("peer", delivery.peer.empty() ? "unix" : delivery.peer)
        .text("helo", delivery.helo)
        .text("tls", delivery.tls)
        .text("from", delivery.from)
        .text("to", delivery.to)
        .number("size", static_cast<std::int64_t>(delivery.size))
        .words("reply", reply_text(verdict));
    if (stored) {
        line.words("outcome", to_string(verdict.outcome));
        if (!reading.reports.empty()) {
            line.words("kind", reading.reports.front().kind)
                .text("domain", reading.reports.front().domain)
                .number("records", static_cast<std::int64_t>(reading.reports.front().records));
        }
    }
    if (!stored || verdict.outcome != storage::Outcome::report) {
        line.text("detail", verdict.detail);
    }
    line.number("receive_ms", milliseconds(delivery.data_ended - delivery.data_began))
        .number("parse_ms", reading.times.read.count() / 1000)
        .number("commit_ms", verdict.commit_us / 1000)
        .words("sha256", reading.sha256);
    log_.write(stored ? LogLevel::info : LogLevel::error, line);
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
