#pragma once

#include "server/config.hpp"
#include "storage/database.hpp"

namespace dmarcbox {

/// The database of a command that needs one to be there. Throws DatabaseError, or
/// std::runtime_error with a hint at --db if there is no such file.
[[nodiscard]] storage::Database open_database(const Config& config, storage::Database::Mode mode);

}  // namespace dmarcbox
