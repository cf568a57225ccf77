#include "storage/database.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "storage/buffered_log.hpp"
#include "storage/migrate.hpp"

namespace dmarcbox::storage {

namespace {

constexpr int kBusyTimeoutMs = 10000;  // design: transactions of others stay under 100 ms
// A file up to this size is checked whole at start (0.1 s); `dmarcbox verify` checks any size.
constexpr std::uintmax_t kQuickCheckBytes = std::uintmax_t{64} << 20U;
constexpr std::size_t kHeaderBytes = 100;  // https://sqlite.org/fileformat2.html section 1.3

[[noreturn]] void fail(sqlite3* database, int code, const std::string& context) {
    const int last_error = errno;
    std::string reason = database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code);
    int extended = database != nullptr ? sqlite3_extended_errcode(database) : code;
    if ((extended & 0xff) != (code & 0xff)) {
        // The connection knows nothing of it: sqlite3_backup_step() only returns its code.
        extended = code;
        reason = sqlite3_errstr(code);
    }
    if ((extended & 0xff) == SQLITE_IOERR && database != nullptr) {
        // SQLite forgets the cause when the write fails inside COMMIT; nothing failed since.
        const int kept = sqlite3_system_errno(database);
        const int error = kept != 0 ? kept : last_error;
        // A quota and a file size limit are a full disk by another name.
        if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
            extended = SQLITE_FULL;
        }
    }
    throw DatabaseError(extended, context + ": " + reason);
}

std::string first_words(const char* sql) {
    const std::string_view text = sql == nullptr ? "" : sql;
    return std::string(text.substr(0, std::min<std::size_t>(60, text.find('\n'))));
}

[[noreturn]] void fail(sqlite3_stmt* statement, int code) {
    fail(sqlite3_db_handle(statement), code, first_words(sqlite3_sql(statement)));
}

std::uint32_t big_endian(const std::array<char, kHeaderBytes>& header, std::size_t offset) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        value = (value << 8U) | static_cast<unsigned char>(header.at(offset + i));
    }
    return value;
}

int store_wal_pages(void* target, sqlite3* /*database*/, const char* /*name*/, int pages) {
    *static_cast<int*>(target) = pages;
    return SQLITE_OK;
}

// Before the first connection of the process. Undoing a message's SAVEPOINT needs the pages that it
// touched, bounded by the size of a batch: kept in memory, not in a temporary file (three of four
// writes of a commit). Nobody reads the allocator's statistics, which cost a lock per allocation.
bool configure_library() {
    return sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, -1) == SQLITE_OK &&
           sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK;
}

// Never opens a file that is there: closing it again would drop the POSIX locks of every connection
// that this process has on it.
void create_file(const std::filesystem::path& path, unsigned mode, bool may_exist) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (file < 0) {
        if (errno == EEXIST && may_exist) {
            return;
        }
        throw DatabaseError(SQLITE_CANTOPEN, path.string() + ": cannot be opened for writing: " +
                                                 std::generic_category().message(errno));
    }
    ::close(file);
}

// Of the nearest folder above where the file itself cannot be looked at.
std::string owner_of(std::filesystem::path path) {
    struct stat status {};
    while (::stat(path.c_str(), &status) != 0) {
        if (!path.has_relative_path()) {
            return "root";
        }
        path = path.parent_path();
    }
    std::array<char, 1024> buffer{};
    passwd entry{};
    passwd* found = nullptr;
    return ::getpwuid_r(status.st_uid, &entry, buffer.data(), buffer.size(), &found) == 0 &&
                   found != nullptr
               ? found->pw_name
               : std::to_string(status.st_uid);
}

std::string run_as_owner(const std::filesystem::path& path) {
    return "; run this as user " + owner_of(std::filesystem::absolute(path)) + ", who owns it";
}

/// Of a file that SQLite could open for reading only.
std::string why_read_only(const std::filesystem::path& path) {
    struct stat status {};
    const bool others = ::stat(path.c_str(), &status) == 0 && status.st_uid != ::geteuid();
    const bool denied =
        ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0 && errno == EACCES;
    return path.string() + ": is read-only" + (others && denied ? run_as_owner(path) : "");
}

// SQLite says `unable to open database file` whatever the reason is.
void require_readable(const std::filesystem::path& path) {
    if (::faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) != 0 && errno == EACCES) {
        throw DatabaseError(SQLITE_CANTOPEN, path.string() + ": cannot be opened: " +
                                                 std::generic_category().message(EACCES) +
                                                 run_as_owner(path));
    }
}

}  // namespace

DatabaseError::DatabaseError(int code, const std::string& what)
    : std::runtime_error(what), code_(code) {}

bool DatabaseError::busy() const {
    return (code_ & 0xff) == SQLITE_BUSY || (code_ & 0xff) == SQLITE_LOCKED;
}

bool DatabaseError::full() const {
    return (code_ & 0xff) == SQLITE_FULL || code_ == SQLITE_IOERR_SHMSIZE;
}

Statement::Statement(sqlite3_stmt* statement) : statement_(statement) {}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
    sqlite3_finalize(statement);
}

Statement& Statement::bind(int index, std::int64_t value) {
    if (const int code = sqlite3_bind_int64(statement_.get(), index, value); code != SQLITE_OK) {
        fail(statement_.get(), code);
    }
    return *this;
}

Statement& Statement::bind(int index, const std::optional<std::int64_t>& value) {
    return value ? bind(index, *value) : bind_null(index);
}

Statement& Statement::bind(int index, std::string_view text) {
    if (text.empty()) {
        return bind_null(index);
    }
    const int code = sqlite3_bind_text64(statement_.get(), index, text.data(), text.size(),
                                         SQLITE_STATIC, SQLITE_UTF8);
    if (code != SQLITE_OK) {
        fail(statement_.get(), code);
    }
    return *this;
}

Statement& Statement::bind_blob(int index, std::span<const std::uint8_t> bytes) {
    // A null pointer would bind NULL; an empty blob is a value.
    const int code = bytes.empty() ? sqlite3_bind_zeroblob(statement_.get(), index, 0)
                                   : sqlite3_bind_blob64(statement_.get(), index, bytes.data(),
                                                         bytes.size(), SQLITE_STATIC);
    if (code != SQLITE_OK) {
        fail(statement_.get(), code);
    }
    return *this;
}

Statement& Statement::bind_null(int index) {
    if (const int code = sqlite3_bind_null(statement_.get(), index); code != SQLITE_OK) {
        fail(statement_.get(), code);
    }
    return *this;
}

bool Statement::step() {
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) {
        return true;
    }
    if (code == SQLITE_DONE) {
        return false;
    }
    sqlite3* database = sqlite3_db_handle(statement_.get());
    const std::string context = first_words(sqlite3_sql(statement_.get()));
    try {
        fail(database, code, context);
    } catch (const DatabaseError&) {
        sqlite3_reset(statement_.get());  // a failed statement must not keep its locks
        throw;
    }
}

void Statement::run() {
    while (step()) {
    }
    reset();
}

void Statement::reset() {
    sqlite3_reset(statement_.get());
}

bool Statement::is_null(int column) const {
    return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
}

double Statement::real(int column) const {
    return sqlite3_column_double(statement_.get(), column);
}

std::string_view Statement::text(int column) const {
    const void* bytes = sqlite3_column_text(statement_.get(), column);
    if (bytes == nullptr) {
        return {};
    }
    return {static_cast<const char*>(bytes),
            static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::span<const std::uint8_t> Statement::blob(int column) const {
    const void* bytes = sqlite3_column_blob(statement_.get(), column);
    if (bytes == nullptr) {
        return {};
    }
    return {static_cast<const std::uint8_t*>(bytes),
            static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

int Statement::columns() const {
    return sqlite3_column_count(statement_.get());
}

std::string_view Statement::column_name(int column) const {
    const char* name = sqlite3_column_name(statement_.get(), column);
    return name == nullptr ? std::string_view{} : std::string_view{name};
}

void CloseDatabase::operator()(sqlite3* database) const noexcept {
    if (leave_log) {
        sqlite3_busy_timeout(database, 0);
        // Fails if somebody else has the file open: then the log stays, and nothing is lost.
        sqlite3_exec(database, "PRAGMA journal_mode = DELETE", nullptr, nullptr, nullptr);
    }
    sqlite3_close_v2(database);
}

void Database::open(int flags, const char* uri_parameters) {
    sqlite3* raw = nullptr;
    std::string name = path_.string();
    if (*uri_parameters != '\0') {
        std::string escaped;
        for (const char c : std::filesystem::absolute(path_).string()) {
            if (c == '%' || c == '?' || c == '#') {
                constexpr std::string_view kHex = "0123456789ABCDEF";
                const auto byte = static_cast<unsigned char>(c);
                escaped += {'%', kHex[byte >> 4U], kHex[byte & 15U]};
            } else {
                escaped += c;
            }
        }
        name = "file:" + escaped + uri_parameters;
        flags |= SQLITE_OPEN_URI;
    } else if (name.starts_with("file:") || name.starts_with(':') || name.empty()) {
        // Never a memory database or a URI by accident of a name.
        name = "./" + name;
    }
    static const bool configured = configure_library();
    static_cast<void>(configured);
    const int code =
        sqlite3_open_v2(name.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX, buffered_log_vfs());
    handle_.reset(raw);
    if (code != SQLITE_OK) {
        fail(raw, code, path_.string());
    }
    sqlite3_extended_result_codes(raw, 1);
    sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_busy_timeout(raw, kBusyTimeoutMs);
    wal_pages_ = std::make_unique<int>(0);
}

// Looks at the first page before SQLite does, through its file handle, which is open but not read
// yet: a file that is not ours is not even recovered. Our files are made with a rollback journal,
// so that the first page is never in a write-ahead log alone.
void Database::check_ours() const {
    const auto size = std::filesystem::file_size(path_);
    if (size == 0) {
        return;
    }
    sqlite3_file* file = nullptr;
    sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
    std::array<char, kHeaderBytes> header{};
    const int code = file == nullptr || file->pMethods == nullptr
                         ? SQLITE_CANTOPEN
                         : file->pMethods->xRead(file, header.data(), kHeaderBytes, 0);
    if (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ) {
        fail(nullptr, code, path_.string() + ": cannot be read");
    }
    const bool zeros = header == std::array<char, kHeaderBytes>{};
    std::error_code ignored;
    if (zeros && std::filesystem::file_size(path_.string() + "-journal", ignored) > 0 && !ignored) {
        return;  // a crash while the file was made: SQLite rolls it back to an empty file
    }
    if (size < kHeaderBytes || std::memcmp(header.data(), "SQLite format 3", 16) != 0) {
        throw DatabaseError(SQLITE_NOTADB,
                            path_.string() + ": is not an SQLite database; it was not touched");
    }
    // Offset 40, the schema cookie: 0 is a database without any table, as ours is for a moment
    // while it is made.
    if (const auto id = big_endian(header, 68);
        id != kApplicationId && (id != 0 || big_endian(header, 40) != 0)) {
        throw DatabaseError(SQLITE_NOTADB, path_.string() +
                                               ": is a database of another program "
                                               "(application_id " +
                                               std::to_string(id) + "); it was not touched");
    }
    // Size in pages is valid if the change counter is that of the last writer.
    std::uint64_t page = (big_endian(header, 16) >> 16U);
    page = page == 1 ? 65536 : page;
    const bool valid = big_endian(header, 24) == big_endian(header, 92);
    const bool log = std::filesystem::exists(path_.string() + "-wal", ignored) ||
                     std::filesystem::exists(path_.string() + "-journal", ignored);
    if (valid && !log && size < page * big_endian(header, 28)) {
        throw DatabaseError(SQLITE_CORRUPT, path_.string() + ": is cut off: the header tells of " +
                                                std::to_string(page * big_endian(header, 28)) +
                                                " bytes; restore a backup");
    }
}

Database::Database(std::filesystem::path path, Mode mode) : path_(std::move(path)) {
    require_readable(path_);
    if (mode == Mode::read_write) {
        create_file(path_, 0640, true);
    } else if (std::error_code ignored; !std::filesystem::exists(path_, ignored)) {
        throw DatabaseError(SQLITE_CANTOPEN, path_.string() + ": there is no such database");
    }
    if (std::filesystem::is_directory(path_)) {
        throw DatabaseError(SQLITE_CANTOPEN, path_.string() + ": is a directory");
    }
    try {
        if (mode == Mode::read_only) {
            open_for_reading();
            return;
        }
        open(SQLITE_OPEN_READWRITE, "");
        check_ours();
        if (sqlite3_db_readonly(handle_.get(), "main") == 1) {
            throw DatabaseError(SQLITE_READONLY, why_read_only(path_));
        }
        execute("PRAGMA cell_size_check = ON");
        if (const auto size = std::filesystem::file_size(path_);
            size > 0 && size <= kQuickCheckBytes) {
            Statement check = prepare("PRAGMA quick_check(1)");
            if (check.step() && check.text(0) != "ok") {
                throw DatabaseError(SQLITE_CORRUPT, path_.string() + ": is corrupt (" +
                                                        std::string(check.text(0)) +
                                                        "); restore a backup");
            }
        }
        migrate(*this, schema::migrations(), schema::views_sql());
        execute(
            "PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON;"
            "PRAGMA journal_size_limit = 67108864");
        // The log is opened by the first read; until then another process that closes the file
        // could leave WAL mode below us.
        (void)integer("SELECT count(*) FROM sqlite_schema");
        handle_.get_deleter().leave_log = true;
    } catch (const DatabaseError& error) {
        // Nothing of a file that we refuse is moved from its log.
        if (handle_) {
            sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
        }
        const std::string what = error.what();
        const int code = error.code() & 0xff;
        if (what.starts_with(path_.string())) {
            throw;
        }
        std::string hint;
        if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) {
            hint = "; the file is corrupt: restore a backup";
        }
        if (code == SQLITE_CANTOPEN || code == SQLITE_READONLY || code == SQLITE_PERM) {
            hint = "; the file and its directory " +
                   std::filesystem::absolute(path_).parent_path().string() + " must be writable";
        }
        throw DatabaseError(error.code(), path_.string() + ": " + what + hint);
    }
}

void Database::open_for_reading() {
    try {
        open(SQLITE_OPEN_READONLY, "");
        check_ours();
        (void)integer("PRAGMA user_version");
    } catch (const DatabaseError& error) {
        // A file in WAL mode on read-only media: readable if nothing is left in a log.
        std::error_code missing;
        const auto log = std::filesystem::file_size(path_.string() + "-wal", missing);
        const int code = error.code() & 0xff;
        if ((code != SQLITE_CANTOPEN && code != SQLITE_READONLY) || (!missing && log > 0)) {
            throw;
        }
        open(SQLITE_OPEN_READONLY, "?immutable=1");
    }
    const auto version = integer("PRAGMA user_version");
    if (version != newest_schema()) {
        throw DatabaseError(SQLITE_ERROR,
                            path_.string() + ": has schema " + std::to_string(version) +
                                ", this program reads schema " + std::to_string(newest_schema()) +
                                (version < newest_schema()
                                     ? "; the service or `dmarcbox verify --rebuild` migrates it"
                                     : "; install the newer dmarcbox"));
    }
}

Database Database::create_empty(const std::filesystem::path& path, unsigned mode) {
    create_file(path, mode, false);
    Database database(path);
    database.open(SQLITE_OPEN_READWRITE, "");
    return database;
}

Database Database::open_unchecked(const std::filesystem::path& path) {
    Database database(path);
    database.open(SQLITE_OPEN_READWRITE, "");
    return database;
}

Statement Database::prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) {
        fail(handle_.get(), code, first_words(std::string(sql.substr(0, 60)).c_str()));
    }
    return Statement(statement);
}

void Database::execute(std::string_view sql) {
    const std::string text(sql);
    const int code = sqlite3_exec(handle_.get(), text.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) {
        fail(handle_.get(), code, first_words(text.c_str()));
    }
}

std::int64_t Database::last_insert_rowid() const {
    return sqlite3_last_insert_rowid(handle_.get());
}

std::int64_t Database::changes() const {
    return sqlite3_changes64(handle_.get());
}

void Database::set_busy_timeout(int milliseconds) {
    sqlite3_busy_timeout(handle_.get(), milliseconds);
}

std::int64_t Database::integer(std::string_view sql) {
    Statement statement = prepare(sql);
    return statement.step() ? statement.integer(0) : 0;
}

bool Database::in_transaction() const {
    return sqlite3_get_autocommit(handle_.get()) == 0;
}

void Database::keep_log_for_own_checkpoints() {
    sqlite3_wal_hook(handle_.get(), store_wal_pages, wal_pages_.get());
}

int Database::wal_pages() const {
    return *wal_pages_;
}

bool Database::checkpoint(Checkpoint mode) {
    int flag = SQLITE_CHECKPOINT_PASSIVE;
    if (mode == Checkpoint::restart) {
        flag = SQLITE_CHECKPOINT_RESTART;
    } else if (mode == Checkpoint::truncate) {
        flag = SQLITE_CHECKPOINT_TRUNCATE;
    }
    int frames = -1;
    int done = -1;
    const int code = sqlite3_wal_checkpoint_v2(handle_.get(), "main", flag, &frames, &done);
    if ((code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED) {
        return false;
    }
    if (code != SQLITE_OK) {
        fail(handle_.get(), code, path_.string() + ": checkpoint");
    }
    if (frames == done) {
        *wal_pages_ = 0;
        return true;
    }
    return false;
}

void Database::copy(Database& from, Database& to) {
    struct Finish {
        void operator()(sqlite3_backup* backup) const noexcept { sqlite3_backup_finish(backup); }
    };
    const std::unique_ptr<sqlite3_backup, Finish> backup(
        sqlite3_backup_init(to.handle(), "main", from.handle(), "main"));
    if (!backup) {
        fail(to.handle(), sqlite3_errcode(to.handle()), to.path().string());
    }
    if (const int code = sqlite3_backup_step(backup.get(), -1); code != SQLITE_DONE) {
        fail(to.handle(), code == SQLITE_OK ? SQLITE_ERROR : code,
             "copy of " + from.path().string() + " to " + to.path().string());
    }
}

ReadTransaction::ReadTransaction(Database& database) : database_(database) {
    database_.execute("BEGIN");
}

ReadTransaction::~ReadTransaction() {
    if (open_ && database_.in_transaction()) {  // a corrupt file can end it by itself
        sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
    }
}

void ReadTransaction::commit() {
    database_.execute("COMMIT");
    open_ = false;
}

Transaction::Transaction(Database& database) : database_(database) {
    database_.execute("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
    if (open_ && database_.in_transaction()) {
        // The transaction is given up; if even that fails the next BEGIN says so.
        sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
    }
}

void Transaction::commit() {
    database_.execute("COMMIT");
    open_ = false;
}

}  // namespace dmarcbox::storage
