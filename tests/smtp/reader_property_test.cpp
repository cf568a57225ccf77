#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "server/smtp/data_reader.hpp"
#include "server/smtp/limits.hpp"
#include "server/smtp/line_reader.hpp"

using dmarcbox::smtp::DataReader;
using dmarcbox::smtp::kMaxCommandLine;
using dmarcbox::smtp::LineReader;

namespace {

/// Bytes of which those that decide something are as likely as all others together.
std::string stream(std::string_view deciding) {
    const auto byte = rc::gen::oneOf(
        rc::gen::elementOf(std::string(deciding)),
        rc::gen::map(rc::gen::inRange(0, 256), [](int b) { return static_cast<char>(b); }));
    return *rc::gen::container<std::string>(byte);
}

/// The stream cut anywhere, empty pieces too. Copies: what a reader kept a view of is gone.
std::vector<std::string> pieces(std::string_view text) {
    auto cuts = *rc::gen::container<std::vector<std::size_t>>(
        rc::gen::inRange<std::size_t>(0, text.size() + 1));
    std::sort(cuts.begin(), cuts.end());
    cuts.push_back(text.size());
    std::vector<std::string> made;
    std::size_t from = 0;
    for (const auto cut : cuts) {
        made.emplace_back(text.substr(from, cut - from));
        from = cut;
    }
    return made;
}

struct Line {
    LineReader::Status status;
    std::string text;
    bool operator==(const Line&) const = default;
};

/// What a line reader is, in ten lines: the first byte that breaks a rule ends it.
std::vector<Line> reference_lines(std::string_view bytes) {
    using Status = LineReader::Status;
    std::vector<Line> lines;
    std::string line;
    for (const char c : bytes) {
        const bool after_cr = line.ends_with('\r');
        line += c;
        if ((c == '\n') != after_cr) {
            lines.push_back({Status::bare_newline, line});
            return lines;
        }
        if (c == '\n') {
            lines.push_back({Status::line, line.substr(0, line.size() - 2)});
            line.clear();
        } else if ((static_cast<unsigned char>(c) < ' ' && c != '\r') || c == 0x7f) {
            lines.push_back({Status::control_character, line});
            return lines;
        } else if (line.size() >= kMaxCommandLine) {
            lines.push_back({Status::too_long, line});
            return lines;
        }
    }
    return lines;
}

std::vector<Line> read_lines(const std::vector<std::string>& sent) {
    LineReader reader;
    std::vector<Line> lines;
    for (const auto& piece : sent) {
        std::string_view input = piece;
        while (!input.empty()) {
            const auto status = reader.read(input);
            if (status == LineReader::Status::incomplete) {
                RC_ASSERT(input.empty());
                continue;
            }
            lines.push_back({status, std::string(reader.line())});
            if (status != LineReader::Status::line) {
                return lines;
            }
            reader.release();
        }
    }
    return lines;
}

struct Data {
    std::string message;
    std::string rest;
    bool bare_newline = false;
    bool operator==(const Data&) const = default;
};

/// RFC 5321 section 4.5.2 on the whole text, which holds an end of data.
Data reference_data(std::string_view bytes) {
    const std::string text = "\r\n" + std::string(bytes);  // DATA begins at a line's start
    const auto end = text.find("\r\n.\r\n");
    Data data{{}, text.substr(end + 5), false};
    for (std::size_t i = 2; i < end + 2; ++i) {
        const bool at_line_start = text[i - 1] == '\n' && text[i - 2] == '\r';
        data.message += at_line_start && text[i] == '.' ? "" : std::string(1, text[i]);
        data.bare_newline |= text[i] == '\n' && text[i - 1] != '\r';
        data.bare_newline |= text[i] == '\r' && text[i + 1] != '\n';
    }
    return data;
}

Data read_data(const std::vector<std::string>& sent) {
    DataReader reader;
    Data data;
    for (const auto& piece : sent) {
        std::string_view input = piece;
        while (!input.empty() && !reader.done()) {
            data.message += reader.read(input);
        }
        data.rest += input;
    }
    RC_ASSERT(reader.done());
    data.bare_newline = reader.saw_bare_newline();
    return data;
}

}  // namespace

TEST_CASE("line reader agrees with a reader of ten lines however the stream is cut") {
    CHECK(rc::check([] {
        // Lines of ordinary text between the odd bytes, some as long as a line may be.
        std::string sent;
        const int lines = *rc::gen::inRange(0, 5);
        for (int i = 0; i < lines; ++i) {
            const auto size =
                *rc::gen::oneOf(rc::gen::inRange<std::size_t>(0, 40),
                                rc::gen::inRange(kMaxCommandLine - 4, kMaxCommandLine + 2));
            sent += std::string(size, 'a') + *rc::gen::weightedElement<std::string>(
                                                 {{8, "\r\n"}, {1, "\n"}, {1, "\r"}, {1, ""}});
        }
        sent += stream("\r\n\r\n\t\x7f abc");
        RC_ASSERT(read_lines(pieces(sent)) == reference_lines(sent));
    }));
}

TEST_CASE("data reader agrees with a reader of ten lines however the stream is cut") {
    CHECK(rc::check([] {
        const std::string sent = stream("..\r\n\r\n") + "\r\n.\r\n" + stream(".\r\n");
        RC_ASSERT(read_data(pieces(sent)) == reference_data(sent));
    }));
}

TEST_CASE("any message with CRLF at its end survives dot-stuffing") {
    CHECK(rc::check([] {
        const std::string message = stream("..\r\n\r\n") + "\r\n";
        std::string sent;
        for (std::size_t i = 0; i < message.size(); ++i) {
            const bool line_start = i == 0 || (i >= 2 && message.compare(i - 2, 2, "\r\n") == 0);
            sent += line_start && message[i] == '.' ? ".." : std::string(1, message[i]);
        }
        const Data data = read_data(pieces(sent + ".\r\n"));
        RC_ASSERT(data.message == message);
        RC_ASSERT(data.rest.empty());
    }));
}
