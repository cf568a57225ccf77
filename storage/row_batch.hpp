#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "storage/database.hpp"

namespace dmarcbox::storage {

/// Rows that one statement writes: INSERT ... SELECT from a virtual table over these rows, which
/// takes half of the time of a bound statement per row. Add the values of a row in the order of its
/// columns, as Statement::bind takes them; texts must live until write().
///
/// A failure leaves the rows before it (OR FAIL): the caller rolls back to a savepoint or the
/// transaction. The batch is empty after write(), failed or not. Must not outlive the database.
class RowBatch {
  public:
    /// `target` is a table with its columns, "t (a, b)"; `conflict` is what follows the SELECT,
    /// e.g. "ON CONFLICT (a) DO UPDATE SET b = b + excluded.b", or empty; `ignore` leaves out rows
    /// that break a rule of uniqueness.
    struct Insert {
        std::string_view target;
        std::string_view conflict{};
        bool ignore = false;
    };
    RowBatch(Database& database, const Insert& insert);
    RowBatch(const RowBatch&) = delete;
    RowBatch& operator=(const RowBatch&) = delete;
    ~RowBatch();

    RowBatch& add(std::int64_t value);
    RowBatch& add(const std::optional<std::int64_t>& value);
    RowBatch& add(std::string_view text);  ///< empty is NULL
    RowBatch& add(const std::string& text) { return add(std::string_view(text)); }
    RowBatch& add(const char* text) { return add(std::string_view(text)); }
    RowBatch& add_copy(std::string text);  ///< kept until write()
    RowBatch& add_blob_copy(std::span<const std::uint8_t> bytes);
    RowBatch& add_null();

    void write();  ///< throws DatabaseError; without rows it does nothing
    void clear();
    [[nodiscard]] std::size_t rows() const;

  private:
    struct Rows;
    std::unique_ptr<Rows> rows_;  ///< SQLite points at it
    Database& database_;
    std::string module_;
    std::optional<Statement> statement_;
};

}  // namespace dmarcbox::storage
