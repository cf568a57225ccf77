#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dmarcbox::smtp {

/// A one-line reply: code, enhanced code (RFC 3463, empty where RFC 2034 forbids one), words.
struct Reply {
    std::uint16_t code;
    std::string_view enhanced;
    std::string_view text;
};

/// Appends the wire form with CRLF.
void append_reply(std::string& out, const Reply& reply);

/// `550 5.1.1`, for events.
[[nodiscard]] std::string reply_codes(const Reply& reply);

/// Every reply with fixed words, in one place. The others are made in session.cpp: greeting, HELO
/// and EHLO (they carry the host name), and the 250 with the message's id.
namespace reply {

inline constexpr Reply kHelp{214, "2.0.0", "RFC 5321; this host receives DMARC and TLS reports"};
inline constexpr Reply kReadyForTls{220, "2.0.0", "Ready to start TLS"};
inline constexpr Reply kBye{221, "2.0.0", "Bye"};
inline constexpr Reply kOk{250, "2.0.0", "OK"};
inline constexpr Reply kSenderOk{250, "2.1.0", "Sender OK"};
inline constexpr Reply kRecipientOk{250, "2.1.5", "Recipient OK"};
inline constexpr Reply kCannotVerify{252, "2.5.0", "Cannot verify; send mail and see"};
inline constexpr Reply kSendData{354, {}, "End data with <CR><LF>.<CR><LF>"};

// Our own faults and limits: the client comes again.
inline constexpr Reply kShuttingDown{421, "4.3.2", "Service shutting down"};
inline constexpr Reply kTimeout{421, "4.4.2", "Timeout, closing connection"};
inline constexpr Reply kTooManyErrors{421, "4.7.0", "Too many errors"};
inline constexpr Reply kTooManyRefused{421, "4.7.0", "Too many refused recipients"};
inline constexpr Reply kTooManyIdle{421, "4.7.0", "Too many commands without mail"};
inline constexpr Reply kStoreFailed{451, "4.3.0", "Message not stored, try again later"};
inline constexpr Reply kBusy{451, "4.3.2", "Too busy, try again later"};
inline constexpr Reply kStorageFull{452, "4.3.1", "Insufficient system storage"};
inline constexpr Reply kMemoryFull{452, "4.3.1", "Too much mail in transit, try again later"};
inline constexpr Reply kTooManyRecipients{452, "4.5.3", "Too many recipients"};

// Errors of the client.
inline constexpr Reply kUnknownCommand{500, "5.5.2", "Command not recognized"};
inline constexpr Reply kLineTooLong{500, "5.5.2", "Line too long"};
inline constexpr Reply kBareNewline{500, "5.5.2", "Lines end with CRLF"};
inline constexpr Reply kControlCharacter{500, "5.5.2", "Control character in command"};
inline constexpr Reply kHelloSyntax{501, {}, "Syntax: HELO, EHLO or LHLO and your host name"};
inline constexpr Reply kBadSender{501, "5.1.7", "Bad sender address"};
inline constexpr Reply kBadRecipient{501, "5.1.3", "Bad recipient address"};
inline constexpr Reply kMailSyntax{501, "5.5.4", "Syntax: MAIL FROM:<address>"};
inline constexpr Reply kRcptSyntax{501, "5.5.4", "Syntax: RCPT TO:<address>"};
inline constexpr Reply kNoArgument{501, "5.5.4", "No argument allowed"};
inline constexpr Reply kNeedsArgument{501, "5.5.4", "Argument needed"};
inline constexpr Reply kBadParameter{501, "5.5.4", "Bad parameter"};
inline constexpr Reply kNotOffered{502, "5.5.1", "Command not offered"};
inline constexpr Reply kHelloFirst{503, "5.5.1", "Say hello first"};
inline constexpr Reply kMailFirst{503, "5.5.1", "MAIL first"};
inline constexpr Reply kRcptFirst{503, "5.5.1", "RCPT first"};
inline constexpr Reply kNestedMail{503, "5.5.1", "Sender already given"};
inline constexpr Reply kAlreadyTls{503, "5.5.1", "TLS already active"};
inline constexpr Reply kUnknownRecipient{550, "5.1.1", "No such mailbox here"};
inline constexpr Reply kForeignRecipient{550, "5.7.1", "No mail for that domain here"};
inline constexpr Reply kBareNewlineInMessage{550, "5.5.2", "CR or LF alone in message"};
inline constexpr Reply kTooBig{552, "5.3.4", "Message too big"};
inline constexpr Reply kNotSmtp{554, "5.5.1", "This is SMTP"};
inline constexpr Reply kNoValidRecipients{554, "5.5.1", "No valid recipients"};
inline constexpr Reply kNoValidRecipientsLmtp{503, "5.5.1", "No valid recipients"};
inline constexpr Reply kUnknownParameter{555, "5.5.4", "Parameter not recognized"};

}  // namespace reply
}  // namespace dmarcbox::smtp
