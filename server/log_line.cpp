#include "server/log_line.hpp"

#include <algorithm>
#include <charconv>

#include "server/terminal.hpp"

namespace dmarcbox {
namespace {

constexpr std::string_view kPlain =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@/+<>-";

std::string with_backslashes(std::string_view text) {
    std::string out;
    out.reserve(text.size() + 8);
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
        }
        out += c;
    }
    return out;
}

std::string cut(std::string_view text) {
    if (text.size() <= kMaxLogValue) {
        return std::string(text);
    }
    std::size_t end = kMaxLogValue;
    // Bytes 10xxxxxx go on with a character; at most three of them.
    for (int i = 0; i < 3 && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U;
         ++i) {
        --end;
    }
    return std::string(text.substr(0, end)) + "...";
}

std::string decimal_text(double value) {
    std::string out(32, '\0');
    const auto [end, error] =
        std::to_chars(out.data(), out.data() + out.size(), value, std::chars_format::fixed, 2);
    out.resize(error == std::errc{} ? static_cast<std::size_t>(end - out.data()) : 0);
    return out;
}

}  // namespace

LogLine& LogLine::text(std::string_view key, std::string_view value) {
    return value.empty() ? *this : words(key, cut(value));
}

LogLine& LogLine::words(std::string_view key, std::string_view value) {
    if (!value.empty()) {
        values_.emplace_back(key, std::string(value));
    }
    return *this;
}

LogLine& LogLine::number(std::string_view key, std::int64_t value) {
    values_.emplace_back(key, value);
    return *this;
}

LogLine& LogLine::decimal(std::string_view key, double value) {
    values_.emplace_back(key, value);
    return *this;
}

std::string LogLine::as_text() const {
    std::string out = "event=";
    out += event_;
    for (const auto& [key, value] : values_) {
        out.append(" ").append(key).append("=");
        if (const auto* const number = std::get_if<std::int64_t>(&value)) {
            out += std::to_string(*number);
        } else if (const auto* const real = std::get_if<double>(&value)) {
            out += decimal_text(*real);
        } else {
            const auto& text = std::get<std::string>(value);
            if (text.find_first_not_of(kPlain) == std::string::npos) {
                out += text;
            } else {
                out.append("\"").append(escape_for_terminal(with_backslashes(text))).append("\"");
            }
        }
    }
    return out;
}

std::string LogLine::as_json() const {
    std::string out = R"("event":")";
    out.append(event_).append("\"");
    for (const auto& [key, value] : values_) {
        out.append(",\"").append(key).append("\":");
        if (const auto* const number = std::get_if<std::int64_t>(&value)) {
            out += std::to_string(*number);
        } else if (const auto* const real = std::get_if<double>(&value)) {
            out += decimal_text(*real);
        } else {
            // The escapes for terminals first: their backslashes are text for JSON.
            out.append("\"")
                .append(with_backslashes(escape_for_terminal(std::get<std::string>(value))))
                .append("\"");
        }
    }
    return out;
}

}  // namespace dmarcbox
