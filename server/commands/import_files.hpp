#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace dmarcbox {

/// A file's bytes, mapped or read. Shared by the messages that are cut out of it. A mapped file
/// (above 256 KiB) must not be truncated while it is read.
class FileBytes {
  public:
    using Stopped = std::function<bool()>;

    /// Throws std::system_error. A file that is none (pipe, socket) is read as by the other
    /// constructor.
    explicit FileBytes(const std::filesystem::path& path, const Stopped& stopped = {});
    /// Everything that can be read from the descriptor, spooled to an unlinked file. A signal ends
    /// the wait for more: where `stopped` then holds, std::system_error with EINTR.
    explicit FileBytes(int fd, const Stopped& stopped = {});
    FileBytes(const FileBytes&) = delete;
    FileBytes& operator=(const FileBytes&) = delete;
    ~FileBytes();

    [[nodiscard]] std::string_view view() const { return view_; }
    /// Tells the system that bytes before `end` are not needed any more: an mbox of many GiB must
    /// not fill the memory.
    void forget_before(std::size_t end);

  private:
    void map(int fd, std::size_t size);

    std::string read_;  ///< small files: mapping costs more than reading
    void* mapped_ = nullptr;
    std::size_t mapped_size_ = 0;
    std::size_t forgotten_ = 0;
    std::string_view view_;
};

/// A file that `import` is to read.
struct ImportFile {
    std::filesystem::path path;
    std::uintmax_t size = 0;
    bool named = false;  ///< on the command line: gets a row whatever it holds
};

/// All regular files below the paths, folders walked in the order of names: Maildir's `tmp` left
/// out, symbolic links to folders not followed. Unreadable folders and paths that do not exist go
/// to `failed` as one line each. `-` is kept as a path.
[[nodiscard]] std::vector<ImportFile> list_files(
    const std::vector<std::string>& paths, const std::function<void(const std::string&)>& failed);

/// What a file is, for import.
enum class FileKind {
    message,   ///< mail, report file or archive: one message
    mbox,      ///< starts with a `From ` line
    database,  ///< SQLite
    foreign    ///< none of these
};
[[nodiscard]] FileKind kind_of_file(std::string_view bytes);

}  // namespace dmarcbox
