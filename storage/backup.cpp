#include "storage/backup.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <string>
#include <system_error>

#include "storage/target_file.hpp"

namespace dmarcbox::storage {

namespace {

constexpr int kCantOpen = 14;  // SQLITE_CANTOPEN
constexpr int kCorrupt = 11;   // SQLITE_CORRUPT
constexpr int kBusy = 5;       // SQLITE_BUSY

std::string last_error() {
    return std::generic_category().message(errno);
}

[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& reason) {
    throw DatabaseError(kCantOpen, file.string() + ": " + reason);
}

/// A copy takes the place of an older copy, never of anything else.
void require_replaceable(const Database& source, const std::filesystem::path& file) {
    std::error_code missing;
    if (std::filesystem::equivalent(source.path(), file, missing)) {
        refuse(file, "is the database itself; name another FILE");
    }
    const TargetFile target = look_at_target(file);
    for (const auto& name : {file, target.pointee}) {
        if (const auto database = database_beside(name)) {
            refuse(file, "belongs to the database " + database->string() + "; name another FILE");
        }
    }
    // SQLite would take it for the log of the copy, too.
    for (const auto* suffix : {"-wal", "-journal"}) {
        const std::string log = target.pointee.string() + suffix;
        const auto size = std::filesystem::file_size(log, missing);
        if (!missing && size > 0) {
            refuse(file, "is a database in use: " + log +
                             " holds what the file does not; name another FILE");
        }
    }
    switch (target.kind) {
        case TargetFile::Kind::absent:
            return;
        case TargetFile::Kind::other:
            refuse(file, "is no regular file; name a FILE that is none yet, or an older copy");
        case TargetFile::Kind::file:
            if (std::filesystem::file_size(target.pointee, missing) > 0) {
                refuse(file,
                       "is there and no copy of a dmarcbox database; name another FILE or remove "
                       "it first");
            }
            return;
        case TargetFile::Kind::database:
            break;
    }
    if (!target.ours) {
        refuse(file, "is a database of another program; name another FILE");
    }
    if (const auto holder = target.wal_mode ? holder_of(target.pointee) : std::nullopt) {
        refuse(file, "is a database in use" +
                         (*holder > 0 ? " by process " + std::to_string(*holder) : std::string()) +
                         "; name another FILE");
    }
}

/// The unfinished copy, locked so that two backups to one file do not meet. Removed unless renamed.
class Part {
  public:
    explicit Part(const std::filesystem::path& file)
        : path_(file.string() + std::string(kUnfinishedSuffix)) {
        descriptor_ =
            ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);
        if (descriptor_ < 0) {
            throw DatabaseError(kCantOpen, path_.string() + ": cannot be made: " + last_error());
        }
        struct stat status {};
        if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
            ::close(descriptor_);
            throw DatabaseError(kCantOpen, path_.string() + ": is no regular file; remove it");
        }
        if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
            ::close(descriptor_);
            throw DatabaseError(kBusy, path_.string() + ": another backup writes it");
        }
        if (::ftruncate(descriptor_, 0) != 0) {
            const std::string reason = last_error();
            ::close(descriptor_);
            throw DatabaseError(kCantOpen, path_.string() + ": cannot be emptied: " + reason);
        }
    }
    Part(const Part&) = delete;
    Part& operator=(const Part&) = delete;
    ~Part() {
        if (!finished_) {
            ::unlink(path_.c_str());
        }
        ::close(descriptor_);
    }
    void finish(const std::filesystem::path& file) {
        if (::fsync(descriptor_) != 0) {
            throw DatabaseError(kCantOpen, path_.string() + ": cannot be synced: " + last_error());
        }
        if (::rename(path_.c_str(), file.c_str()) != 0) {
            throw DatabaseError(kCantOpen, file.string() + ": cannot be replaced: " + last_error());
        }
        finished_ = true;
        const auto directory = std::filesystem::absolute(file).parent_path();
        const int folder = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const bool synced = folder >= 0 && ::fsync(folder) == 0;
        const std::string reason = synced ? std::string() : last_error();
        if (folder >= 0) {
            ::close(folder);
        }
        if (!synced) {
            throw DatabaseError(kCantOpen, directory.string() + ": cannot be synced: " + reason);
        }
    }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
    int descriptor_ = -1;
    bool finished_ = false;
};

std::map<std::string, std::int64_t> count_rows(Database& database) {
    std::map<std::string, std::int64_t> rows;
    auto tables = database.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
    while (tables.step()) {
        const std::string name(tables.text(0));
        rows[name] = database.integer("SELECT count(*) FROM \"" + name + "\"");
    }
    return rows;
}

/// One moment of the source for the copy and for the counts.
class Snapshot {
  public:
    explicit Snapshot(Database& database) : database_(database) { database_.execute("BEGIN"); }
    /// The moment is that of the first read.
    void take() { (void)database_.integer("SELECT count(*) FROM sqlite_schema"); }
    Snapshot(const Snapshot&) = delete;
    Snapshot& operator=(const Snapshot&) = delete;
    ~Snapshot() {
        try {
            database_.execute("ROLLBACK");
        } catch (const DatabaseError&) {
            return;  // reading ended by itself
        }
    }

  private:
    Database& database_;
};

}  // namespace

BackupResult back_up(Database& database, const std::filesystem::path& file) {
    require_replaceable(database, file);
    Part part(file);
    std::map<std::string, std::int64_t> expected;
    {
        Database copy = Database::open_unchecked(part.path());
        Snapshot snapshot(database);
        snapshot.take();
        Database::copy(database, copy);
        expected = count_rows(database);
        copy.execute("PRAGMA journal_mode = DELETE");
    }
    {
        Database copy = Database::open_unchecked(part.path());
        auto check = copy.prepare("PRAGMA integrity_check(1)");
        if (!check.step() || check.text(0) != "ok") {
            throw DatabaseError(kCorrupt, database.path().string() + ": the copy is corrupt (" +
                                              std::string(check.text(0)) +
                                              "): run `dmarcbox verify`");
        }
        check.reset();
        if (count_rows(copy) != expected) {
            throw DatabaseError(kCorrupt,
                                part.path().string() + ": does not have the rows of the database");
        }
        auto mode = copy.prepare("PRAGMA journal_mode");
        if (!mode.step() || mode.text(0) != "delete") {
            throw DatabaseError(kCorrupt, part.path().string() + ": cannot leave WAL mode");
        }
    }
    BackupResult result;
    result.bytes = std::filesystem::file_size(part.path());
    result.messages = expected["messages"];
    result.records = expected["aggregate_records"];
    // The copy may have taken minutes, enough to start a service there.
    require_replaceable(database, file);
    part.finish(file);
    return result;
}

}  // namespace dmarcbox::storage
