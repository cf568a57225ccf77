#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace dmarcbox {

/// Client text in one value of a log line; longer text is cut on a character and ends in `...`.
constexpr std::size_t kMaxLogValue = 128;

/// One event for the log: its name, then keys and values in the order in which they were added.
/// Values may be client text: they are cut and escaped, so that a value never makes a second line,
/// a second key or a terminal's escape sequence. Keys are literals of the program.
class LogLine {
  public:
    explicit LogLine(std::string_view event) : event_(event) {}

    /// Left out when empty.
    LogLine& text(std::string_view key, std::string_view value);
    /// As text(), without the cut: for what the program itself says.
    LogLine& words(std::string_view key, std::string_view value);
    LogLine& number(std::string_view key, std::int64_t value);
    LogLine& decimal(std::string_view key, double value);  ///< two digits after the point

    /// `event=message size=18204 from=a@b reply="250 2.0.0"`. Quotes where a value holds anything
    /// but `[A-Za-z0-9._:@/+<>-]`; `"` and `\` inside get a backslash.
    [[nodiscard]] std::string as_text() const;
    /// `"event":"message","size":18204` without the braces.
    [[nodiscard]] std::string as_json() const;
    [[nodiscard]] std::string_view event() const { return event_; }

  private:
    using Value = std::variant<std::string, std::int64_t, double>;
    std::string_view event_;
    std::vector<std::pair<std::string_view, Value>> values_;
};

}  // namespace dmarcbox
