#include "server/commands/import_mbox.hpp"

#include <cctype>

namespace dmarcbox {
namespace {

constexpr std::string_view kFrom = "From ";
/// Longer lines are no envelope: an address has at most 320 bytes, a date 40.
constexpr std::size_t kMaxLine = 1000;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// `HH:MM`, one or two digits in front.
bool has_time(std::string_view text) {
    for (std::size_t i = 1; i + 2 < text.size(); ++i) {
        if (text[i] == ':' && is_digit(text[i - 1]) && is_digit(text[i + 1]) &&
            is_digit(text[i + 2])) {
            return true;
        }
    }
    return false;
}

std::string_view line_at(std::string_view bytes, std::size_t start) {
    std::string_view line = bytes.substr(start, bytes.find('\n', start) - start);
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    return line;
}

/// Position after the line that starts at `start`.
std::size_t after_line(std::string_view bytes, std::size_t start) {
    const std::size_t end = bytes.find('\n', start);
    return end == std::string_view::npos ? bytes.size() : end + 1;
}

/// True if the line before `start` is empty.
bool after_empty_line(std::string_view bytes, std::size_t start) {
    const std::string_view before = bytes.substr(0, start);
    return before.ends_with("\n\n") || before.ends_with("\n\r\n");
}

}  // namespace

MboxReader::MboxReader(std::string_view bytes) : bytes_(bytes) {
    if (!is_from_line(line_at(bytes_, 0))) {
        position_ = bytes_.size();
    }
}

bool MboxReader::is_from_line(std::string_view line) {
    if (!line.starts_with(kFrom) || line.size() > kMaxLine) {
        return false;
    }
    const std::size_t sender_end = line.find(' ', kFrom.size());
    return sender_end != std::string_view::npos && has_time(line.substr(sender_end));
}

std::optional<std::string_view> MboxReader::next() {
    if (position_ >= bytes_.size()) {
        return std::nullopt;
    }
    const std::size_t start = after_line(bytes_, position_);
    std::size_t end = start;
    for (;;) {
        end = bytes_.find("\nFrom ", end == 0 ? 0 : end - 1);
        if (end == std::string_view::npos) {
            end = bytes_.size();
            break;
        }
        ++end;
        if ((end == start || after_empty_line(bytes_, end)) && is_from_line(line_at(bytes_, end))) {
            break;
        }
        end += kFrom.size();
    }
    position_ = end;
    std::string_view message = bytes_.substr(start, end - start);
    // The empty line in front of the next `From ` line (or the end) is the format's, not the
    // mail's.
    if (message.ends_with("\n\r\n") || message == "\r\n") {
        message.remove_suffix(2);
    } else if (message.ends_with("\n\n") || message == "\n") {
        message.remove_suffix(1);
    }
    return message;
}

}  // namespace dmarcbox
