#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "storage/database.hpp"

namespace dmarcbox::storage {

/// What the name of a copy ends in until it is whole.
constexpr std::string_view kUnfinishedSuffix = ".part";

struct BackupResult {
    std::uint64_t bytes = 0;
    std::int64_t messages = 0;
    std::int64_t records = 0;
};

/// A consistent copy of a live database at `file`: copied in one read transaction to `<file>.part`,
/// opened again, integrity_check and the number of rows of every table compared with the source of
/// the same moment, journal_mode DELETE (so that it opens from read-only media), synced, then
/// renamed over `file`. Mode 0640 less umask. Interrupted at any point the old `file` stays. Only
/// an older copy or an empty file is replaced: not a database that somebody has open or that has
/// content in a log, not what belongs to a database, not another file, not a device. Throws
/// DatabaseError: what was wrong, `file` untouched.
BackupResult back_up(Database& database, const std::filesystem::path& file);

}  // namespace dmarcbox::storage
