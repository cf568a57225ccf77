#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "server/commands/import_mbox.hpp"

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

/// Where messages start, line by line: after each `From ` line that stands first, or below an empty
/// line or another such line. None if the first line is another.
std::vector<std::size_t> starts(std::string_view text) {
    std::vector<std::size_t> found;
    bool may_start = true;
    for (std::size_t at = 0; at < text.size();) {
        const auto line = line_at(text, at);
        const bool start = may_start && dmarcbox::MboxReader::is_from_line(without_end(line));
        if (start && at + line.size() <= text.size()) {
            found.push_back(at + line.size());
        }
        if (at == 0 && !start) {
            return found;
        }
        may_start = start || line == "\n" || line == "\r\n";
        at += line.size();
    }
    return found;
}

}  // namespace

/// Each message begins where a reader of lines says, they come in order, and none holds bytes of
/// another.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto expected = starts(text);
    dmarcbox::MboxReader reader(text);
    std::size_t number = 0;
    std::size_t end = 0;
    while (const auto message = reader.next()) {
        const auto begin = static_cast<std::size_t>(message->data() - text.data());
        if (begin < end || number >= expected.size() || begin != expected[number] ||
            reader.position() > size) {
            std::abort();
        }
        end = begin + message->size();
        ++number;
    }
    if (number != expected.size()) {
        std::abort();
    }
    return 0;
}
