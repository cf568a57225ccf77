#pragma once

#include <memory>
#include <string_view>

#include "server/log_line.hpp"

namespace dmarcbox {

enum class LogLevel { debug, info, warn, error };

/// `debug`, `info`, `warn`, `error`; anything else is info (the configuration checks it).
[[nodiscard]] LogLevel log_level(std::string_view name);
[[nodiscard]] std::string_view to_string(LogLevel level);

/// The service's log: one event per line on a file descriptor, written by a thread of its own. A
/// reader that is stuck never stops a caller: past kMaxQueuedLines the oldest lines are dropped.
/// Thread-safe.
class Log {
  public:
    enum class Format { text, json };
    /// What stands before an event.
    enum class Prefix {
        time,     ///< RFC 3339 with milliseconds, UTC
        priority  ///< `<6>`, for the journal, which has a clock of its own
    };
    struct Options {
        LogLevel level = LogLevel::info;
        Format format = Format::text;
        Prefix prefix = Prefix::time;
        int descriptor = 2;
    };
    /// 8,192 lines are about 4 MiB, and what a busy service says in some seconds.
    static constexpr std::size_t kMaxQueuedLines = 8192;

    explicit Log(Options options);
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;
    /// Writes what is queued; gives up on a reader that takes nothing for a second.
    ~Log();

    void write(LogLevel level, const LogLine& line);
    [[nodiscard]] bool writes(LogLevel level) const;
    void set_level(LogLevel level);
    [[nodiscard]] LogLevel level() const;

    /// priority if the descriptor is the journal (JOURNAL_STREAM of systemd.exec(5)), else time.
    [[nodiscard]] static Prefix prefix_for(int descriptor);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace dmarcbox
