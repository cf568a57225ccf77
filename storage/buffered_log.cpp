#include "storage/buffered_log.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

namespace dmarcbox::storage {

namespace {

// SQLite writes each page of a commit by two calls, of 24 and 8192 bytes, which straddle the pages
// of the file system: 12 us. In one call with its neighbours it takes 4 us. The unix VFS writes
// less than 128 KiB at once.
constexpr std::size_t kLogBufferBytes = 0x1ffff;

/// The open log: this in front, the default VFS's file behind it in the same allocation.
struct LogFile {
    sqlite3_file base;
    std::vector<char> waiting;
    sqlite3_int64 at;  ///< offset of the first byte that waits

    [[nodiscard]] sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
    [[nodiscard]] const sqlite3_io_methods& methods() { return *real()->pMethods; }
    [[nodiscard]] sqlite3_int64 end() const {
        return at + static_cast<sqlite3_int64>(waiting.size());
    }
};

LogFile& log_of(sqlite3_file* file) {
    return *reinterpret_cast<LogFile*>(file);
}

// What could not be written still waits: reading it back must fail, too.
int write_out(LogFile& log) {
    if (log.waiting.empty()) {
        return SQLITE_OK;
    }
    const int code = log.methods().xWrite(log.real(), log.waiting.data(),
                                          static_cast<int>(log.waiting.size()), log.at);
    if (code == SQLITE_OK) {
        log.waiting.clear();
    }
    return code;
}

// What waits belongs to a transaction that was not committed.
int close_log(sqlite3_file* file) {
    LogFile& log = log_of(file);
    const int code = log.methods().xClose(log.real());
    std::destroy_at(&log.waiting);
    return code;
}

int read_log(sqlite3_file* file, void* to, int size, sqlite3_int64 offset) {
    LogFile& log = log_of(file);
    if (offset < log.end() && offset + size > log.at) {
        if (const int code = write_out(log); code != SQLITE_OK) {
            return code;
        }
    }
    return log.methods().xRead(log.real(), to, size, offset);
}

int write_log(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
    LogFile& log = log_of(file);
    const auto* bytes = static_cast<const char*>(from);
    if (offset >= log.at && offset + size <= log.end()) {
        std::copy_n(bytes, size, log.waiting.begin() + (offset - log.at));
        return SQLITE_OK;
    }
    if (offset != log.end() ||
        log.waiting.size() + static_cast<std::size_t>(size) > kLogBufferBytes) {
        if (const int code = write_out(log); code != SQLITE_OK) {
            return code;
        }
        log.at = offset;
    }
    try {
        log.waiting.insert(log.waiting.end(), bytes, bytes + size);
    } catch (const std::bad_alloc&) {
        return SQLITE_IOERR_NOMEM;
    }
    return SQLITE_OK;
}

int truncate_log(sqlite3_file* file, sqlite3_int64 size) {
    LogFile& log = log_of(file);
    const int code = write_out(log);
    return code != SQLITE_OK ? code : log.methods().xTruncate(log.real(), size);
}

int sync_log(sqlite3_file* file, int flags) {
    LogFile& log = log_of(file);
    const int code = write_out(log);
    return code != SQLITE_OK ? code : log.methods().xSync(log.real(), flags);
}

int size_of_log(sqlite3_file* file, sqlite3_int64* size) {
    LogFile& log = log_of(file);
    const int code = log.methods().xFileSize(log.real(), size);
    *size = log.waiting.empty() ? *size : std::max(*size, log.end());
    return code;
}

int lock_log(sqlite3_file* file, int level) {
    return log_of(file).methods().xLock(log_of(file).real(), level);
}

int unlock_log(sqlite3_file* file, int level) {
    return log_of(file).methods().xUnlock(log_of(file).real(), level);
}

int check_lock(sqlite3_file* file, int* result) {
    return log_of(file).methods().xCheckReservedLock(log_of(file).real(), result);
}

int control_log(sqlite3_file* file, int operation, void* argument) {
    return log_of(file).methods().xFileControl(log_of(file).real(), operation, argument);
}

int sector_size(sqlite3_file* file) {
    return log_of(file).methods().xSectorSize(log_of(file).real());
}

int characteristics(sqlite3_file* file) {
    return log_of(file).methods().xDeviceCharacteristics(log_of(file).real());
}

// Version 1: shared memory and mapped pages belong to the database file, never to its log.
const sqlite3_io_methods kMethods{
    1,        close_log,  read_log,   write_log,   truncate_log, sync_log,        size_of_log,
    lock_log, unlock_log, check_lock, control_log, sector_size,  characteristics, nullptr,
    nullptr,  nullptr,    nullptr,    nullptr,     nullptr};

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out) {
    auto* real = static_cast<sqlite3_vfs*>(vfs->pAppData);
    if ((flags & SQLITE_OPEN_WAL) == 0) {
        return real->xOpen(real, name, file, flags, out);
    }
    LogFile& log = log_of(file);
    file->pMethods = nullptr;
    const int code = real->xOpen(real, name, log.real(), flags, out);
    if (log.real()->pMethods == nullptr) {
        return code;
    }
    new (&log.waiting) std::vector<char>();
    log.at = 0;
    file->pMethods = &kMethods;
    return code;
}

}  // namespace

const char* buffered_log_vfs() {
    static std::mutex mutex;
    static sqlite3_vfs vfs{};
    const std::lock_guard lock(mutex);
    sqlite3_vfs* real = sqlite3_vfs_find(nullptr);
    if (vfs.pAppData != real) {
        vfs = *real;
        vfs.zName = "dmarcbox";
        vfs.pNext = nullptr;
        vfs.pAppData = real;
        vfs.szOsFile = static_cast<int>(sizeof(LogFile)) + real->szOsFile;
        vfs.xOpen = open_file;
        sqlite3_vfs_register(&vfs, 0);
    }
    return vfs.zName;
}

}  // namespace dmarcbox::storage
