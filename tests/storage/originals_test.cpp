#include "storage/originals.hpp"

#include <doctest/doctest.h>

#include <string>

#include "maintenance.hpp"
#include "support.hpp"

using namespace dmarcbox::storage;
using namespace dmarcbox::storage::test;

TEST_CASE("an original comes back as received") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    (void)store.add(compressed("long", {}));
    (void)store.add(compressed("long", {}));  // same bytes: kept with message 1
    (void)store.add(message("short", {}));    // stored plain
    CHECK(load_original(store.database, 1)->bytes == "long" + std::string(1000, '.'));
    CHECK(load_original(store.database, 2)->bytes == "long" + std::string(1000, '.'));
    CHECK(load_original(store.database, 3)->bytes == "short");
    CHECK(load_original(store.database, 9).error().code == OriginalError::Code::no_message);
    store.database.execute("DELETE FROM originals WHERE message_id = 3");
    CHECK(load_original(store.database, 3).error().code == OriginalError::Code::not_kept);
    store.database.execute("UPDATE originals SET content = x'00', size = 5");
    CHECK(load_original(store.database, 1).error().code == OriginalError::Code::corrupt);
    store.database.execute("UPDATE originals SET content = x'0011223344', size = 5");
    CHECK(load_original(store.database, 1).error().code == OriginalError::Code::corrupt);
    store.database.execute("UPDATE originals SET size = 1000000000000");
    CHECK(load_original(store.database, 1).error().code == OriginalError::Code::corrupt);
}
