#pragma once

#include <cstdint>
#include <filesystem>
#include <map>

#include "server/log.hpp"
#include "server/metrics.hpp"
#include "server/net/journal.hpp"

namespace dmarcbox {

/// What a starting service has to say of the database it found: a migration's backup, its size, and
/// when mail and reports came last. Make it before the database is opened, tell after.
class ServeHistory {
  public:
    explicit ServeHistory(std::filesystem::path database);
    /// Never throws: a service that has opened its database does not stop over its past.
    void tell(Log& log,
              Metrics& metrics,
              net::Journal& journal,
              std::uint64_t free_disk_bytes) const;

  private:
    using Backups = std::map<std::filesystem::path, std::filesystem::file_time_type>;
    [[nodiscard]] Backups backups() const;
    void read(Log& log,
              Metrics& metrics,
              net::Journal& journal,
              std::uint64_t free_disk_bytes) const;

    std::filesystem::path database_;
    Backups backups_before_;
};

}  // namespace dmarcbox
