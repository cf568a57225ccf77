#include "server/smtp/limits.hpp"
#include "server/smtp/mail_parameters.hpp"
#include "server/smtp/session_impl.hpp"

namespace dmarcbox::smtp {
namespace {

/// Some report senders leave the brackets out; a refused report is lost.
std::optional<Address> parse_lenient_path(std::string_view path) {
    return path.front() == '<' ? parse_path(path) : parse_path("<" + std::string(path) + ">");
}

const Reply& parameter_reply(ParameterError error) {
    return error == ParameterError::unknown ? reply::kUnknownParameter : reply::kBadParameter;
}

}  // namespace

void Session::Impl::reset_transaction() {
    envelope.from = {};
    std::vector<Address>().swap(envelope.to);
    envelope.smtputf8 = false;
    body.reset();
    sender_given = false;
    recipient_refused = false;
    data_bytes = 0;
}

void Session::Impl::on_mail(std::string_view argument) {
    if (!hello) {
        send_error(reply::kHelloFirst);
        return;
    }
    if (sender_given) {
        send_error(reply::kNestedMail);
        return;
    }
    const auto parts = split_path_argument(argument, "FROM:");
    if (!parts) {
        send_error(reply::kMailSyntax);
        return;
    }
    auto address = parse_lenient_path(parts->path);
    if (!address) {
        add_event(Event::Kind::refused_message, "sender", parts->path,
                  reply_codes(reply::kBadSender));
        send_error(reply::kBadSender);
        return;
    }
    const auto parameters = parse_mail_parameters(parts->parameters);
    if (const auto* const error = std::get_if<ParameterError>(&parameters)) {
        send_error(parameter_reply(*error));
        return;
    }
    const auto& accepted = std::get<MailParameters>(parameters);
    envelope.from = std::move(*address);
    if (accepted.size > config.max_message_bytes) {
        if (idle_allowed()) {
            refuse_message(reply::kTooBig, "size");
        }
        return;
    }
    switch (environment.admit_message(accepted.size)) {
        case Environment::Admission::admitted:
            break;
        case Environment::Admission::disk_full:
            refuse_message(reply::kStorageFull, "no_space");
            return;
        case Environment::Admission::busy:
            refuse_message(reply::kMemoryFull, "busy");
            return;
        case Environment::Admission::queue_full:
            refuse_message(reply::kBusy, "busy");
            return;
        case Environment::Admission::shutting_down:
            refuse_message(reply::kShuttingDown, "shutting_down");
            state = State::closed;
            return;
    }
    envelope.smtputf8 = accepted.smtputf8;
    sender_given = true;
    send(reply::kSenderOk);
}

void Session::Impl::on_rcpt(std::string_view argument) {
    if (!sender_given) {
        send_error(hello ? reply::kMailFirst : reply::kHelloFirst);
        return;
    }
    const auto parts = split_path_argument(argument, "TO:");
    if (!parts) {
        send_error(reply::kRcptSyntax);
        return;
    }
    auto address = parse_lenient_path(parts->path);
    if (!address || address->null()) {
        refuse_recipient(reply::kBadRecipient, "syntax", parts->path);
        return;
    }
    if (!parts->parameters.empty()) {
        recipient_refused = true;
        send_error(parameter_reply(refuse_recipient_parameters(parts->parameters)));
        return;
    }
    switch (environment.check_recipient(*address)) {
        case Recipients::Verdict::accepted:
            break;
        case Recipients::Verdict::unknown:
            refuse_recipient(reply::kUnknownRecipient, "unknown", address->text);
            return;
        case Recipients::Verdict::foreign:
            refuse_recipient(reply::kForeignRecipient, "foreign", address->text);
            return;
    }
    if (envelope.to.size() >= config.max_recipients) {
        // Not an error: the client sends the rest in another transaction.
        add_event(Event::Kind::refused_recipient, "too_many", address->text,
                  reply_codes(reply::kTooManyRecipients));
        send(reply::kTooManyRecipients);
        return;
    }
    envelope.to.push_back(std::move(*address));
    send(reply::kRecipientOk);
}

void Session::Impl::on_data(std::string_view argument) {
    if (!argument.empty()) {
        send_error(reply::kNoArgument);
        return;
    }
    if (!sender_given) {
        send_error(hello ? reply::kMailFirst : reply::kHelloFirst);
        return;
    }
    if (envelope.to.empty()) {
        if (!recipient_refused) {
            send_error(reply::kRcptFirst);
        } else if (idle_allowed()) {
            // A pipelining client sends DATA before it knows: no error.
            send(lmtp() ? reply::kNoValidRecipientsLmtp : reply::kNoValidRecipients);
        }
        return;
    }
    body = environment.new_body();
    no_room = body == nullptr;
    data = DataReader();
    verdicts_due = lmtp() ? envelope.to.size() : 1;
    state = State::data;
    send(reply::kSendData);
}

void Session::Impl::consume_data(std::string_view& input) {
    while (!input.empty() && !data.done()) {
        const auto text = data.read(input);
        data_bytes += text.size();
        if (data_bytes > config.max_message_bytes) {
            body.reset();
            if (data_bytes - config.max_message_bytes >
                (kDrainFactor - 1) * config.max_message_bytes) {
                refuse_message(reply::kTooBig, "size");
                state = State::closed;
                return;
            }
        } else if (body != nullptr && !text.empty() && !body->append(text)) {
            body.reset();
            no_room = true;
        }
    }
    if (data.done()) {
        end_of_data();
    }
}

void Session::Impl::end_of_data() {
    state = State::command;
    if (data_bytes > config.max_message_bytes) {
        refuse_message(reply::kTooBig, "size");
    } else if (config.reject_bare_newline && data.saw_bare_newline()) {
        refuse_message(reply::kBareNewlineInMessage, "bare_newline");
        state = State::closed;
    } else if (no_room) {
        refuse_message(reply::kStorageFull, "no_space");
    } else {
        if (data.saw_bare_newline()) {
            add_event(Event::Kind::violation, "bare_newline", {}, {});
        }
        state = State::verdict;
        return;
    }
    if (shutting_down && state != State::closed) {
        send_and_close(reply::kShuttingDown);
    }
}

/// Ends the transaction. After DATA a LMTP client gets one reply per recipient (RFC 2033 section
/// 4.2).
void Session::Impl::refuse_message(const Reply& reply, std::string_view reason) {
    add_event(Event::Kind::refused_message, reason, envelope.from.text, reply_codes(reply));
    for (; verdicts_due > 1; --verdicts_due) {
        send(reply);
    }
    verdicts_due = 0;
    send(reply);
    reset_transaction();
}

void Session::Impl::on_verdict(const DeliveryVerdict& verdict) {
    const auto size = std::exchange(data_bytes, 0);
    answer_due = false;
    const bool connected = state == State::verdict;
    if (verdict.kind == DeliveryVerdict::Kind::committed) {
        ++counts.messages;
        counts.bytes += size;
        errors = refused = idle_commands = 0;
        const Reply reply{250, "2.0.0", verdict.id.empty() ? "OK" : std::string_view(verdict.id)};
        add_event(Event::Kind::accepted, {}, verdict.id, reply_codes(reply));
        for (; verdicts_due > 0 && connected; --verdicts_due) {
            send(reply);
        }
        reset_transaction();
    } else if (connected) {
        switch (verdict.kind) {
            case DeliveryVerdict::Kind::busy:
                refuse_message(reply::kBusy, "busy");
                break;
            case DeliveryVerdict::Kind::full:
                refuse_message(reply::kStorageFull, "no_space");
                break;
            case DeliveryVerdict::Kind::committed:
            case DeliveryVerdict::Kind::failed:
                refuse_message(reply::kStoreFailed, "failed");
                break;
        }
    }
    if (connected) {
        state = State::command;
        if (shutting_down) {
            send_and_close(reply::kShuttingDown);
        }
    }
}

}  // namespace dmarcbox::smtp
