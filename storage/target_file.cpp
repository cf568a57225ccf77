#include "storage/target_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>

#include "storage/database.hpp"
#include "storage/migrate.hpp"

namespace dmarcbox::storage {

namespace {

constexpr int kCantOpen = 14;  // SQLITE_CANTOPEN
// https://sqlite.org/fileformat2.html section 1.3
constexpr std::size_t kHeaderBytes = 100;
constexpr std::size_t kWriteVersionAt = 18;
constexpr std::size_t kApplicationIdAt = 68;
// os.h of SQLite: PENDING_BYTE and the 512 bytes that its locks lie in.
constexpr off_t kLocksAt = 0x40000000;
constexpr off_t kLockBytes = 512;

class Descriptor {
  public:
    /// O_NONBLOCK: a pipe without a writer would wait.
    explicit Descriptor(const std::filesystem::path& file)
        : descriptor_(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
        if (descriptor_ < 0) {
            throw DatabaseError(kCantOpen, file.string() + ": cannot be read: " +
                                               std::generic_category().message(errno));
        }
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { ::close(descriptor_); }
    [[nodiscard]] int get() const { return descriptor_; }

  private:
    int descriptor_;
};

}  // namespace

TargetFile look_at_target(const std::filesystem::path& file) {
    TargetFile target;
    std::error_code error;
    const auto status = std::filesystem::status(file, error);
    target.pointee = std::filesystem::weakly_canonical(file, error);
    if (error) {
        target.pointee = file;
    }
    if (!std::filesystem::exists(status)) {
        return target;
    }
    if (!std::filesystem::is_regular_file(status)) {
        target.kind = TargetFile::Kind::other;
        return target;
    }
    const Descriptor descriptor(file);
    std::array<unsigned char, kHeaderBytes> header{};
    const ssize_t got = ::pread(descriptor.get(), header.data(), header.size(), 0);
    constexpr std::string_view kMagic = "SQLite format 3";
    const bool database = got >= static_cast<ssize_t>(kMagic.size()) &&
                          std::memcmp(header.data(), kMagic.data(), kMagic.size()) == 0;
    target.kind = database ? TargetFile::Kind::database : TargetFile::Kind::file;
    if (database) {
        std::uint32_t id = 0;
        for (std::size_t i = 0; i < 4; ++i) {
            id = (id << 8U) | header.at(kApplicationIdAt + i);
        }
        target.ours = id == kApplicationId;
        target.wal_mode = header.at(kWriteVersionAt) == 2;
    }
    return target;
}

std::optional<std::filesystem::path> database_beside(const std::filesystem::path& file) {
    const std::string name = file.string();
    constexpr std::array<std::string_view, 4> kSuffixes{"-wal", "-shm", "-journal", ".lock"};
    for (const auto suffix : kSuffixes) {
        if (!name.ends_with(suffix)) {
            continue;
        }
        std::filesystem::path database = name.substr(0, name.size() - suffix.size());
        if (std::error_code error; std::filesystem::is_regular_file(database, error)) {
            return database;
        }
    }
    return std::nullopt;
}

std::optional<int> holder_of(const std::filesystem::path& database) {
    const Descriptor descriptor(database);
    struct flock range {};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    range.l_start = kLocksAt;
    range.l_len = kLockBytes;
    if (::fcntl(descriptor.get(), F_OFD_GETLK, &range) != 0 || range.l_type == F_UNLCK) {
        return std::nullopt;
    }
    return std::max<int>(range.l_pid, 0);
}

}  // namespace dmarcbox::storage
