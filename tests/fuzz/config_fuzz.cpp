#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "server/config.hpp"

namespace {

/// A file in memory that is left when the process ends.
class MemoryFile {
  public:
    MemoryFile() : descriptor_(memfd_create("config.toml", 0)) {}
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;
    ~MemoryFile() { close(descriptor_); }

    [[nodiscard]] std::string path() const {
        return "/proc/self/fd/" + std::to_string(descriptor_);
    }
    void write(std::string_view text) const {
        if (ftruncate(descriptor_, 0) != 0 ||
            pwrite(descriptor_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
            std::abort();
        }
    }

  private:
    int descriptor_;
};

/// Without the comments, which name where a value came from.
std::string values(const dmarcbox::Config& config) {
    const std::string text = dmarcbox::to_toml(config);
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        std::string_view line(text.data() + at, end - at);
        line = line.substr(0, line.rfind(" # "));
        out += line.substr(0, line.find_last_not_of(' ') + 1);
        out += '\n';
        at = end + 1;
    }
    return out;
}

}  // namespace

/// A file is refused with ConfigError, or its values printed and read again are the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const MemoryFile file;
    file.write({reinterpret_cast<const char*>(data), size});
    std::string first;
    try {
        const auto config = dmarcbox::load_config(file.path(), {});
        first = dmarcbox::to_toml(config);
        file.write(first);
        if (values(config) != values(dmarcbox::load_config(file.path(), {}))) {
            std::abort();
        }
    } catch (const dmarcbox::ConfigError& error) {
        if (!first.empty() || std::string_view(error.what()).find('\n') != std::string_view::npos) {
            std::abort();  // what was printed is refused, or the error takes several lines
        }
    }
    return 0;
}
