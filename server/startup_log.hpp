#pragma once

#include <chrono>

#include "server/config.hpp"
#include "server/log.hpp"

namespace dmarcbox {

/// What a starting service says of itself, in the order in which a person who helps will ask:
/// `start`, (`migrated`, `database`: ServeHistory), `accept`, `tls`, (`listening`), `ready`.
class StartupLog {
  public:
    /// Writes `start`: before the database is opened, which may take its time.
    StartupLog(Log& log, const Config& config);
    /// Writes `accept`, and `tls` where none is offered.
    void tell(const Config& config) const;
    void ready() const;

  private:
    Log& log_;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

}  // namespace dmarcbox
