#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace dmarcbox::test {

/// What a run of the program left: its exit code (-1: ended by a signal) and its two streams.
struct CommandResult {
    int code = -1;
    std::string out;
    std::string err;
};

/// A folder of its own for a test to run `dmarcbox` in; removed with all files when it goes.
class CommandFolder {
  public:
    CommandFolder();
    CommandFolder(const CommandFolder&) = delete;
    CommandFolder& operator=(const CommandFolder&) = delete;
    ~CommandFolder() { std::filesystem::remove_all(path_); }

    /// The path of a file in it.
    [[nodiscard]] std::string operator/(const std::string& name) const {
        return (path_ / name).string();
    }
    void write(const std::string& name, std::string_view text) const;
    /// The file's bytes; empty when there is none.
    [[nodiscard]] std::string read(const std::string& name) const;

    /// Runs `dmarcbox ARGUMENTS` in a shell, in this folder, and waits. Redirections among the
    /// arguments win over those to the result.
    [[nodiscard]] CommandResult run(const std::string& arguments) const;

  private:
    std::filesystem::path path_;
};

/// A message with an aggregate report of one record, whose subject and reporter hide terminal
/// controls.
extern const std::string kReportMail;

/// Whether this is one line of an error as the program writes them.
[[nodiscard]] bool is_one_line(const std::string& text);

}  // namespace dmarcbox::test
