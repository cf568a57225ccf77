#include "server/commands/open_database.hpp"

#include <filesystem>
#include <stdexcept>

namespace dmarcbox {

storage::Database open_database(const Config& config, storage::Database::Mode mode) {
    std::error_code error;
    const bool exists = std::filesystem::exists(config.storage.path, error);
    if (!exists && !error) {  // an error is told by Database
        throw std::runtime_error(config.storage.path.string() +
                                 ": no such file; --db FILE names the database");
    }
    return {config.storage.path, mode};
}

}  // namespace dmarcbox
