#include "server/net/journal.hpp"

#include <algorithm>
#include <ctime>
#include <utility>

#include "schema/domain_name.hpp"

namespace dmarcbox::net {
namespace {

using Clock = std::chrono::steady_clock;

/// Of the reasons of smtp::Event, those that need more words outside of their event.
std::string_view rejection_reason(const smtp::Event& event) {
    if (event.kind != smtp::Event::Kind::refused_recipient) {
        return event.reason;
    }
    return event.reason == "unknown"    ? "unknown_recipient"
           : event.reason == "foreign"  ? "foreign_recipient"
           : event.reason == "too_many" ? "too_many_recipients"
                                        : "recipient_syntax";
}

/// As recipients are compared: A-labels.
std::string domain_of(std::string_view address) {
    const auto at = address.rfind('@');
    return at == std::string_view::npos
               ? std::string()
               : schema::to_a_labels(schema::normalize_domain(address.substr(at + 1)));
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

Journal::Journal(Log& log, Metrics& metrics, const std::vector<std::string>& accept)
    : log_(log), metrics_(metrics) {
    set_accept(accept);
}

void Journal::set_accept(const std::vector<std::string>& accept) {
    domains_.clear();
    for (const auto& entry : accept) {
        domains_.push_back(domain_of(entry));
    }
    std::sort(domains_.begin(), domains_.end());
    domains_.erase(std::unique(domains_.begin(), domains_.end()), domains_.end());
    constexpr std::size_t kMaxDomains = 1000;
    domains_.resize(std::min(domains_.size(), kMaxDomains));
    for (const auto& domain : domains_) {
        metrics_.last_report.declare({domain});
    }
}

void Journal::last_report(std::string_view envelope_to, std::int64_t at) {
    while (!envelope_to.empty()) {
        const auto blank = envelope_to.find(' ');
        const auto domain = domain_of(envelope_to.substr(0, blank));
        if (std::binary_search(domains_.begin(), domains_.end(), domain)) {
            const auto time =
                std::max(static_cast<double>(at), metrics_.last_report.value({domain}));
            metrics_.last_report.set({domain}, time);
        }
        envelope_to =
            blank == std::string_view::npos ? std::string_view() : envelope_to.substr(blank + 1);
    }
}

/// Writes the line unless it repeats.
void Journal::limited(LogLine line, std::string_view ip, std::string_view reason, LogLevel level) {
    const auto suppressed = limiter_.admit(line.event(), ip, reason, Clock::now());
    if (!suppressed) {
        log_.write(LogLevel::debug, line);
        return;
    }
    if (*suppressed > 0) {
        line.number("suppressed", static_cast<std::int64_t>(*suppressed));
    }
    log_.write(level, line);
}

void Journal::out_of_resources(const std::string& error) {
    metrics_.connections_refused.add({"descriptors"});
    LogLine line("accept-failed");
    line.words("error", error).words("next", "raise LimitNOFILE or lower smtp.max_connections");
    limited(std::move(line), {}, error, LogLevel::error);
}

void Journal::dialogue(const SessionInfo& session,
                       std::string_view direction,
                       std::string_view bytes) {
    if (log_.writes(LogLevel::debug)) {
        LogLine line("dialogue");
        line.words("session", session.id).text(direction, bytes);
        log_.write(LogLevel::debug, line);
    }
}

void Journal::connected(Service service) {
    metrics_.connections.add({to_string(service)});
}

void Journal::refused(const SessionInfo& session, std::string_view reason) {
    metrics_.connections_refused.add({reason});
    LogLine line("refused");
    line.words("session", session.id)
        .words("peer", session.peer())
        .words("protocol", to_string(session.service))
        .words("reason", reason);
    limited(std::move(line), session.ip, reason);
}

void Journal::event(const SessionInfo& session, const smtp::Event& event) {
    using Kind = smtp::Event::Kind;
    std::string_view name = "violation";
    std::string_view detail_key = "text";
    std::string_view stage;
    switch (event.kind) {
        case Kind::accepted:
            return;  // message() says more
        case Kind::refused_recipient: {
            name = "rejected";
            stage = "rcpt";
            detail_key = "to";
            const auto reason = rejection_reason(event);
            metrics_.messages_rejected.add({reason});
            refusals_.add(reason, domain_of(event.detail));
            break;
        }
        case Kind::refused_message:
            name = "rejected";
            stage = "message";
            detail_key = "from";
            metrics_.messages_rejected.add({event.reason});
            refusals_.add(event.reason, {});
            break;
        case Kind::violation:
            metrics_.violations.add({event.reason});
            break;
        case Kind::timeout:
            name = "timeout";
            metrics_.timeouts.add({event.reason});
            break;
    }
    LogLine line(name);
    line.words("session", session.id)
        .words("peer", session.peer())
        .words("stage", stage)
        .text(detail_key, event.detail)
        .words("reply", event.reply)
        .words("reason", event.reason);
    limited(std::move(line), session.ip, event.reason);
}

void Journal::timed_out(const SessionInfo& session, std::string_view state) {
    metrics_.timeouts.add({state});
    LogLine line("timeout");
    line.words("session", session.id).words("peer", session.peer()).words("reason", state);
    limited(std::move(line), session.ip, state);
}

void Journal::handshake_done(const std::string& version) {
    metrics_.handshakes.add({version, "ok"});
}

void Journal::handshake_failed(const SessionInfo& session, const std::string& error) {
    metrics_.handshakes.add({"none", "failed"});
    LogLine line("tls-failed");
    line.words("session", session.id).words("peer", session.peer()).text("error", error);
    limited(std::move(line), session.ip, error);
}

void Journal::ended(const SessionInfo& session, const smtp::SessionCounts& counts, SessionEnd end) {
    const double seconds = std::chrono::duration<double>(Clock::now() - session.began).count();
    metrics_.session_duration.observe({to_string(end)}, seconds);
    std::string commands;
    for (const auto& [verb, count] : counts.commands) {
        metrics_.commands.add({verb}, count);
        commands += (commands.empty() ? "" : ",") + verb + ":" + std::to_string(count);
    }
    for (const auto& [code, count] : counts.replies) {
        metrics_.replies.add({std::to_string(code)}, count);
    }
    if (!log_.writes(LogLevel::info)) {
        return;
    }
    LogLine line("session");
    line.words("session", session.id)
        .words("peer", session.peer())
        .words("protocol", to_string(session.service))
        .decimal("seconds", seconds)
        .number("messages", counts.messages)
        .words("commands", commands)
        .words("end", to_string(end));
    log_.write(LogLevel::info, line);
}

}  // namespace dmarcbox::net
