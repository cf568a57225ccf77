#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace dmarcbox::storage {

/// What SQLite said, with its extended code. `what()` names the file or the statement, for one line
/// to a person.
class DatabaseError : public std::runtime_error {
  public:
    DatabaseError(int code, const std::string& what);
    [[nodiscard]] int code() const { return code_; }  ///< extended result code
    [[nodiscard]] bool busy() const;                  ///< SQLITE_BUSY or SQLITE_LOCKED
    [[nodiscard]] bool full() const;  ///< SQLITE_FULL, or an I/O error for want of space

  private:
    int code_;
};

/// A prepared statement. Bind, step, read columns; `reset()` before using it again. Not
/// thread-safe. Text columns are views valid until the next step or reset.
class Statement {
  public:
    explicit Statement(sqlite3_stmt* statement);
    Statement(const Statement&) = delete;
    Statement(Statement&&) noexcept = default;
    Statement& operator=(const Statement&) = delete;
    Statement& operator=(Statement&&) noexcept = default;
    ~Statement() = default;

    Statement& bind(int index, std::int64_t value);
    Statement& bind(int index, const std::optional<std::int64_t>& value);
    /// Empty text binds NULL: absent is NULL, never ''. The bytes must live until the next reset.
    Statement& bind(int index, std::string_view text);
    Statement& bind_blob(int index, std::span<const std::uint8_t> bytes);
    Statement& bind_null(int index);

    [[nodiscard]] bool step();  ///< true: a row; false: done. Throws DatabaseError.
    void run();                 ///< step to the end and reset
    void reset();

    [[nodiscard]] bool is_null(int column) const;
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] double real(int column) const;
    [[nodiscard]] std::string_view text(int column) const;  ///< empty for NULL
    [[nodiscard]] std::span<const std::uint8_t> blob(int column) const;
    [[nodiscard]] int columns() const;
    [[nodiscard]] std::string_view column_name(int column) const;

  private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const noexcept;
    };
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

struct CloseDatabase {
    bool leave_log = false;  ///< so that the file alone remains, unless another process has it open
    void operator()(sqlite3* database) const noexcept;
};

/// A connection. One thread at a time.
class Database {
  public:
    enum class Mode {
        read_write,  ///< creates the file (mode 0640 less umask) and migrates it; takes no serve
                     ///< lock. The last process to close it leaves one file, without a log, that
                     ///< can be read from read-only media.
        read_only    ///< never writes; refuses what is not a dmarcbox database of a known schema
    };
    /// Throws DatabaseError with a line that names the file and the reason: cannot be opened, not a
    /// database, not ours (application_id), newer than this program (user_version), corrupt header.
    Database(std::filesystem::path path, Mode mode);

    [[nodiscard]] Statement prepare(std::string_view sql);
    void execute(std::string_view sql);  ///< one or more statements without parameters
    [[nodiscard]] std::int64_t last_insert_rowid() const;
    [[nodiscard]] std::int64_t changes() const;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] sqlite3* handle() const { return handle_.get(); }

    /// How long a statement waits for a lock of another process. 10 s at first.
    void set_busy_timeout(int milliseconds);
    /// The single integer that `sql` yields; 0 for NULL or no row.
    [[nodiscard]] std::int64_t integer(std::string_view sql);
    [[nodiscard]] bool in_transaction() const;
    /// No more checkpoint in the middle of a commit: the caller looks at wal_pages() instead.
    void keep_log_for_own_checkpoints();
    /// Frames in the write-ahead log after the last commit; 0 before the call above.
    [[nodiscard]] int wal_pages() const;

    enum class Checkpoint { passive, restart, truncate };
    /// True if every frame reached the file (and, but for passive, the log was reset). Waits for
    /// readers at most as long as the busy timeout; passive never waits.
    [[nodiscard]] bool checkpoint(Checkpoint mode);

    /// Copies every page in one read transaction of `from`, which does not keep its writers out.
    static void copy(Database& from, Database& to);
    /// A new empty file, no schema, rollback journal: the target of copy(). Mode is of open(2).
    [[nodiscard]] static Database create_empty(const std::filesystem::path& path, unsigned mode);
    /// Opens without looking at the schema and without migrating: for verify and for tests.
    [[nodiscard]] static Database open_unchecked(const std::filesystem::path& path);

  private:
    explicit Database(std::filesystem::path path) : path_(std::move(path)) {}
    void open(int flags, const char* uri_parameters);
    void open_for_reading();
    void check_ours() const;

    std::filesystem::path path_;
    std::unique_ptr<int> wal_pages_;  ///< written by SQLite's hook, so it must not move
    std::unique_ptr<sqlite3, CloseDatabase> handle_;
};

/// Reads of one moment, beside others who write. Temporary tables that were made meanwhile go with
/// it unless commit() was called.
class ReadTransaction {
  public:
    explicit ReadTransaction(Database& database);
    ReadTransaction(const ReadTransaction&) = delete;
    ReadTransaction& operator=(const ReadTransaction&) = delete;
    ~ReadTransaction();
    void commit();

  private:
    Database& database_;
    bool open_ = true;
};

/// BEGIN IMMEDIATE; rolls back unless commit() was called.
class Transaction {
  public:
    explicit Transaction(Database& database);
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    ~Transaction();
    void commit();

  private:
    Database& database_;
    bool open_ = true;
};

}  // namespace dmarcbox::storage
