#include "server/smtp/line_reader.hpp"

#include <cstddef>

#include "server/smtp/limits.hpp"

namespace dmarcbox::smtp {

void LineReader::release() {
    std::string().swap(buffer_);
    line_ = {};
}

LineReader::Status LineReader::read(std::string_view& input) {
    const auto fault = [&](Status status, std::size_t at) {
        line_ = buffer_.append(input.substr(0, at + 1));
        return status;
    };
    char previous = buffer_.empty() ? '\0' : buffer_.back();
    for (std::size_t i = 0; i < input.size(); ++i) {
        const char c = input[i];
        if ((c == '\n') != (previous == '\r')) {
            return fault(Status::bare_newline, i);
        }
        if (c == '\n') {
            const auto tail = input.substr(0, i + 1);
            input.remove_prefix(i + 1);
            line_ = buffer_.empty() ? tail : std::string_view(buffer_.append(tail));
            line_.remove_suffix(2);
            return Status::line;
        }
        if ((c >= 0 && c < ' ' && c != '\r') || c == 0x7F) {
            return fault(Status::control_character, i);
        }
        if (buffer_.size() + i + 1 >= kMaxCommandLine) {
            return fault(Status::too_long, i);
        }
        previous = c;
    }
    buffer_.append(input);
    input = {};
    return Status::incomplete;
}

}  // namespace dmarcbox::smtp
