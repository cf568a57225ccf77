#include "fault_vfs.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

namespace dmarcbox::storage::test {

namespace {

using Call = FaultVfs::Call;
using Mode = FaultVfs::Mode;

struct State {
    std::atomic<long> left{0};  // 0: not armed
    std::atomic<long> nth{0};
    std::atomic<Call> call{Call::any};
    std::atomic<Mode> mode{Mode::once};
    std::atomic<bool> fired{false};
    std::atomic<int> write_error{SQLITE_IOERR_WRITE};
};

State& state() {
    static State value;
    return value;
}

/// What a write replaced, until a sync of its file makes it last.
struct Undo {
    sqlite3_file* file;
    sqlite3_int64 at;
    std::vector<char> bytes;  ///< those that were there, fewer at the end of the file
    sqlite3_int64 size;       ///< of the file
};

struct Unsynced {
    std::mutex mutex;
    std::vector<Undo> writes;
};

Unsynced& unsynced() {
    static Unsynced value;
    return value;
}

void remember(sqlite3_file* file, int n, sqlite3_int64 at) {
    Undo undo{file, at, {}, 0};
    file->pMethods->xFileSize(file, &undo.size);
    const auto there = std::clamp<sqlite3_int64>(undo.size - at, 0, n);
    undo.bytes.resize(static_cast<std::size_t>(there));
    if (there > 0) {
        file->pMethods->xRead(file, undo.bytes.data(), static_cast<int>(there), at);
    }
    const std::lock_guard lock(unsynced().mutex);
    unsynced().writes.push_back(std::move(undo));
}

void forget(const sqlite3_file* file) {
    const std::lock_guard lock(unsynced().mutex);
    std::erase_if(unsynced().writes, [file](const Undo& undo) { return undo.file == file; });
}

/// The latest write first.
void cut_power() {
    const std::lock_guard lock(unsynced().mutex);
    auto& writes = unsynced().writes;
    for (auto undo = writes.rbegin(); undo != writes.rend(); ++undo) {
        const auto* methods = undo->file->pMethods;
        methods->xWrite(undo->file, undo->bytes.data(), static_cast<int>(undo->bytes.size()),
                        undo->at);
        methods->xTruncate(undo->file, undo->size);
    }
    writes.clear();
}

/// Whether a call of that kind fails; `first` becomes true for the one that was armed.
bool fails(Call call, bool& first) {
    State& s = state();
    if (s.fired && s.mode != Mode::once) {
        return s.nth > 0;
    }
    if (s.left > 0 && (s.call == Call::any || s.call == call) && --s.left == 0) {
        s.fired = true;
        first = true;
        if (s.mode == Mode::power) {
            cut_power();
        }
        return true;
    }
    return false;
}

bool fails(Call call) {
    bool first = false;
    return fails(call, first);
}

/// Our file in front, the real one behind it in the same allocation.
struct File {
    sqlite3_file base;
    sqlite3_file* real;
};

sqlite3_file* real(sqlite3_file* file) {
    return reinterpret_cast<File*>(file)->real;
}

sqlite3_vfs* unix_vfs() {
    static sqlite3_vfs* vfs = sqlite3_vfs_find("unix");
    return vfs;
}

int close_file(sqlite3_file* f) {
    forget(real(f));  // what is not synced by now is the system's to lose; the files are gone soon
    return real(f)->pMethods->xClose(real(f));
}
int read_file(sqlite3_file* f, void* to, int n, sqlite3_int64 at) {
    return fails(Call::any) ? SQLITE_IOERR_READ : real(f)->pMethods->xRead(real(f), to, n, at);
}
int write_file(sqlite3_file* f, const void* from, int n, sqlite3_int64 at) {
    bool first = false;
    if (!fails(Call::write, first)) {
        if (state().mode == Mode::power && state().nth > 0) {
            remember(real(f), n, at);
        }
        return real(f)->pMethods->xWrite(real(f), from, n, at);
    }
    const bool dead = state().mode == Mode::dies || state().mode == Mode::power;
    if (first || !dead) {
        const int part = static_cast<int>(n * (1 + state().nth % 3) / 4);
        (void)real(f)->pMethods->xWrite(real(f), from, part, at);
    }
    return state().write_error;
}
int truncate_file(sqlite3_file* f, sqlite3_int64 size) {
    return fails(Call::truncate) ? SQLITE_IOERR_TRUNCATE
                                 : real(f)->pMethods->xTruncate(real(f), size);
}
int sync_file(sqlite3_file* f, int flags) {
    if (fails(Call::sync)) {
        return SQLITE_IOERR_FSYNC;
    }
    forget(real(f));
    return real(f)->pMethods->xSync(real(f), flags);
}
int file_size(sqlite3_file* f, sqlite3_int64* size) {
    return real(f)->pMethods->xFileSize(real(f), size);
}
int lock_file(sqlite3_file* f, int level) {
    return real(f)->pMethods->xLock(real(f), level);
}
int unlock_file(sqlite3_file* f, int level) {
    return real(f)->pMethods->xUnlock(real(f), level);
}
int check_lock(sqlite3_file* f, int* out) {
    return real(f)->pMethods->xCheckReservedLock(real(f), out);
}
int control(sqlite3_file* f, int what, void* argument) {
    return real(f)->pMethods->xFileControl(real(f), what, argument);
}
int sector_size(sqlite3_file* f) {
    return real(f)->pMethods->xSectorSize(real(f));
}
int characteristics(sqlite3_file* f) {
    return real(f)->pMethods->xDeviceCharacteristics(real(f));
}
int shm_map(sqlite3_file* f, int page, int size, int extend, void volatile** out) {
    return fails(Call::any) ? SQLITE_IOERR_SHMMAP
                            : real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
}
int shm_lock(sqlite3_file* f, int offset, int n, int flags) {
    return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
}
void shm_barrier(sqlite3_file* f) {
    real(f)->pMethods->xShmBarrier(real(f));
}
int shm_unmap(sqlite3_file* f, int remove) {
    return real(f)->pMethods->xShmUnmap(real(f), remove);
}

const sqlite3_io_methods kMethods{
    2,         close_file,  read_file,  write_file, truncate_file, sync_file,       file_size,
    lock_file, unlock_file, check_lock, control,    sector_size,   characteristics, shm_map,
    shm_lock,  shm_barrier, shm_unmap,  nullptr,    nullptr};

int open_file(sqlite3_vfs* /*vfs*/, const char* name, sqlite3_file* file, int flags, int* out) {
    auto* ours = reinterpret_cast<File*>(file);
    ours->base.pMethods = nullptr;
    ours->real = reinterpret_cast<sqlite3_file*>(ours + 1);
    if (fails(Call::any)) {
        return SQLITE_CANTOPEN;
    }
    const int code = unix_vfs()->xOpen(unix_vfs(), name, ours->real, flags, out);
    if (ours->real->pMethods != nullptr) {
        ours->base.pMethods = &kMethods;
    }
    return code;
}

int delete_file(sqlite3_vfs* /*vfs*/, const char* name, int sync) {
    return fails(Call::any) ? SQLITE_IOERR_DELETE : unix_vfs()->xDelete(unix_vfs(), name, sync);
}

sqlite3_vfs& vfs() {
    static sqlite3_vfs value = [] {
        sqlite3_vfs made = *unix_vfs();
        made.zName = "dmarcbox-fault";
        made.szOsFile = static_cast<int>(sizeof(File)) + unix_vfs()->szOsFile;
        made.pNext = nullptr;
        made.xOpen = open_file;
        made.xDelete = delete_file;
        return made;
    }();
    return value;
}

}  // namespace

FaultVfs::FaultVfs() {
    sqlite3_vfs_register(&vfs(), 1);
}

FaultVfs::~FaultVfs() {
    disarm();
    sqlite3_vfs_unregister(&vfs());
    sqlite3_vfs_register(unix_vfs(), 1);
}

void FaultVfs::arm(long nth, const Fault& fault) {
    state().fired = false;
    state().nth = nth;
    state().call = fault.call;
    state().mode = fault.mode;
    state().write_error = fault.write_error;
    {
        const std::lock_guard lock(unsynced().mutex);
        unsynced().writes.clear();
    }
    state().left = nth;
}

void FaultVfs::disarm() {
    state().left = 0;
    state().nth = 0;
}

bool FaultVfs::fired() const {
    return state().fired;
}

}  // namespace dmarcbox::storage::test
