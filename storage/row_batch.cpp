#include "storage/row_batch.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <deque>
#include <new>
#include <utility>
#include <vector>

namespace dmarcbox::storage {

namespace {

/// One value: SQLITE_NULL, SQLITE_INTEGER, SQLITE_TEXT or SQLITE_BLOB.
struct Cell {
    int type = SQLITE_NULL;
    std::int64_t number = 0;  ///< of bytes, where there are some
    const void* bytes = nullptr;
};

}  // namespace

struct RowBatch::Rows {
    std::size_t columns = 0;
    std::string declaration;       ///< of the table that SQLite sees
    std::vector<Cell> cells;       ///< row after row
    std::deque<std::string> kept;  ///< what cells point at, if nobody else keeps it

    /// What SQLite sees of it: a table whose scan yields the rows once, in their order.
    struct Table {
        sqlite3_vtab base;
        const Rows* rows;
    };
    struct Cursor {
        sqlite3_vtab_cursor base;
        const Rows* rows;
        std::size_t at;  ///< the first cell of the row
    };

    static Cursor& cursor_of(sqlite3_vtab_cursor* cursor) {
        return *reinterpret_cast<Cursor*>(cursor);
    }

    static int connect(sqlite3* database,
                       void* rows,
                       int /*arguments*/,
                       const char* const* /*values*/,
                       sqlite3_vtab** table,
                       char** /*error*/) {
        const auto* self = static_cast<const Rows*>(rows);
        const int code = sqlite3_declare_vtab(database, self->declaration.c_str());
        if (code != SQLITE_OK) {
            return code;
        }
        auto* made = new (std::nothrow) Table{{}, self};
        if (made == nullptr) {
            return SQLITE_NOMEM;
        }
        *table = &made->base;
        return SQLITE_OK;
    }
    static int disconnect(sqlite3_vtab* table) {
        const std::unique_ptr<Table> gone(reinterpret_cast<Table*>(table));
        return SQLITE_OK;
    }
    static int plan(sqlite3_vtab* /*table*/, sqlite3_index_info* /*info*/) { return SQLITE_OK; }
    static int open(sqlite3_vtab* table, sqlite3_vtab_cursor** cursor) {
        auto* made = new (std::nothrow) Cursor{{}, reinterpret_cast<Table*>(table)->rows, 0};
        if (made == nullptr) {
            return SQLITE_NOMEM;
        }
        *cursor = &made->base;
        return SQLITE_OK;
    }
    static int close(sqlite3_vtab_cursor* cursor) {
        const std::unique_ptr<Cursor> gone(&cursor_of(cursor));
        return SQLITE_OK;
    }
    static int rewind(sqlite3_vtab_cursor* cursor,
                      int /*plan*/,
                      const char* /*text*/,
                      int /*arguments*/,
                      sqlite3_value** /*values*/) {
        cursor_of(cursor).at = 0;
        return SQLITE_OK;
    }
    static int next(sqlite3_vtab_cursor* cursor) {
        cursor_of(cursor).at += cursor_of(cursor).rows->columns;
        return SQLITE_OK;
    }
    static int at_end(sqlite3_vtab_cursor* cursor) {
        return cursor_of(cursor).at >= cursor_of(cursor).rows->cells.size() ? 1 : 0;
    }
    static int column(sqlite3_vtab_cursor* cursor, sqlite3_context* result, int index) {
        const Cursor& at = cursor_of(cursor);
        const Cell& cell = at.rows->cells[at.at + static_cast<std::size_t>(index)];
        const auto size = static_cast<sqlite3_uint64>(cell.number);
        switch (cell.type) {
            case SQLITE_INTEGER:
                sqlite3_result_int64(result, cell.number);
                break;
            case SQLITE_TEXT:
                sqlite3_result_text64(result, static_cast<const char*>(cell.bytes), size,
                                      SQLITE_STATIC, SQLITE_UTF8);
                break;
            case SQLITE_BLOB:
                sqlite3_result_blob64(result, cell.bytes, size, SQLITE_STATIC);
                break;
            default:
                sqlite3_result_null(result);
        }
        return SQLITE_OK;
    }
    static int row_id(sqlite3_vtab_cursor* cursor, sqlite3_int64* id) {
        *id = static_cast<sqlite3_int64>(cursor_of(cursor).at);
        return SQLITE_OK;
    }

    static const sqlite3_module& module() {
        static const sqlite3_module kModule = [] {
            sqlite3_module made{};
            made.xConnect = connect;  // without xCreate it is there without CREATE VIRTUAL TABLE
            made.xBestIndex = plan;
            made.xDisconnect = disconnect;
            made.xOpen = open;
            made.xClose = close;
            made.xFilter = rewind;
            made.xNext = next;
            made.xEof = at_end;
            made.xColumn = column;
            made.xRowid = row_id;
            return made;
        }();
        return kModule;
    }
};

RowBatch::RowBatch(Database& database, const Insert& insert)
    : rows_(std::make_unique<Rows>()), database_(database) {
    static std::atomic<std::uint64_t> number{0};
    module_ = "row_batch_" + std::to_string(++number);
    rows_->columns =
        static_cast<std::size_t>(std::count(insert.target.begin(), insert.target.end(), ',')) + 1;
    rows_->declaration = "CREATE TABLE rows (";
    for (std::size_t i = 0; i < rows_->columns; ++i) {
        rows_->declaration += (i == 0 ? "c" : ", c") + std::to_string(i);
    }
    rows_->declaration += ')';
    const int code = sqlite3_create_module_v2(database.handle(), module_.c_str(), &Rows::module(),
                                              rows_.get(), nullptr);
    if (code != SQLITE_OK) {
        throw DatabaseError(code, module_ + ": " + sqlite3_errmsg(database.handle()));
    }
    std::string sql = insert.ignore ? "INSERT OR IGNORE INTO " : "INSERT OR FAIL INTO ";
    sql += insert.target;
    sql += " SELECT * FROM " + module_;
    if (!insert.conflict.empty()) {
        sql += " WHERE true ";  // else ON would begin the condition of a join
        sql += insert.conflict;
    }
    statement_.emplace(database.prepare(sql));
}

RowBatch::~RowBatch() {
    statement_.reset();
    sqlite3_create_module_v2(database_.handle(), module_.c_str(), nullptr, nullptr, nullptr);
}

RowBatch& RowBatch::add(std::int64_t value) {
    rows_->cells.push_back({SQLITE_INTEGER, value, nullptr});
    return *this;
}

RowBatch& RowBatch::add(const std::optional<std::int64_t>& value) {
    return value ? add(*value) : add_null();
}

RowBatch& RowBatch::add(std::string_view text) {
    if (text.empty()) {
        return add_null();
    }
    rows_->cells.push_back({SQLITE_TEXT, static_cast<std::int64_t>(text.size()), text.data()});
    return *this;
}

RowBatch& RowBatch::add_copy(std::string text) {
    return add(std::string_view(rows_->kept.emplace_back(std::move(text))));
}

RowBatch& RowBatch::add_blob_copy(std::span<const std::uint8_t> bytes) {
    const std::string& copy = rows_->kept.emplace_back(bytes.begin(), bytes.end());
    rows_->cells.push_back({SQLITE_BLOB, static_cast<std::int64_t>(copy.size()), copy.data()});
    return *this;
}

RowBatch& RowBatch::add_null() {
    rows_->cells.emplace_back();
    return *this;
}

void RowBatch::write() {
    assert(rows_->cells.size() % rows_->columns == 0);
    if (rows_->cells.empty()) {
        return;
    }
    try {
        statement_->run();
    } catch (...) {
        clear();
        throw;
    }
    clear();
}

void RowBatch::clear() {
    rows_->cells.clear();
    rows_->kept.clear();
}

std::size_t RowBatch::rows() const {
    return rows_->cells.size() / rows_->columns;
}

}  // namespace dmarcbox::storage
