#include "server/smtp/data_reader.hpp"

#include <cstring>

namespace dmarcbox::smtp {

/// One byte of text after text, a CR or a line's start: tells the state and bare newlines.
void DataReader::take_one(char c) {
    if (c == '\n') {
        bare_newline_ = bare_newline_ || state_ != State::cr;
        state_ = state_ == State::cr ? State::line_start : State::text;
        return;
    }
    bare_newline_ = bare_newline_ || state_ == State::cr;
    state_ = c == '\r' ? State::cr : State::text;
}

/// How many bytes belong to the message before a dot at a line's start or the end of `input`.
/// Lines are skipped as a whole: the cost is two memchr() a line.
std::size_t DataReader::take_text(std::string_view input) {
    std::size_t at = 0;
    while (at < input.size()) {
        if (state_ == State::line_start && input[at] == '.') {
            return at;
        }
        if (state_ != State::cr) {
            const char* const begin = input.data() + at;
            const void* const found = std::memchr(begin, '\n', input.size() - at);
            const char* const newline = static_cast<const char*>(found);
            if (newline != nullptr && newline > begin && newline[-1] == '\r') {
                const auto length = static_cast<std::size_t>(newline - begin);
                bare_newline_ = bare_newline_ || std::memchr(begin, '\r', length - 1) != nullptr;
                state_ = State::line_start;
                at += length + 1;
                continue;
            }
            const char* const stop = newline != nullptr ? newline + 1 : input.data() + input.size();
            const auto length = static_cast<std::size_t>(stop - begin);
            if (length > 1) {
                // No CRLF in this stretch; only its last byte can be a CR that is not bare.
                bare_newline_ = bare_newline_ || std::memchr(begin, '\r', length - 1) != nullptr;
                state_ = State::text;
                at += length - 1;
            }
        }
        take_one(input[at]);
        ++at;
    }
    return at;
}

std::string_view DataReader::read(std::string_view& input) {
    if (state_ == State::dot) {
        if (input.front() != '\r') {
            state_ = State::text;  // the dot was stuffing and is gone
        } else {
            state_ = State::dot_cr;
            input.remove_prefix(1);
        }
        return {};
    }
    if (state_ == State::dot_cr) {
        if (input.front() == '\n') {
            state_ = State::done;
            input.remove_prefix(1);
            return {};
        }
        state_ = State::cr;
        return "\r";  // held back in case the dot was the final one
    }
    const auto length = take_text(input);
    const auto text = input.substr(0, length);
    input.remove_prefix(length);
    if (!input.empty()) {
        state_ = State::dot;
        input.remove_prefix(1);
    }
    return text;
}

}  // namespace dmarcbox::smtp
