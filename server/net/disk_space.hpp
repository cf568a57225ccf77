#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>

namespace dmarcbox::net {

/// Free space of a folder's file system against [storage] min_free_bytes. Asks the system at most
/// once a second. Not thread-safe.
class DiskSpace {
  public:
    DiskSpace(std::filesystem::path folder, std::uint64_t min_free_bytes);

    /// Room for `bytes` more with min_free_bytes left. True if min_free_bytes is 0, and if the
    /// system does not tell.
    [[nodiscard]] bool has_room(std::uint64_t bytes);
    /// For users without special rights, as df(1) says; asks now.
    [[nodiscard]] std::uint64_t free_bytes();

  private:
    std::filesystem::path folder_;
    std::uint64_t min_free_bytes_;
    std::uint64_t free_ = 0;
    bool known_ = false;
    std::chrono::steady_clock::time_point asked_at_;
};

}  // namespace dmarcbox::net
