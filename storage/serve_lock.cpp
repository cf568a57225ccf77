#include "storage/serve_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>

#include "storage/database.hpp"

namespace dmarcbox::storage {

namespace {

constexpr int kCantOpen = 14;  // SQLITE_CANTOPEN
constexpr int kBusy = 5;       // SQLITE_BUSY

std::string read_pid(int descriptor) {
    std::array<char, 32> text{};
    const ssize_t got = ::pread(descriptor, text.data(), text.size(), 0);
    std::string pid(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    return pid.substr(0, pid.find_first_not_of("0123456789"));
}

bool same_file(int descriptor, const std::filesystem::path& file) {
    struct stat open_file {};
    struct stat named {};
    return ::fstat(descriptor, &open_file) == 0 && ::stat(file.c_str(), &named) == 0 &&
           open_file.st_ino == named.st_ino && open_file.st_dev == named.st_dev;
}

}  // namespace

ServeLock::ServeLock(const std::filesystem::path& database) : file_(database.string() + ".lock") {
    for (;;) {
        descriptor_ = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
        if (descriptor_ < 0) {
            throw DatabaseError(kCantOpen, file_.string() + ": cannot be made: " +
                                               std::generic_category().message(errno));
        }
        if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
            const std::string pid = read_pid(descriptor_);
            ::close(descriptor_);
            throw DatabaseError(kBusy, database.string() + ": is served by process " +
                                           (pid.empty() ? std::string("(unknown)") : pid) +
                                           " already");
        }
        if (same_file(descriptor_, file_)) {
            break;
        }
        ::close(descriptor_);  // its holder removed it between open and lock
    }
    const std::string pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(descriptor_, 0) != 0 ||
        ::pwrite(descriptor_, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
        const int error = errno;
        ::close(descriptor_);
        throw DatabaseError(kCantOpen, file_.string() + ": cannot be written: " +
                                           std::generic_category().message(error));
    }
}

ServeLock::~ServeLock() {
    ::unlink(file_.c_str());
    ::close(descriptor_);
}

}  // namespace dmarcbox::storage
