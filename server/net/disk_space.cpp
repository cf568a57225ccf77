#include "server/net/disk_space.hpp"

#include <sys/statvfs.h>

#include <utility>

namespace dmarcbox::net {
namespace {

constexpr std::chrono::seconds kAskAgain{1};

}  // namespace

DiskSpace::DiskSpace(std::filesystem::path folder, std::uint64_t min_free_bytes)
    : folder_(folder.empty() ? std::filesystem::path(".") : std::move(folder)),
      min_free_bytes_(min_free_bytes) {}

bool DiskSpace::has_room(std::uint64_t bytes) {
    if (min_free_bytes_ == 0) {
        return true;
    }
    const auto now = std::chrono::steady_clock::now();
    if (asked_at_ == std::chrono::steady_clock::time_point() || now - asked_at_ >= kAskAgain) {
        (void)free_bytes();
        asked_at_ = now;
    }
    return !known_ || (free_ >= min_free_bytes_ && free_ - min_free_bytes_ >= bytes);
}

std::uint64_t DiskSpace::free_bytes() {
    struct statvfs found {};
    known_ = ::statvfs(folder_.c_str(), &found) == 0;
    free_ = known_ ? std::uint64_t{found.f_bavail} * found.f_frsize : 0;
    return free_;
}

}  // namespace dmarcbox::net
