#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "server/net/file_descriptor.hpp"

namespace dmarcbox::net {

/// A temporary file without a name: it goes with the process, whatever ends it.
class SpoolFile {
  public:
    /// In `folder`. Invalid (operator bool) if it cannot be made.
    explicit SpoolFile(const std::filesystem::path& folder);

    [[nodiscard]] explicit operator bool() const { return static_cast<bool>(file_); }
    /// False: no space, or the disk is broken.
    [[nodiscard]] bool append(std::string_view bytes);
    [[nodiscard]] std::uint64_t size() const { return size_; }

    struct Mapping {
        std::string_view bytes;
        std::shared_ptr<void> keeper;  ///< unmaps; null if it could not be mapped
    };
    /// Everything written, mapped for reading. The file may be closed afterwards.
    [[nodiscard]] Mapping map() const;

  private:
    FileDescriptor file_;
    std::uint64_t size_ = 0;
};

}  // namespace dmarcbox::net
