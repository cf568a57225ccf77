#include "server/commands/import_files.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "mime/sniff.hpp"
#include "mime/unpack.hpp"
#include "schema/tls_parser.hpp"
#include "server/commands/import_mbox.hpp"

namespace dmarcbox {
namespace {

/// Below it a file is read: a mapping costs two more calls and a page fault for every 4 KiB.
constexpr std::size_t kMapAbove = std::size_t{256} << 10U;
constexpr std::string_view kSqliteMagic{"SQLite format 3\0", 16};
/// A TLS report names its keys near the beginning; what it does not name there is other JSON.
constexpr std::size_t kJsonLook = std::size_t{64} << 10U;

/// Mapped bytes are given back in steps of this.
constexpr std::size_t kForgetStep = std::size_t{64} << 20U;

class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd_ >= 0) {
            close(fd_);
        }
    }
    [[nodiscard]] int get() const { return fd_; }

  private:
    int fd_;
};

[[noreturn]] void throw_errno(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

std::size_t read_some(int fd, char* to, std::size_t size, const FileBytes::Stopped& stopped = {}) {
    for (;;) {
        const ssize_t got = read(fd, to, size);
        if (stopped && stopped()) {
            throw std::system_error(EINTR, std::generic_category());
        }
        if (got >= 0) {
            return static_cast<std::size_t>(got);
        }
        if (errno != EINTR) {
            throw_errno("cannot be read");
        }
    }
}

/// Copies a stream to an unlinked temporary file and returns its descriptor.
int spool(int from, std::size_t& size, const FileBytes::Stopped& stopped) {
    std::string name = std::filesystem::temp_directory_path() / "dmarcbox-import-XXXXXX";
    Descriptor to(mkstemp(name.data()));
    if (to.get() < 0) {
        throw_errno(name);
    }
    unlink(name.c_str());
    std::array<char, 65536> buffer{};
    while (const std::size_t got = read_some(from, buffer.data(), buffer.size(), stopped)) {
        for (std::size_t done = 0; done < got;) {
            const ssize_t written = write(to.get(), buffer.data() + done, got - done);
            if (written < 0 && errno != EINTR) {
                throw_errno("cannot write a temporary file");
            }
            done += written > 0 ? static_cast<std::size_t>(written) : 0;
        }
        size += got;
    }
    return dup(to.get());
}

bool is_maildir(const std::filesystem::path& folder) {
    std::error_code error;
    return std::filesystem::is_directory(folder / "cur", error) &&
           std::filesystem::is_directory(folder / "new", error);
}

class Walk {
  public:
    Walk(std::vector<ImportFile>& files, const std::function<void(const std::string&)>& failed)
        : files_(files), failed_(failed) {}

    void folder(const std::filesystem::path& path) {
        std::error_code error;
        std::vector<std::filesystem::directory_entry> entries;
        std::filesystem::directory_iterator it(path, error);
        while (!error && it != std::filesystem::directory_iterator()) {
            entries.push_back(*it);
            it.increment(error);
        }
        if (error) {
            failed_(path.string() + ": " + error.message());
        }
        std::sort(entries.begin(), entries.end());
        const bool maildir = is_maildir(path);
        for (const auto& entry : entries) {
            if (entry.is_symlink(error) && entry.is_directory(error)) {
                continue;
            }
            if (entry.is_directory(error)) {
                if (!maildir || entry.path().filename() != "tmp") {
                    folder(entry.path());
                }
            } else if (entry.is_regular_file(error)) {
                const std::uintmax_t size = entry.file_size(error);
                files_.push_back({entry.path(), error ? 0 : size, false});
            }
        }
    }

  private:
    std::vector<ImportFile>& files_;
    const std::function<void(const std::string&)>& failed_;
};

}  // namespace

FileBytes::FileBytes(const std::filesystem::path& path, const Stopped& stopped) {
    const Descriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status {};
    if (fd.get() < 0 || fstat(fd.get(), &status) != 0) {
        throw_errno("cannot be read");
    }
    if (!S_ISREG(status.st_mode)) {
        std::size_t size = 0;
        const Descriptor spooled(spool(fd.get(), size, stopped));
        map(spooled.get(), size);
        return;
    }
    const auto size = static_cast<std::size_t>(status.st_size);
    if (size > kMapAbove) {
        map(fd.get(), size);
        return;
    }
    read_.resize(size);
    std::size_t done = 0;
    while (done < size) {
        const std::size_t got = read_some(fd.get(), read_.data() + done, size - done);
        if (got == 0) {
            break;
        }
        done += got;
    }
    read_.resize(done);
    view_ = read_;
}

FileBytes::FileBytes(int fd, const Stopped& stopped) {
    std::size_t size = 0;
    const Descriptor spooled(spool(fd, size, stopped));
    map(spooled.get(), size);
}

void FileBytes::map(int fd, std::size_t size) {
    if (size == 0) {
        return;
    }
    void* mapped = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (mapped == MAP_FAILED) {
        throw_errno("cannot be mapped");
    }
    mapped_ = mapped;
    mapped_size_ = size;
    madvise(mapped_, mapped_size_, MADV_SEQUENTIAL);
    view_ = {static_cast<const char*>(mapped_), mapped_size_};
}

FileBytes::~FileBytes() {
    if (mapped_ != nullptr) {
        munmap(mapped_, mapped_size_);
    }
}

void FileBytes::forget_before(std::size_t end) {
    if (mapped_ == nullptr || end < forgotten_ + kForgetStep) {
        return;
    }
    const std::size_t length = (end - forgotten_) / kForgetStep * kForgetStep;
    madvise(static_cast<char*>(mapped_) + forgotten_, length, MADV_DONTNEED);
    forgotten_ += length;
}

std::vector<ImportFile> list_files(const std::vector<std::string>& paths,
                                   const std::function<void(const std::string&)>& failed) {
    std::vector<ImportFile> files;
    Walk walk(files, failed);
    for (const auto& path : paths) {
        std::error_code error;
        const auto status = std::filesystem::status(path, error);
        if (path == "-") {
            files.push_back({path, 0, true});
        } else if (error || status.type() == std::filesystem::file_type::not_found) {
            failed(path + ": " + (error ? error.message() : "no such file or folder"));
        } else if (std::filesystem::is_directory(status)) {
            walk.folder(path);
        } else {
            const std::uintmax_t size = std::filesystem::file_size(path, error);
            files.push_back({path, error ? 0 : size, true});
        }
    }
    return files;
}

FileKind kind_of_file(std::string_view bytes) {
    if (bytes.starts_with(kSqliteMagic)) {
        return FileKind::database;
    }
    const std::string_view first_line = bytes.substr(0, bytes.find_first_of("\r\n"));
    if (MboxReader::is_from_line(first_line)) {
        return FileKind::mbox;
    }
    switch (mime::sniff(bytes)) {
        case mime::ContentKind::gzip:
        case mime::ContentKind::zip:
        case mime::ContentKind::xml:
            return FileKind::message;
        case mime::ContentKind::json:
            return schema::looks_like_tls(bytes.substr(0, kJsonLook)) ? FileKind::message
                                                                      : FileKind::foreign;
        case mime::ContentKind::html:
        case mime::ContentKind::empty:
        case mime::ContentKind::other:
            break;
    }
    return mime::looks_like_message(bytes) ? FileKind::message : FileKind::foreign;
}

}  // namespace dmarcbox
