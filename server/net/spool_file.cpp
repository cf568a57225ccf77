#include "server/net/spool_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

namespace dmarcbox::net {
namespace {

int open_unnamed(const std::filesystem::path& folder) {
    const int file = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) {
        return file;
    }
    // File systems without O_TMPFILE: NFS, overlayfs of older kernels.
    std::string name = (folder / "dmarcbox-spool-XXXXXX").string();
    const int named = ::mkostemp(name.data(), O_CLOEXEC);
    if (named >= 0) {
        ::unlink(name.c_str());
    }
    return named;
}

}  // namespace

SpoolFile::SpoolFile(const std::filesystem::path& folder)
    : file_(open_unnamed(folder.empty() ? std::filesystem::path(".") : folder)) {}

bool SpoolFile::append(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto written = ::write(file_.get(), bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        size_ += static_cast<std::uint64_t>(written);
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

SpoolFile::Mapping SpoolFile::map() const {
    const auto size = static_cast<std::size_t>(size_);
    void* const address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file_.get(), 0);
    if (address == MAP_FAILED) {
        return {};
    }
    ::madvise(address, size, MADV_SEQUENTIAL);
    return {{static_cast<const char*>(address), size},
            std::shared_ptr<void>(address, [size](void* mapped) { ::munmap(mapped, size); })};
}

}  // namespace dmarcbox::net
