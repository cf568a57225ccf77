#pragma once

#include <filesystem>
#include <vector>

#include "server/log.hpp"
#include "server/metrics.hpp"
#include "server/net/journal.hpp"

namespace dmarcbox {

/// What a starting service has to say of the database it found: a migration's backup, and when mail
/// and reports came last. Make it before the database is opened, tell after.
class ServeHistory {
  public:
    explicit ServeHistory(std::filesystem::path database);
    /// Never throws: a service that has opened its database does not stop over its past.
    void tell(Log& log, Metrics& metrics, net::Journal& journal) const;

  private:
    [[nodiscard]] std::vector<std::filesystem::path> backups() const;
    void read(Metrics& metrics, net::Journal& journal) const;

    std::filesystem::path database_;
    std::vector<std::filesystem::path> backups_before_;
};

}  // namespace dmarcbox
