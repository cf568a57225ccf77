#include <algorithm>

#include "server/smtp/ascii.hpp"
#include "server/smtp/limits.hpp"
#include "server/smtp/session_impl.hpp"
#include "server/smtp/utf8.hpp"

namespace dmarcbox::smtp {
namespace {

/// A host name is never checked against anything, so only its bytes are made presentable: cut, and
/// `?` for what is not UTF-8 (Windows hosts send their name in the local code page).
std::string clean_host_name(std::string_view sent) {
    std::string name(sent.substr(0, kMaxDomain));
    if (!is_utf8(name)) {
        std::replace_if(
            name.begin(), name.end(), [](char c) { return !is_ascii(c); }, '?');
    }
    return name;
}

}  // namespace

void Session::Impl::handle(const Command& command) {
    ++command_counts[static_cast<std::size_t>(command.verb)];
    switch (command.verb) {
        case Verb::helo:
        case Verb::ehlo:
        case Verb::lhlo:
            on_hello(command);
            return;
        case Verb::mail:
            on_mail(command.argument);
            return;
        case Verb::rcpt:
            on_rcpt(command.argument);
            return;
        case Verb::data:
            on_data(command.argument);
            return;
        case Verb::rset:
            if (!command.argument.empty()) {
                send_error(reply::kNoArgument);
            } else if (idle_allowed()) {
                reset_transaction();
                send(reply::kOk);
            }
            return;
        case Verb::noop:
            if (idle_allowed()) {
                send(reply::kOk);
            }
            return;
        case Verb::vrfy:
            if (command.argument.empty()) {
                send_error(reply::kNeedsArgument);
            } else if (idle_allowed()) {
                send(reply::kCannotVerify);
            }
            return;
        case Verb::help:
            if (idle_allowed()) {
                send(reply::kHelp);
            }
            return;
        case Verb::starttls:
            on_starttls(command.argument);
            return;
        case Verb::quit:
            send_and_close(reply::kBye);
            return;
        case Verb::bdat:
            // Its payload would be read as commands.
            ++counts.errors;
            send_and_close(reply::kNotOffered);
            return;
        case Verb::proxy:
        case Verb::http:
            ++counts.errors;
            violate(reply::kNotSmtp, "non_smtp", verb_name(command.verb));
            return;
        case Verb::auth:
        case Verb::expn:
        case Verb::etrn:
        case Verb::turn:
        case Verb::xclient:
        case Verb::xforward:
        case Verb::send:
        case Verb::soml:
        case Verb::saml:
        case Verb::debug:
        case Verb::wiz:
            send_error(reply::kNotOffered);
            return;
        case Verb::unknown:
            send_error(reply::kUnknownCommand);
            return;
    }
}

void Session::Impl::on_hello(const Command& command) {
    if ((command.verb == Verb::lhlo) != lmtp()) {
        send_error(reply::kNotOffered);  // RFC 2033 section 4.1
        return;
    }
    if (command.argument.empty()) {
        send_error(reply::kHelloSyntax);
        return;
    }
    if (!idle_allowed()) {
        return;
    }
    reset_transaction();
    envelope.helo = clean_host_name(command.argument);
    hello = true;
    if (command.verb == Verb::helo) {
        send(Reply{250, {}, config.hostname});
        return;
    }
    output.append("250-").append(config.hostname);
    output.append("\r\n250-PIPELINING\r\n250-SIZE ")
        .append(std::to_string(config.max_message_bytes));
    output.append("\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n");
    const auto limits = "LIMITS RCPTMAX=" + std::to_string(config.max_recipients);  // RFC 9422
    if (config.offer_starttls && !tls) {
        output.append("250-").append(limits).append("\r\n250 STARTTLS\r\n");
    } else {
        output.append("250 ").append(limits).append("\r\n");
    }
    count_reply(250);
}

void Session::Impl::on_starttls(std::string_view argument) {
    if (tls) {
        send_error(reply::kAlreadyTls);
    } else if (!config.offer_starttls) {
        send_error(reply::kNotOffered);
    } else if (!argument.empty()) {
        send_error(reply::kNoArgument);
    } else {
        send(reply::kReadyForTls);
        reset_transaction();
        state = State::tls;
    }
}

}  // namespace dmarcbox::smtp
