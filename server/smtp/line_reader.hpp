#pragma once

#include <string>
#include <string_view>

namespace dmarcbox::smtp {

/// Cuts a byte stream into command lines. The first byte that breaks a rule ends the reading, so
/// that the result does not depend on how the stream is cut. Keeps at most kMaxCommandLine bytes,
/// and nothing between lines.
class LineReader {
  public:
    enum class Status {
        incomplete,         ///< all input taken, no line yet
        line,               ///< line() is complete
        too_long,           ///< over kMaxCommandLine with CRLF
        bare_newline,       ///< CR without LF or LF without CR
        control_character,  ///< NUL, other C0 or DEL
    };
    /// Precondition: the line read before was released. Takes bytes from the front of `input`, up
    /// to the end of one line.
    [[nodiscard]] Status read(std::string_view& input);
    /// Without CRLF; after a fault, everything up to the byte at fault. Points into the last input
    /// or the buffer, valid until either changes.
    [[nodiscard]] std::string_view line() const { return line_; }

    /// The line is done with; gives its memory back.
    void release();

  private:
    std::string buffer_;
    std::string_view line_;
};

}  // namespace dmarcbox::smtp
