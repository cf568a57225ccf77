#pragma once

#include <span>
#include <string_view>

namespace dmarcbox::schema {

/// The SQL files of schema/sql, compiled in: a program and its schema are one file.
struct Migration {
    int version;  ///< PRAGMA user_version after it
    std::string_view sql;
};

/// In order; versions 1, 2, 3 ... without a gap. The last one is the version of this program.
[[nodiscard]] std::span<const Migration> migrations();

/// Drops and makes every view and trigger again; run after each migration.
[[nodiscard]] std::string_view views_sql();

}  // namespace dmarcbox::schema
