#include "storage/settings.hpp"

#include <doctest/doctest.h>

#include <string>

#include "support.hpp"

using namespace dmarcbox::storage;
using namespace dmarcbox::storage::test;

TEST_CASE("settings and the key of this database") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    CHECK_FALSE(load_setting(store.database, "check").has_value());
    store_setting(store.database, "check", "1");
    store_setting(store.database, "check", "2");
    CHECK(load_setting(store.database, "check") == "2");
    const std::string key = redaction_key(store.database);
    CHECK(key.size() == 64);
    CHECK(redaction_key(store.database) == key);
}
