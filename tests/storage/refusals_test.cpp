#include "storage/refusals.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "maintenance.hpp"
#include "support.hpp"

using namespace dmarcbox::storage;
using namespace dmarcbox::storage::test;

TEST_CASE("refusals are counted by day and reason and domain with a cap") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    const std::array some{Refusal{"unknown_recipient", "example.org", 2},
                          Refusal{"too_large", "", 1}};
    add_refusals(store.database, some, kBegin);
    add_refusals(store.database, some, kBegin + 5);
    add_refusals(store.database, some, kBegin + kDay);
    CHECK(rows(store.database,
               "SELECT day, reason, domain, count FROM refusals ORDER BY day, reason") ==
          "2026-11-21|too_large||2\n2026-11-21|unknown_recipient|example.org|4\n"
          "2026-11-22|too_large||1\n2026-11-22|unknown_recipient|example.org|2\n");
    std::vector<Refusal> attack;
    for (int i = 0; i < 1500; ++i) {
        attack.push_back({"unknown_domain", "d" + std::to_string(i) + ".example", 1});
    }
    add_refusals(store.database, attack, kBegin);
    add_refusals(store.database, attack, kBegin);
    CHECK(rows(store.database,
               "SELECT count(*), sum(count) FROM refusals WHERE day = "
               "'2026-11-21'") == "1001|3006\n");
    CHECK(figures(prune_all(store.database, keep_all(), kBegin + 402 * kDay)) == "0 0 0 0 0 2 ");
}
