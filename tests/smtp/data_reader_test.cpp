#include "server/smtp/data_reader.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "tests/support/dialogue.hpp"

using dmarcbox::smtp::DataReader;
using dmarcbox::test::printable;
using namespace std::string_literals;

namespace {

struct Read {
    std::string message;
    std::string rest;  ///< behind the final dot
    bool done = false;
    bool bare_newline = false;
    bool operator==(const Read&) const = default;
};

Read read_data(std::string_view sent, std::size_t chunk) {
    DataReader reader;
    Read result;
    while (!sent.empty() && !reader.done()) {
        const std::string part(sent.substr(0, chunk));
        sent.remove_prefix(part.size());
        std::string_view input = part;
        while (!input.empty() && !reader.done()) {
            result.message += reader.read(input);
        }
        result.rest = input;
    }
    result.rest += sent;
    result.done = reader.done();
    result.bare_newline = reader.saw_bare_newline();
    return result;
}

/// The same in the plainest words: split on CRLF.CRLF, then take out the dots after CRLF.
std::optional<Read> reference(std::string_view sent) {
    const std::string stream = "\r\n" + std::string(sent);  // the CRLF of the DATA command
    const auto end = stream.find("\r\n.\r\n");
    if (end == std::string::npos) {
        return std::nullopt;
    }
    Read result;
    result.done = true;
    result.rest = stream.substr(end + 5);
    std::string text = stream.substr(0, end + 2);
    for (auto at = text.find("\r\n."); at != std::string::npos; at = text.find("\r\n.", at + 2)) {
        text.erase(at + 2, 1);
    }
    result.message = text.substr(2);
    std::string rest = stream.substr(2, end);
    for (auto at = rest.find("\r\n"); at != std::string::npos; at = rest.find("\r\n")) {
        rest.replace(at, 2, "x");
    }
    result.bare_newline = rest.find_first_of("\r\n") != std::string::npos;
    return result;
}

}  // namespace

TEST_CASE("data reader: line endings and dots") {
    struct Row {
        const char* name;
        std::string sent;
        Read expected;
    };
    const auto rows = std::to_array<Row>({
        {"empty message", ".\r\n", {"", "", true, false}},
        {"one blank line", "\r\n.\r\n", {"\r\n", "", true, false}},
        {"one line", "abc\r\n.\r\n", {"abc\r\n", "", true, false}},
        {"rest is the next command", "abc\r\n.\r\nQUIT\r\n", {"abc\r\n", "QUIT\r\n", true, false}},
        {"leading dot is unstuffed", "..abc\r\n.\r\n", {".abc\r\n", "", true, false}},
        {"only the first dot goes", "...\r\n.\r\n", {"..\r\n", "", true, false}},
        {"dot with text", ".a\r\n.\r\n", {"a\r\n", "", true, false}},
        {"dot in the middle stays", "a.b\r\n.\r\n", {"a.b\r\n", "", true, false}},
        {"dot at the end stays", "a.\r\n.\r\n", {"a.\r\n", "", true, false}},
        {"lone LF is kept and ends nothing",
         "abc\n.\ndef\r\n.\r\n",
         {"abc\n.\ndef\r\n", "", true, true}},
        {"LF dot CRLF", "a\n.\r\nb\r\n.\r\n", {"a\n.\r\nb\r\n", "", true, true}},
        {"CRLF dot LF", "a\r\n.\nb\r\n.\r\n", {"a\r\n\nb\r\n", "", true, true}},
        {"CR dot CR", "a\r.\rb\r\n.\r\n", {"a\r.\rb\r\n", "", true, true}},
        {"CR dot CRLF", "a\r.\r\nb\r\n.\r\n", {"a\r.\r\nb\r\n", "", true, true}},
        {"CRLF dot CR", "a\r\n.\rb\r\n.\r\n", {"a\r\n\rb\r\n", "", true, true}},
        {"CRLF dot CR CRLF", "a\r\n.\r\r\nb\r\n.\r\n", {"a\r\n\r\r\nb\r\n", "", true, true}},
        {"CRLF dot CR dot CRLF", "a\r\n.\r.\r\n.\r\n", {"a\r\n\r.\r\n", "", true, true}},
        {"CR CRLF dot CRLF", "a\r\r\n.\r\n", {"a\r\r\n", "", true, true}},
        {"CR CR before LF", "\r\r\n.\r\n", {"\r\r\n", "", true, true}},
        {"LF CR", "a\n\rb\r\n.\r\n", {"a\n\rb\r\n", "", true, true}},
        {"LF at the start", "\n.\r\n\r\n.\r\n", {"\n.\r\n\r\n", "", true, true}},
        {"CRLF LF dot", "a\r\n\n.\r\n\r\n.\r\n", {"a\r\n\n.\r\n\r\n", "", true, true}},
        {"NUL around the dot", "\0.\r\n.\0\r\n.\r\n"s, {"\0.\r\n\0\r\n"s, "", true, false}},
        {"no end", "abc\r\n", {"abc\r\n", "", false, false}},
        {"ends in the dot", "abc\r\n.", {"abc\r\n", "", false, false}},
        {"ends in dot CR", "abc\r\n.\r", {"abc\r\n", "", false, false}},
        {"dot dot at the end is no end", "abc\r\n..\r\n", {"abc\r\n.\r\n", "", false, false}},
        {"nothing", "", {"", "", false, false}},
    });
    for (const auto& row : rows) {
        CAPTURE(row.name);
        for (const std::size_t chunk : {1U, 2U, 3U, 5U, 7U, 1000U}) {
            CAPTURE(chunk);
            const auto got = read_data(row.sent, chunk);
            CHECK(printable(got.message) == printable(row.expected.message));
            CHECK(got == row.expected);
        }
    }
}

TEST_CASE("data reader: random streams give what splitting on CRLF dot CRLF gives") {
    std::mt19937 random(20261123);  // the same streams in every run
    constexpr std::string_view kAlphabet = "\r\r\n\n..ab";
    std::size_t ended = 0;
    for (int round = 0; round < 20000; ++round) {
        std::string sent;
        const auto length = random() % 40;
        for (std::size_t i = 0; i < length; ++i) {
            // Some whole pairs, or the end would hardly ever come.
            sent += random() % 3 == 0 ? std::string("\r\n")
                                      : std::string(1, kAlphabet[random() % kAlphabet.size()]);
        }
        const auto expected = reference(sent);
        const auto got = read_data(sent, 1 + random() % 8);
        REQUIRE_MESSAGE(got.done == expected.has_value(), printable(sent));
        if (expected) {
            ++ended;
            REQUIRE_MESSAGE(got == *expected, printable(sent));
        }
        REQUIRE_MESSAGE(got == read_data(sent, 1000), printable(sent));
    }
    CHECK(ended > 500);
}
