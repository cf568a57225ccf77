#pragma once

#include <filesystem>
#include <optional>

namespace dmarcbox::storage {

/// What stands where a command is about to write, symbolic links followed.
struct TargetFile {
    enum class Kind {
        absent,
        file,      ///< a regular file without a SQLite header; may be empty
        database,  ///< begins as SQLite databases do
        other      ///< a folder, a device, a pipe, a socket
    };
    Kind kind = Kind::absent;
    bool ours = false;              ///< a database with our application_id
    bool wal_mode = false;          ///< a database whose header says so
    std::filesystem::path pointee;  ///< the file itself, where links lead to
};

/// Throws DatabaseError if it is there and cannot be read. Not for a file that this process has
/// open as a database: closing it again drops SQLite's locks.
[[nodiscard]] TargetFile look_at_target(const std::filesystem::path& file);

/// The database whose log, shared memory, journal or lock a file of that name is or would be.
[[nodiscard]] std::optional<std::filesystem::path> database_beside(
    const std::filesystem::path& file);

/// The pid of a process that has a lock on the database at this moment, under whatever name it
/// opened it; 0 if it is not known which. In WAL mode: whoever has it open. Not for files that this
/// process has open either.
[[nodiscard]] std::optional<int> holder_of(const std::filesystem::path& database);

}  // namespace dmarcbox::storage
