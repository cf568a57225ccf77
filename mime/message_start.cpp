#include <algorithm>
#include <array>
#include <bitset>

#include "mime/header_block.hpp"
#include "mime/lines.hpp"
#include "mime/unpack.hpp"

namespace dmarcbox::mime {

namespace {

/// How far the beginning of a mail is looked through.
constexpr std::size_t kWindow = 65536;
constexpr std::size_t kFields = 200;

/// Fields that mail begins with in practice; other names need more lines that fit.
constexpr std::array<std::string_view, 22> kFirstFields{
    "received",     "return-path",  "delivered-to", "from",           "to",
    "subject",      "date",         "message-id",   "mime-version",   "content-type",
    "reply-to",     "sender",       "cc",           "dkim-signature", "authentication-results",
    "envelope-to",  "resent-from",  "in-reply-to",  "references",     "feedback-type",
    "received-spf", "x-original-to"};

std::string_view field_name(std::string_view line) {
    const std::string_view name = line.substr(0, line.find(':'));
    return name.substr(0, std::min(name.find_first_of(" \t"), name.size()));
}

/// Letters, digits and hyphens, a letter first, as every registered name (RFC 3864).
bool is_plausible_name(std::string_view name) {
    if (name.empty() || name.size() > 76) {
        return false;
    }
    const char first = name.front();
    if (!((first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z'))) {
        return false;
    }
    for (const char c : name) {
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_' || c == '.')) {
            return false;
        }
    }
    return true;
}

bool is_mail_field(std::string_view line) {
    return is_field_line(line) && is_plausible_name(field_name(line));
}

bool is_known_first(std::string_view name) {
    for (const std::string_view known : kFirstFields) {
        if (equals_ignoring_case(name, known)) {
            return true;
        }
    }
    return starts_ignoring_case(name, "x-") || starts_ignoring_case(name, "arc-");
}

/// A first line that no list names, with a second one that fits.
bool begins_like_field(LineWalker lines) {
    const std::string_view first = lines.line();
    if (!is_mail_field(first)) {
        return false;
    }
    if (is_known_first(field_name(first))) {
        return true;
    }
    const std::string_view value = first.substr(first.find(':') + 1);
    if (!value.empty() && value.front() != ' ' && value.front() != '\t') {
        return false;  // a URL, a path, a time
    }
    if (!lines.next()) {
        return false;
    }
    const std::string_view second = lines.line();
    return second.empty() || second.front() == ' ' || second.front() == '\t' ||
           is_mail_field(second);
}

/// Two of the known fields in front of the first empty line, whatever the first line is: one alone
/// stands in prose too.
bool holds_known_fields(std::string_view text) {
    if (text.find_first_of("<{[") == 0) {
        return false;
    }
    std::bitset<kFirstFields.size()> seen;
    for (const RawField& field : scan_header(text, kWindow, kFields).fields) {
        for (std::size_t i = 0; i < kFirstFields.size(); ++i) {
            seen[i] = seen[i] || equals_ignoring_case(field.name, kFirstFields[i]);
        }
    }
    return seen.count() >= 2;
}

}  // namespace

bool looks_like_message(std::string_view bytes) {
    std::string_view text = bytes.substr(0, kWindow);
    if (text.starts_with("\xEF\xBB\xBF")) {
        text.remove_prefix(3);
    }
    text = skip_blank_lines(text);
    LineWalker lines(text);
    if (!lines.next()) {
        return false;
    }
    if (lines.line().starts_with("From ") || lines.line().starts_with(">From ")) {
        return lines.next() && is_mail_field(lines.line());
    }
    return begins_like_field(lines) || holds_known_fields(text);
}

bool has_header_field(std::string_view message) {
    const HeaderBlock block = scan_header(skip_envelope(message), kWindow, kFields);
    return std::any_of(block.fields.begin(), block.fields.end(),
                       [](const RawField& field) { return is_plausible_name(field.name); });
}

std::string_view skip_envelope(std::string_view message) {
    if (message.starts_with("\xEF\xBB\xBF")) {
        message.remove_prefix(3);
    }
    const std::string_view text = skip_blank_lines(message);
    if (text.size() < message.size() && looks_like_message(text)) {
        message = text;
    }
    if (message.starts_with("From ") || message.starts_with(">From ")) {
        LineWalker lines(message);
        if (lines.next()) {
            message.remove_prefix(lines.end());
        }
    }
    return message;
}

}  // namespace dmarcbox::mime
