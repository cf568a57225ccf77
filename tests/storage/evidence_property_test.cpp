#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "schema/content_hash.hpp"
#include "schema/evidence.hpp"
#include "storage/stale_evidence.hpp"
#include "storage/verify.hpp"
#include "support.hpp"

using namespace dmarcbox;
using namespace dmarcbox::storage;
using namespace dmarcbox::storage::test;

namespace {

/// A report of one record: our signature, which passes or arrives broken.
struct Seen {
    int day = 0;
    std::string selector;  ///< may be empty where it is broken
    bool passes = false;
    bool foreign = false;  ///< a list's SPF passes beside
};

Seen any_seen() {
    Seen seen;
    seen.day = *rc::gen::inRange(0, 400);
    seen.passes = *rc::gen::arbitrary<bool>();
    seen.selector = *rc::gen::element<std::string>("s1", "S1", "s2", "");
    seen.foreign = *rc::gen::arbitrary<bool>();
    return seen;
}

schema::AggregateReport report_of(const Seen& seen, std::size_t number) {
    auto one = record(seen.passes ? "192.0.2.25" : "203.0.113.40", 1, seen.passes ? "dkim" : "");
    one.dkim_results = {{"example.org", seen.selector, seen.passes ? "pass" : "fail", {}}};
    one.spf_results = {{seen.foreign ? "list.example" : "example.org",
                        "mfrom",
                        seen.foreign ? "pass" : "fail",
                        {}}};
    auto made = report("Reporter", std::to_string(number), {one}, seen.day);
    schema::classify_records(made);
    hash(made);
    return made;
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

/// The rule as schema/evidence.md has it, on all that was ever seen.
std::string expected(const Seen& broken, const std::vector<Seen>& all) {
    const bool passed = std::any_of(all.begin(), all.end(), [&](const Seen& other) {
        return other.passes && std::abs(other.day - broken.day) <= 90 &&
               (other.selector.empty() || broken.selector.empty() ||
                lower(other.selector) == lower(broken.selector));
    });
    return passed ? broken.foreign ? "own-signature-broken+foreign" : "own-signature-broken"
           : broken.foreign ? "own-key-bad"
                            : "nothing";
}

}  // namespace

TEST_CASE("evidence is the same in whatever order reports arrive and whenever it is settled") {
    const TempDir dir;
    int files = 0;
    CHECK(rc::check([&] {
        Store store(dir.file(std::to_string(++files) + ".db"));
        std::vector<Seen> all;
        const int count = *rc::gen::inRange(1, 12);
        for (int i = 0; i < count; ++i) {
            all.push_back(any_seen());
            const auto number = all.size() - 1;
            (void)store.add(message("mail " + std::to_string(number),
                                    {report_of(all.back(), number)}, all.back().day));
            if (*rc::gen::inRange(0, 4) == 0) {
                (void)settle_stale_evidence(store.database, [] { return true; });
            }
        }
        (void)settle_stale_evidence(store.database, [] { return true; });
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (!all[i].passes) {
                RC_ASSERT(rows(store.database,
                               "SELECT r.evidence FROM aggregate_records r JOIN aggregate_reports "
                               "a ON a.id = r.aggregate_report_id WHERE a.report_id = '" +
                                   std::to_string(i) + "'") == expected(all[i], all) + "\n");
            }
        }
        RC_ASSERT(verify(store.database, {}).problems.empty());
    }));
}
