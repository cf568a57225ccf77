#include <array>

#include "mime/header_block.hpp"
#include "mime/lines.hpp"
#include "mime/unpack.hpp"

namespace dmarcbox::mime {

namespace {

/// Fields that mail begins with in practice; other names need a second line that fits.
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

}  // namespace

bool looks_like_message(std::string_view bytes) {
    std::string_view text = bytes.substr(0, 65536);
    if (text.starts_with("\xEF\xBB\xBF")) {
        text.remove_prefix(3);
    }
    text.remove_prefix(std::min(text.find_first_not_of("\r\n"), text.size()));
    LineWalker lines(text);
    if (!lines.next()) {
        return false;
    }
    if (lines.line().starts_with("From ") || lines.line().starts_with(">From ")) {
        return lines.next() && is_mail_field(lines.line());
    }
    const std::string_view first = lines.line();
    if (!is_mail_field(first)) {
        return false;
    }
    const std::string_view name = field_name(first);
    if (is_known_first(name)) {
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

}  // namespace dmarcbox::mime
