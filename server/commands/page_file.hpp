#pragma once

#include <filesystem>
#include <string_view>

namespace dmarcbox {

/// Puts a page at `file`, which is absent, a page already, or a pipe. A page is replaced whole,
/// with its mode kept; a run that fails leaves the old one. Throws std::runtime_error: cannot be
/// written, or is something that a page must not replace (`database`, any other SQLite database and
/// what belongs to one, a folder, a device).
void write_page_file(const std::filesystem::path& file,
                     const std::filesystem::path& database,
                     std::string_view page);

/// The file that standard output is, by whatever name (/dev/stdout).
[[nodiscard]] bool is_standard_output(const std::filesystem::path& file);

}  // namespace dmarcbox
