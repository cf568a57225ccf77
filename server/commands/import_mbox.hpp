#pragma once

#include <optional>
#include <string_view>

namespace dmarcbox {

/// Cuts an mbox file (RFC 4155) into messages. A message starts after a line `From ADDRESS DATE` at
/// the beginning or after an empty line, and ends before the empty line in front of the next one.
/// The bytes are given as they are: no `>From ` is undone, since writers disagree on it and
/// signatures and hashes want the bytes. Content-Length is not believed.
class MboxReader {
  public:
    explicit MboxReader(std::string_view bytes);

    /// The next message; nullopt at the end.
    [[nodiscard]] std::optional<std::string_view> next();
    /// Bytes of the file read so far.
    [[nodiscard]] std::size_t position() const { return position_; }

    /// True if the line, without its end, is a `From ` line as mbox has it: a sender and a date
    /// with a time in it, so that a sentence which starts with `From ` ends nothing.
    [[nodiscard]] static bool is_from_line(std::string_view line);

  private:
    std::string_view bytes_;
    std::size_t position_ = 0;  ///< start of a `From ` line, or the end
};

}  // namespace dmarcbox
