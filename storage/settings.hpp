#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "storage/database.hpp"

namespace dmarcbox::storage {

/// Values of table settings: what the program remembers between runs.
[[nodiscard]] std::optional<std::string> load_setting(Database& database, std::string_view name);
void store_setting(Database& database, std::string_view name, std::string_view value);

/// The secret of this database for redacted local parts: 64 hexadecimal digits, made at first use.
/// The same local part gives the same token as long as the database lives.
[[nodiscard]] std::string redaction_key(Database& database);

}  // namespace dmarcbox::storage
