#include "server/commands/page_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "storage/target_file.hpp"

namespace dmarcbox {
namespace {

using storage::TargetFile;

[[noreturn]] void fail(const std::filesystem::path& file, const std::string& what) {
    throw std::runtime_error(file.string() + ": " + what);
}

[[noreturn]] void fail_with_errno(const std::filesystem::path& file, const char* what) {
    fail(file, std::string(what) + ": " + std::generic_category().message(errno));
}

class Output {
  public:
    Output(std::filesystem::path file, int flags)
        : file_(std::move(file)),
          descriptor_(::open(file_.c_str(), O_WRONLY | O_CLOEXEC | flags, 0666)) {
        if (descriptor_ < 0) {
            fail_with_errno(file_, "cannot be written");
        }
    }
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;
    ~Output() { ::close(descriptor_); }
    void write(std::string_view bytes) const {
        while (!bytes.empty()) {
            const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
            if (written < 0 && errno != EINTR) {
                fail_with_errno(file_, "cannot be written");
            }
            bytes.remove_prefix(written > 0 ? static_cast<std::size_t>(written) : 0);
        }
    }
    [[nodiscard]] int descriptor() const { return descriptor_; }

  private:
    std::filesystem::path file_;
    int descriptor_;
};

/// Mode and, as far as the user may, owner of the page that is replaced.
void copy_rights(const std::filesystem::path& from, int to) {
    struct stat status {};
    if (::stat(from.c_str(), &status) == 0) {
        if (::fchown(to, status.st_uid, status.st_gid) != 0) {
            return;  // the mode was meant for an owner or a group that this one is not
        }
        ::fchmod(to, status.st_mode & 0777U);
    }
}

void replace(const std::filesystem::path& file, std::string_view page) {
    const std::filesystem::path part = file.string() + "." + std::to_string(::getpid()) + ".part";
    try {
        const Output output(part, O_CREAT | O_EXCL);
        output.write(page);
        copy_rights(file, output.descriptor());
        if (::fsync(output.descriptor()) != 0 || ::rename(part.c_str(), file.c_str()) != 0) {
            fail_with_errno(file, "cannot be written");
        }
    } catch (const std::runtime_error&) {
        ::unlink(part.c_str());
        throw;
    }
}

}  // namespace

void write_page_file(const std::filesystem::path& file,
                     const std::filesystem::path& database,
                     std::string_view page) {
    std::error_code missing;
    if (std::filesystem::equivalent(file, database, missing)) {
        fail(file, "is the database; name another FILE for the page");
    }
    if (std::filesystem::is_fifo(file, missing)) {
        Output(file, 0).write(page);
        return;
    }
    const TargetFile target = storage::look_at_target(file);
    for (const auto& name : {file, target.pointee}) {
        if (const auto owner = storage::database_beside(name)) {
            fail(file,
                 "belongs to the database " + owner->string() + "; name another FILE for the page");
        }
    }
    switch (target.kind) {
        case TargetFile::Kind::database:
            fail(file, "is a database; name another FILE for the page");
        case TargetFile::Kind::other:
            fail(file, "is no regular file; name another FILE, or - for standard output");
        case TargetFile::Kind::absent:
        case TargetFile::Kind::file:
            replace(target.pointee, page);
    }
}

bool is_standard_output(const std::filesystem::path& file) {
    struct stat named {};
    struct stat output {};
    return ::stat(file.c_str(), &named) == 0 && ::fstat(STDOUT_FILENO, &output) == 0 &&
           named.st_dev == output.st_dev && named.st_ino == output.st_ino;
}

}  // namespace dmarcbox
