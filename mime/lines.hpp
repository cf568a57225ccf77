#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace dmarcbox::mime {

/// Walks text line by line in linear time. A line ends with CRLF, LF, CR, or CR CR LF (a text-mode
/// copy of CRLF text); the last one may end with the text.
class LineWalker {
  public:
    explicit LineWalker(std::string_view text, std::size_t position = 0)
        : text_(text), next_(position) {}

    /// False at the end of the text.
    bool next() {
        if (next_ >= text_.size()) {
            return false;
        }
        start_ = next_;
        if (next_line_feed_ < start_ || !line_feed_known_) {
            next_line_feed_ = text_.find('\n', start_);
            line_feed_known_ = true;
            if (next_line_feed_ == std::string_view::npos) {
                next_line_feed_ = text_.size();
            }
        }
        const std::string_view before = text_.substr(start_, next_line_feed_ - start_);
        const std::size_t carriage_return = before.find('\r');
        if (carriage_return == std::string_view::npos) {
            length_ = before.size();
            next_ = start_ + length_ + (next_line_feed_ < text_.size() ? 1 : 0);
        } else {
            length_ = carriage_return;
            const std::string_view end = text_.substr(start_ + length_);
            next_ = start_ + length_ +
                    (end.starts_with("\r\r\n") ? 3U : (end.starts_with("\r\n") ? 2U : 1U));
        }
        return true;
    }

    /// Without its end.
    [[nodiscard]] std::string_view line() const { return text_.substr(start_, length_); }
    [[nodiscard]] std::size_t start() const { return start_; }
    /// Start of the following line.
    [[nodiscard]] std::size_t end() const { return next_; }

  private:
    std::string_view text_;
    std::size_t next_;
    std::size_t start_ = 0;
    std::size_t length_ = 0;
    std::size_t next_line_feed_ = 0;
    bool line_feed_known_ = false;
};

/// ASCII case-insensitive comparison.
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b);
[[nodiscard]] bool starts_ignoring_case(std::string_view text, std::string_view prefix);
/// ASCII lower case.
[[nodiscard]] std::string to_lower(std::string_view text);
/// From the first line on that holds more than blanks; the end of the text if none does.
[[nodiscard]] std::string_view skip_blank_lines(std::string_view text);
/// Without blanks, tabs, CR and LF at both ends.
[[nodiscard]] std::string_view trim_blanks(std::string_view text);

}  // namespace dmarcbox::mime
