#pragma once

#include <cstdint>
#include <string_view>

namespace dmarcbox::smtp {

/// Takes the dots out of DATA (RFC 5321 section 4.5.2). Only CRLF.CRLF ends it; a dot is removed
/// after CRLF only; every other byte is handed on as sent. Keeps no bytes.
class DataReader {
  public:
    /// The next stretch of message bytes, possibly empty; takes them from the front of `input`.
    /// Call until `input` is empty or done(). The result points into `input` or to static text.
    [[nodiscard]] std::string_view read(std::string_view& input);
    /// The final dot was read; what is left of `input` is the next command.
    [[nodiscard]] bool done() const { return state_ == State::done; }
    /// A CR without LF or a LF without CR was among the bytes read.
    [[nodiscard]] bool saw_bare_newline() const { return bare_newline_; }

  private:
    /// What the bytes before the next one were.
    enum class State : std::uint8_t { text, cr, line_start, dot, dot_cr, done };

    void take_one(char c);
    [[nodiscard]] std::size_t take_text(std::string_view input);

    State state_ = State::line_start;
    bool bare_newline_ = false;
};

}  // namespace dmarcbox::smtp
