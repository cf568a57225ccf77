#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "schema/content_hash.hpp"
#include "storage/rebuild.hpp"
#include "storage/retention.hpp"
#include "storage/verify.hpp"
#include "support.hpp"

using namespace dmarcbox;
using namespace dmarcbox::storage;
using namespace dmarcbox::storage::test;

namespace {

/// What a message holds: a report of an identity, in one of its versions; version 0 is no report.
struct Held {
    int identity = 0;
    int version = 0;
    auto operator<=>(const Held&) const = default;
};

constexpr int kIdentities = 4;

int day_of(int identity) {
    return identity % 3;
}

std::int64_t messages_in(const Held& held) {
    return held.version == 0 ? 0 : 3 * held.version + 100 * held.identity + 1;
}

std::int64_t passed_in(const Held& held) {
    return held.version == 0 ? 0 : 100 * held.identity + 1;
}

schema::AggregateReport aggregate(const Held& held) {
    const std::string domain = "example" + std::to_string(held.identity % 2) + ".org";
    return report(
        "Reporter " + std::to_string(held.identity % 2), std::to_string(held.identity),
        {record("192.0.2." + std::to_string(held.identity), passed_in(held), "dkim", domain),
         record("203.0.113.7", 3 * held.version, "signs-as:esp.example", domain)},
        day_of(held.identity), domain);
}

schema::TlsReport tls(const Held& held) {
    schema::TlsReport made;
    made.org_name = "Reporter";
    made.report_id = std::to_string(held.identity);
    made.begin_at = kBegin;
    made.end_at = kBegin + kDay - 1;
    made.policies.push_back({"sts", "example.org", {}, {}, messages_in(held), 0, {}});
    made.content_sha256 = schema::content_hash(made);
    return made;
}

/// Mails differ in their bytes, so that each is one more, whatever it holds.
Submission mail(int number, const Held& held) {
    auto name = "mail " + std::to_string(number);
    return held.version == 0 ? message(name, {})
                             : message(name, {aggregate(held), tls(held)}, day_of(held.identity));
}

Held some_report() {
    return {*rc::gen::inRange(0, kIdentities), *rc::gen::inRange(1, 4)};
}

void expect_sound(Database& database) {
    {
        Transaction transaction(database);
        for (const auto& line : RebuiltTotals(database, "").differences()) {
            RC_LOG() << line << '\n';
            RC_FAIL("totals are not those of the records");
        }
    }
    for (const auto& line : verify(database, {}).problems) {
        RC_LOG() << line << '\n';
        RC_FAIL("verify finds a fault");
    }
}

/// A file to begin with, made once: creating the tables takes longer than a case.
class Files {
  public:
    Files() { const Database made(dir_.file("empty.db"), Database::Mode::read_write); }
    [[nodiscard]] std::filesystem::path fresh() const {
        for (const char* suffix : {"", "-wal", "-shm"}) {
            std::filesystem::remove(dir_.file("t.db").string() + suffix);
        }
        std::filesystem::copy_file(dir_.file("empty.db"), dir_.file("t.db"));
        return dir_.file("t.db");
    }

  private:
    TempDir dir_;
};

// All that is stored but row ids and what names the mail.
constexpr const char* kTotals =
    "SELECT 'day', * FROM day_totals UNION ALL "
    "SELECT 'reporter', domain, source_ip, org_name, 0, 0, 0, 0, 0 FROM source_reporters "
    "ORDER BY 1, 2, 3, 4";
constexpr const char* kSources = "SELECT * FROM source_totals ORDER BY domain, source_ip";
constexpr const char* kContents =
    "SELECT 'aggregate', report_id, hex(content_sha256), conflict FROM aggregate_reports UNION ALL "
    "SELECT 'tls', report_id, hex(content_sha256), conflict FROM tls_reports ORDER BY 1, 2, 3";

struct Arrived {
    std::string totals;
    std::string contents;
    std::string duplicates;
};

Arrived arrive(const Files& files, const std::vector<Held>& mails, const std::vector<int>& order) {
    Store store(files.fresh());
    for (const int number : order) {
        (void)store.add(mail(number, mails.at(static_cast<std::size_t>(number))));
    }
    // Each identity counts once, and what counts came first.
    std::map<int, Held> first;
    for (const int number : order) {
        const Held& held = mails.at(static_cast<std::size_t>(number));
        first.emplace(held.identity, held);
    }
    const auto sum = std::accumulate(
        first.begin(), first.end(), std::int64_t{0},
        [](std::int64_t total, const auto& entry) { return total + messages_in(entry.second); });
    auto& database = store.database;
    const auto count = [&](const std::string& sql) { return database.integer(sql); };
    RC_ASSERT(count("SELECT ifnull(sum(messages), 0) FROM day_totals") == sum);
    RC_ASSERT(count("SELECT ifnull(sum(messages), 0) FROM source_totals") == sum);
    for (const std::string table : {"aggregate_reports", "tls_reports"}) {
        RC_ASSERT(count("SELECT count(*) FROM (SELECT sum(counted) AS n, min(id) AS first, "
                        "max(counted * id) AS counts FROM " +
                        table + " GROUP BY report_id) WHERE n = 1 AND first = counts") ==
                  static_cast<std::int64_t>(first.size()));
    }
    RC_ASSERT(count("SELECT ifnull(sum(p.success_count), 0) FROM tls_policies p JOIN tls_reports r "
                    "ON r.id = p.tls_report_id WHERE r.counted = 1") == sum);
    expect_sound(database);
    return {rows(database, kTotals) + rows(database, kSources), rows(database, kContents),
            rows(database, "SELECT count(*) FROM messages WHERE outcome = 'duplicate'")};
}

}  // namespace

TEST_CASE("the order in which reports arrive changes nothing but which of a conflict counts") {
    const Files files;
    CHECK(rc::check([&files] {
        const bool conflicts = *rc::gen::arbitrary<bool>();
        std::vector<Held> mails;
        for (int left = *rc::gen::inRange(0, 12); left > 0; --left) {
            mails.push_back(some_report());
            if (!conflicts) {
                mails.back().version = 1;
            }
        }
        std::vector<int> order(mails.size());
        std::iota(order.begin(), order.end(), 0);
        const Arrived one = arrive(files, mails, order);
        for (std::size_t i = order.size(); i > 1; --i) {
            std::swap(order[i - 1], order[*rc::gen::inRange<std::size_t>(0, i)]);
        }
        const Arrived other = arrive(files, mails, order);
        RC_ASSERT(one.contents == other.contents);
        RC_ASSERT(one.duplicates == other.duplicates);
        if (!conflicts) {
            RC_ASSERT(one.totals == other.totals);
        }
        RC_TAG(conflicts ? "with conflicts" : "re-sends only");
    }));
}

namespace {

/// The rules of identity, re-sends, conflicts, reading again and retention on a list in memory.
class Model {
  public:
    struct Report {
        Held held;
        bool pruned = false;
        bool counted = false;
        std::int64_t messages = 0;  ///< what it adds where it counts
    };

    void add(std::int64_t id, const Held& held) {
        mails_[id] = held;
        insert(id);
    }
    void replace(std::int64_t id, const Held& held) {
        const Held before = mails_[id];
        mails_[id] = held;
        if (const auto stored = reports_.find(id);
            stored != reports_.end() && stored->second.held != held) {
            reports_.erase(stored);
        }
        insert(id);
        // Mails that re-sent what is gone are read again.
        for (const auto& entry : mails_) {
            insert(entry.first);
        }
        settle(before.identity);
        settle(held.identity);
    }
    void prune(int day) {
        for (auto& [id, report] : reports_) {
            if (day_of(report.held.identity) < day && !report.pruned) {
                report.pruned = true;
                report.messages = report.counted ? report.messages : 0;
            }
        }
    }
    [[nodiscard]] bool has_pruned(std::int64_t id) const {
        const auto found = reports_.find(id);
        return found != reports_.end() && found->second.pruned;
    }
    [[nodiscard]] const std::map<std::int64_t, Held>& mails() const { return mails_; }

    /// As the columns of aggregate_reports.
    [[nodiscard]] std::string reports() const {
        std::string text;
        for (const auto& [id, report] : reports_) {
            const auto same = std::count_if(reports_.begin(), reports_.end(), [&](const auto& e) {
                return e.second.held.identity == report.held.identity;
            });
            text += std::to_string(id) + '|' + std::to_string(report.held.identity) + '|' +
                    (same > 1 ? "1|" : "0|") + (report.counted ? "1|" : "0|") +
                    (report.pruned ? "1\n" : "0\n");
        }
        return text;
    }
    [[nodiscard]] std::string days() const {
        std::map<std::pair<std::string, int>, std::int64_t> sums;
        for (const auto& [id, report] : reports_) {
            if (report.counted) {
                sums[{"example" + std::to_string(report.held.identity % 2) + ".org",
                      day_of(report.held.identity)}] += report.messages;
            }
        }
        std::string text;
        for (const auto& [key, sum] : sums) {
            if (sum > 0) {
                text +=
                    key.first + '|' + std::to_string(key.second) + '|' + std::to_string(sum) + '\n';
            }
        }
        return text;
    }

  private:
    void insert(std::int64_t id) {
        const Held& held = mails_[id];
        bool first = true;
        for (const auto& [other, report] : reports_) {
            if (report.held == held) {
                return;
            }
            first &= report.held.identity != held.identity;
        }
        if (held.version != 0) {
            reports_[id] = {held, false, first, messages_in(held)};
        }
    }
    void settle(int identity) {
        std::vector<Report*> same;
        for (auto& [id, report] : reports_) {
            if (report.held.identity == identity) {
                same.push_back(&report);
            }
        }
        const bool settled = std::any_of(same.begin(), same.end(), [](const Report* report) {
            return report->pruned && report->counted;
        });
        for (auto* report : same) {
            report->counted = settled ? report->pruned && report->counted : report == same.front();
        }
    }

    std::map<std::int64_t, Held> mails_;
    std::map<std::int64_t, Report> reports_;  ///< by the message that holds it
};

/// As `dmarcbox reprocess` and `prune` do, beside the writer: on a connection of its own.
void read_again(const std::filesystem::path& file, const Model& model, std::int64_t message_id) {
    Store store(file);
    std::deque<std::int64_t> queue{message_id};
    std::set<std::int64_t> seen;
    while (!queue.empty()) {
        const auto id = queue.front();
        queue.pop_front();
        auto made = mail(0, model.mails().at(id));
        for (const auto orphan : store.replace(id, std::move(made)).orphaned_duplicates) {
            if (seen.insert(orphan).second) {
                queue.push_back(orphan);
            }
        }
    }
    refresh_stale_totals(store.database);
}

void prune(const std::filesystem::path& file, int day) {
    Database database(file, Database::Mode::read_write);
    RetentionRules rules{0, 0, 0, 0, 0, 1, 0};
    PruneResult result;
    Pruner pruner(database, rules, kBegin + (day + 1) * kDay);
    while (pruner.step(result)) {
    }
}

}  // namespace

TEST_CASE("totals are the sums of what counts after any run of inserts re-reads and prunes") {
    const Files files;
    CHECK(rc::check([&files] {
        const auto file = files.fresh();
        Store store(file);
        Model model;
        int number = 0;
        std::string story;
        for (int left = *rc::gen::inRange(1, 15); left > 0; --left) {
            const int what = *rc::gen::inRange(0, 10);
            if (what < 5 || model.mails().empty()) {
                const Held held = some_report();
                model.add(store.add(mail(++number, held)).message_id, held);
                story += "add " + std::to_string(held.identity) + '.' +
                         std::to_string(held.version) + '\n';
            } else if (what < 9) {
                const auto id = *rc::gen::inRange<std::int64_t>(
                    1, static_cast<std::int64_t>(model.mails().size()) + 1);
                const Held before = model.mails().at(id);
                Held held = *rc::gen::inRange(0, 3) == 0 ? before : some_report();
                if (*rc::gen::inRange(0, 5) == 0) {
                    held.version = 0;
                }
                if (model.has_pruned(id)) {
                    held = before;
                }
                model.replace(id, held);
                read_again(file, model, id);
                story += "read " + std::to_string(id) + " as " + std::to_string(held.identity) +
                         '.' + std::to_string(held.version) + '\n';
            } else {
                const int day = *rc::gen::inRange(0, 4);
                model.prune(day);
                prune(file, day);
                story += "prune before day " + std::to_string(day) + '\n';
            }
            RC_LOG() << story;
            const auto days =
                rows(store.database,
                     "SELECT domain, unixepoch(day) / 86400 - " + std::to_string(kBegin / kDay) +
                         ", messages FROM day_totals WHERE messages > 0 ORDER BY 1, 2");
            RC_ASSERT(days == model.days());
            RC_ASSERT(rows(store.database,
                           "SELECT message_id, report_id, conflict, counted, pruned_at IS NOT NULL "
                           "FROM aggregate_reports ORDER BY message_id") == model.reports());
            RC_ASSERT(rows(store.database, "SELECT sum(messages) FROM day_totals") ==
                      rows(store.database, "SELECT sum(messages) FROM source_totals"));
            expect_sound(store.database);
        }
    }));
}
