#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "server/commands/import_mbox.hpp"
#include "tests/fuzz/require.hpp"

namespace {

/// The line at `begin` with its end.
std::string_view line_at(std::string_view text, std::size_t begin) {
    const std::size_t end = text.find('\n', begin);
    return text.substr(begin, end == std::string_view::npos ? end : end + 1 - begin);
}

std::string_view without_end(std::string_view line) {
    line.remove_suffix(line.ends_with('\n') ? 1 : 0);
    line.remove_suffix(line.ends_with('\r') ? 1 : 0);
    return line;
}

bool is_empty(std::string_view line) {
    return line == "\n" || line == "\r\n";
}

/// The messages, line by line: each begins after a `From ` line that stands first, or below an
/// empty line or another such line, and ends before the empty line above the next one or at the
/// end of the text. None if the first line is another.
std::vector<std::string_view> messages_in(std::string_view text) {
    std::vector<std::string_view> found;
    std::size_t begin = 0;
    std::size_t end = 0;  // without an empty line that came last
    bool may_start = true;
    for (std::size_t at = 0; at < text.size();) {
        const auto line = line_at(text, at);
        const bool start = may_start && dmarcbox::MboxReader::is_from_line(without_end(line));
        if (at == 0 && !start) {
            return found;
        }
        if (start && at > 0) {
            found.push_back(text.substr(begin, end - begin));
        }
        const std::size_t next = at + line.size();
        begin = start ? next : begin;
        end = start || !is_empty(line) ? next : std::max(begin, at);
        may_start = start || is_empty(line);
        at = next;
    }
    if (!text.empty()) {
        found.push_back(text.substr(begin, end - begin));
    }
    return found;
}

}  // namespace

/// A reader of lines finds the same messages.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    dmarcbox::MboxReader reader(text);
    for (const auto expected : messages_in(text)) {
        const auto message = reader.next();
        dmarcbox::fuzz::require(message.has_value(), "no message is missing");
        dmarcbox::fuzz::require(*message == expected, "a message is what a reader of lines finds");
        dmarcbox::fuzz::require(reader.position() <= size, "the position is in the file");
    }
    dmarcbox::fuzz::require(!reader.next(), "there is no other message");
    return 0;
}
