#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "limits_for_tests.hpp"
#include "mime/charset.hpp"
#include "mime/header.hpp"
#include "mime/transfer_encoding.hpp"

using namespace dmarcbox::mime;

namespace {

/// Characters of one to four bytes, and those that mean something in a header.
std::vector<std::string> characters() {
    const auto character =
        rc::gen::element<std::string>("a", "Z", "0", " ", "?", "=", "_", "\"", "\\", ";", "%", "'",
                                      "*", "<", ":", ".", "é", "ß", "Ω", "漢", "字", "\u200d", "😀");
    return *rc::gen::container<std::vector<std::string>>(character);
}

std::string join(const std::vector<std::string>& parts) {
    std::string text;
    for (const auto& part : parts) {
        text += part;
    }
    return text;
}

std::string hex(std::string_view mark, char c) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    return std::string(mark) + kDigits[byte >> 4U] + kDigits[byte & 15U];
}

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::string encode_base64(std::string_view bytes) {
    constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        unsigned group = 0;
        for (std::size_t j = 0; j < 3; ++j) {
            group = group << 8U |
                    (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
        }
        for (std::size_t j = 0; j < 4; ++j) {
            text += i + j > bytes.size() ? '=' : kAlphabet[(group >> (18 - 6 * j)) & 63U];
        }
    }
    return text;
}

std::string encode_q(std::string_view bytes) {
    std::string text;
    for (const char c : bytes) {
        text += c == ' ' ? "_" : is_letter_or_digit(c) ? std::string(1, c) : hex("=", c);
    }
    return text;
}

std::string encode_quoted_printable(std::string_view bytes) {
    std::string text;
    std::size_t column = 0;
    for (const char c : bytes) {
        const std::string encoded =
            is_letter_or_digit(c) && *rc::gen::arbitrary<bool>() ? std::string(1, c) : hex("=", c);
        if (column + encoded.size() > 75) {
            text += "=\r\n";
            column = 0;
        }
        text += encoded;
        column += encoded.size();
    }
    return text;
}

/// RFC 2047: words of a few characters, in either encoding, folded between.
std::string encoded_words(const std::vector<std::string>& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
        const auto size = *rc::gen::inRange<std::size_t>(1, 10);
        std::string bytes;
        for (std::size_t end = std::min(i + size, text.size()); i < end; ++i) {
            bytes += text[i];
        }
        out += out.empty() ? "" : *rc::gen::element<std::string>(" ", "\r\n ", "\r\n\t");
        const std::string charset = *rc::gen::element<std::string>("UTF-8", "utf-8");
        out +=
            "=?" + charset +
            (*rc::gen::arbitrary<bool>() ? "?B?" + encode_base64(bytes) : "?Q?" + encode_q(bytes)) +
            "?=";
    }
    return out;
}

std::string trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(' ');
    return first == std::string_view::npos
               ? std::string()
               : std::string(text.substr(first, text.find_last_not_of(' ') + 1 - first));
}

}  // namespace

TEST_CASE("text written as encoded words reads the same") {
    CHECK(rc::check([] {
        const auto text = characters();
        const std::string block = "Subject: " + encoded_words(text) + "\r\nTo: x\r\n\r\nbody";
        const auto header = parse_header(block, kTestLimits);
        RC_ASSERT(header.fields.size() == 2U);
        RC_ASSERT(header.findings.empty());
        RC_ASSERT(header.fields[0].value == trimmed(join(text)));
        RC_ASSERT(header.fields[1].value == "x");
    }));
}

TEST_CASE("a parameter written in pieces and percent signs reads the same") {
    CHECK(rc::check([] {
        const auto text = characters();
        // RFC 2231: name*0*=utf-8''..., name*1*=..., or name*=utf-8''... where one is enough.
        const auto pieces = *rc::gen::inRange<std::size_t>(1, 6);
        const std::size_t each = text.size() / pieces + 1;
        std::string raw = " Attachment; size=3";
        for (std::size_t i = 0, piece = 0; piece == 0 || i < text.size(); ++piece) {
            std::string value = piece == 0 ? "utf-8''" : "";
            for (std::size_t end = std::min(i + each, text.size()); i < end; ++i) {
                for (const char c : text[i]) {
                    value += is_letter_or_digit(c) ? std::string(1, c) : hex("%", c);
                }
            }
            raw += ";\r\n filename*" + (each > text.size() ? "" : std::to_string(piece) + "*") +
                   "=" + value;
        }
        const auto read = parse_parameterized(raw);
        RC_LOG() << raw << '\n';
        RC_ASSERT(read.value == "attachment");
        RC_ASSERT(read.parameter("size") == "3");
        RC_ASSERT(read.parameter("filename") == join(text));
    }));
}

TEST_CASE("a parameter in quotes reads the same") {
    CHECK(rc::check([] {
        const auto text = *rc::gen::container<std::string>(
            rc::gen::elementOf(std::string("aZ09 \"\\;:,<>@.!-_()")));
        std::string quoted;
        for (const char c : text) {
            quoted += c == '"' || c == '\\' ? std::string{'\\', c} : std::string(1, c);
        }
        const auto read =
            parse_parameterized("application/zip; name=\"" + quoted + "\"; charset=x");
        RC_ASSERT(read.value == "application/zip");
        RC_ASSERT(read.parameter("name") == text);
        RC_ASSERT(read.parameter("charset") == "x");
    }));
}

TEST_CASE("bytes in a transfer encoding decode to themselves") {
    CHECK(rc::check([](const std::string& bytes) {
        const std::string base64 = encode_base64(bytes);
        std::string folded;
        for (std::size_t i = 0; i < base64.size(); i += 10) {
            folded += base64.substr(i, 10) + "\r\n";
        }
        const auto decoded = decode_base64(folded);
        RC_ASSERT(decoded.bytes == bytes);
        RC_ASSERT(decoded.foreign + decoded.trailing == 0U);
        RC_ASSERT(!decoded.padding_missing);
        const auto printable = decode_quoted_printable(encode_quoted_printable(bytes));
        RC_ASSERT(printable.bytes == bytes);
        RC_ASSERT(printable.invalid == 0U);
        RC_ASSERT(decode_q(encode_q(bytes)) == bytes);
    }));
}

TEST_CASE("guessed text is UTF-8 and guessing again changes nothing") {
    CHECK(rc::check([](const std::string& bytes) {
        const std::string text = guess_utf8(bytes);
        RC_ASSERT(is_utf8(text));
        RC_ASSERT(guess_utf8(text) == text);
        if (is_utf8(bytes) && bytes.find('\0') == std::string::npos) {
            RC_ASSERT(text == bytes);
        }
    }));
}
