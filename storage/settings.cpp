#include "storage/settings.hpp"

#include <random>

namespace dmarcbox::storage {

namespace {

constexpr std::string_view kRedactionKey = "redaction_key";
constexpr std::size_t kKeyDigits = 64;

}  // namespace

std::optional<std::string> load_setting(Database& database, std::string_view name) {
    auto statement = database.prepare("SELECT value FROM settings WHERE name = ?1");
    statement.bind(1, name);
    if (!statement.step() || statement.is_null(0)) {
        return std::nullopt;
    }
    return std::string(statement.text(0));
}

void store_setting(Database& database, std::string_view name, std::string_view value) {
    database
        .prepare(
            "INSERT INTO settings (name, value) VALUES (?1, ?2) "
            "ON CONFLICT (name) DO UPDATE SET value = ?2")
        .bind(1, name)
        .bind(2, value)
        .run();
}

std::string redaction_key(Database& database) {
    std::random_device random;
    std::string key;
    while (key.size() < kKeyDigits) {
        key += "0123456789abcdef"[random() % 16];
    }
    // The first of two processes wins, both use its key.
    database.prepare("INSERT OR IGNORE INTO settings (name, value) VALUES (?1, ?2)")
        .bind(1, kRedactionKey)
        .bind(2, key)
        .run();
    return load_setting(database, kRedactionKey).value();
}

}  // namespace dmarcbox::storage
