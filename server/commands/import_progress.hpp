#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>

#include "server/terminal.hpp"

namespace dmarcbox {

/// How far an import is.
struct ImportCounts {
    std::uint64_t messages = 0;     ///< told by the store
    std::uintmax_t bytes_read = 0;  ///< of files
    std::uintmax_t bytes_all = 0;   ///< of all files; 0 if unknown (standard input)
};

/// `importing  61 %  12,204 messages  1,840/s  ETA 0:04`.
[[nodiscard]] std::string progress_line(const ImportCounts& counts, std::chrono::milliseconds took);

/// A line on standard error that is written over at most 10 times a second, and only if the import
/// takes more than 1 s; without a terminal a line every 60 s.
class ImportProgress {
  public:
    using Clock = std::chrono::steady_clock;

    ImportProgress(std::ostream& err, Terminal terminal);
    void update(const ImportCounts& counts);
    /// Removes the line.
    void finish();

    [[nodiscard]] std::chrono::milliseconds took() const;

  private:
    std::ostream& err_;
    Terminal terminal_;
    Clock::time_point start_;
    Clock::time_point next_;
    bool shown_ = false;
};

}  // namespace dmarcbox
