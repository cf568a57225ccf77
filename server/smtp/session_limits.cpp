#include <algorithm>

#include "server/smtp/limits.hpp"
#include "server/smtp/session_impl.hpp"

namespace dmarcbox::smtp {

void Session::Impl::send(const Reply& reply) {
    append_reply(output, reply);
    count_reply(reply.code);
}

/// A protocol error: answered, unless it is one too many.
void Session::Impl::send_error(const Reply& reply) {
    ++counts.errors;
    if (++errors > config.max_errors) {
        violate(reply::kTooManyErrors, "too_many_errors", {});
        return;
    }
    send(reply);
}

void Session::Impl::refuse_recipient(const Reply& reply,
                                     std::string_view reason,
                                     std::string_view address) {
    recipient_refused = true;
    add_event(Event::Kind::refused_recipient, reason, address, reply_codes(reply));
    if (++refused > config.max_refused_recipients) {
        violate(reply::kTooManyRefused, "too_many_refused", {});
        return;
    }
    send(reply);
}

void Session::Impl::send_and_close(const Reply& reply) {
    send(reply);
    reset_transaction();
    state = State::closed;
}

void Session::Impl::violate(const Reply& reply, std::string_view reason, std::string_view detail) {
    add_event(Event::Kind::violation, reason, detail, reply_codes(reply));
    send_and_close(reply);
}

/// Counts a command that brings no mail; false: one too many, answered with 421.
bool Session::Impl::idle_allowed() {
    if (++idle_commands > config.max_idle_commands) {
        violate(reply::kTooManyIdle, "too_many_idle", {});
        return false;
    }
    return true;
}

void Session::Impl::on_timeout() {
    if (state == State::closed) {
        return;
    }
    add_event(Event::Kind::timeout, state_name(), {}, reply_codes(reply::kTimeout));
    send_and_close(reply::kTimeout);
}

void Session::Impl::count_reply(std::uint16_t code) {
    const auto found = std::find_if(reply_counts.begin(), reply_counts.end(),
                                    [&](const auto& entry) { return entry.first == code; });
    if (found == reply_counts.end()) {
        reply_counts.emplace_back(code, 1);
    } else {
        ++found->second;
    }
}

void Session::Impl::add_event(Event::Kind kind,
                              std::string_view reason,
                              std::string_view detail,
                              std::string reply_text) {
    if (events.size() < kMaxQueuedEvents) {
        events.push_back(Event{kind, reason, std::string(detail.substr(0, kMaxEventDetail)),
                               std::move(reply_text)});
    }
}

std::string_view Session::Impl::state_name() const {
    switch (state) {
        case State::greeting:
            return "greeting";
        case State::command:
            return "command";
        case State::data:
            return "data";
        case State::verdict:
            return "verdict";
        case State::tls:
            return "tls";
        case State::closed:
            break;
    }
    return "closed";
}

const SessionCounts& Session::Impl::collect_counts() {
    for (std::size_t i = 0; i < kVerbs; ++i) {
        if (command_counts[i] > 0) {
            counts.commands.insert_or_assign(std::string(verb_name(static_cast<Verb>(i))),
                                             command_counts[i]);
        }
    }
    counts.replies = {reply_counts.begin(), reply_counts.end()};
    return counts;
}

}  // namespace dmarcbox::smtp
