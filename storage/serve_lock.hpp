#pragma once

#include <filesystem>

namespace dmarcbox::storage {

/// One database has one `serve`: an exclusive lock on `<database>.lock`, which holds the pid and
/// goes when the object does. A crash leaves the file but not the lock. Other commands do not take
/// it.
class ServeLock {
  public:
    /// Throws DatabaseError: `reports.db: is served by process 4711 already`, or why the lock file
    /// cannot be made.
    explicit ServeLock(const std::filesystem::path& database);
    ServeLock(const ServeLock&) = delete;
    ServeLock& operator=(const ServeLock&) = delete;
    ~ServeLock();

  private:
    std::filesystem::path file_;
    int descriptor_ = -1;
};

}  // namespace dmarcbox::storage
