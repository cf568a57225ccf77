#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "schema/embedded_sql.hpp"
#include "storage/database.hpp"

namespace dmarcbox::storage {

/// PRAGMA application_id of our files: the letters DMBX.
constexpr std::int64_t kApplicationId = 0x444D4258;

/// Brings the file to the last of `migrations`, in one transaction, and makes the views again. An
/// existing file is first copied to `<file>.before-schema-<version>`. A file of the last schema
/// gets the views (and triggers) alone, if it has others. Throws DatabaseError: newer than the last
/// migration, not empty and not ours, backup or SQL failed (nothing is changed then).
void migrate(Database& database,
             std::span<const schema::Migration> migrations,
             std::string_view views);

/// The last version that this program knows.
[[nodiscard]] int newest_schema();

}  // namespace dmarcbox::storage
