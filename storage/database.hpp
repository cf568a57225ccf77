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
    Statement(Statement&&) noexcept = default;
    Statement& operator=(Statement&&) noexcept = default;

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

/// A connection. One thread at a time.
class Database {
  public:
    enum class Mode {
        read_write,  ///< creates the file (mode 0640 less umask) and migrates it; takes no serve
                     ///< lock
        read_only    ///< never writes; refuses what is not a dmarcbox database of a known schema
    };
    /// Throws DatabaseError with a line that names the file and the reason: cannot be opened, not a
    /// database, not ours (application_id), newer than this program (user_version), corrupt header.
    Database(const std::filesystem::path& path, Mode mode);

    [[nodiscard]] Statement prepare(std::string_view sql);
    void execute(std::string_view sql);  ///< one or more statements without parameters
    [[nodiscard]] std::int64_t last_insert_rowid() const;
    [[nodiscard]] std::int64_t changes() const;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] sqlite3* handle() const { return handle_.get(); }

  private:
    struct Close {
        void operator()(sqlite3* database) const noexcept;
    };
    std::filesystem::path path_;
    std::unique_ptr<sqlite3, Close> handle_;
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
