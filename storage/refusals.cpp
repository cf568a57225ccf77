#include "storage/refusals.hpp"

#include "schema/date_time.hpp"

namespace dmarcbox::storage {

void add_refusals(Database& database, std::span<const Refusal> refusals, std::int64_t at) {
    const std::string day = schema::day_of(at);
    Transaction transaction(database);
    auto update = database.prepare(
        "UPDATE refusals SET count = count + ?4 "
        "WHERE day = ?1 AND reason = ?2 AND ifnull(domain, '') = ifnull(?3, '')");
    auto insert = database.prepare(
        "INSERT INTO refusals (day, reason, domain, count) VALUES (?1, ?2, ?3, ?4) "
        "ON CONFLICT (day, reason, ifnull(domain, '')) DO UPDATE SET count = count + ?4");
    auto count = database.prepare("SELECT count(*) FROM refusals WHERE day = ?1");
    count.bind(1, day);
    std::int64_t rows = count.step() ? count.integer(0) : 0;
    for (const auto& refusal : refusals) {
        update.bind(1, day).bind(2, refusal.reason).bind(3, refusal.domain).bind(4, refusal.count);
        update.run();
        if (database.changes() > 0) {
            continue;
        }
        const bool room = rows < kMaxRefusalRowsADay;
        insert.bind(1, day)
            .bind(2, refusal.reason)
            .bind(3, room ? std::string_view(refusal.domain) : std::string_view("(other)"))
            .bind(4, refusal.count)
            .run();
        rows += room ? 1 : 0;
    }
    transaction.commit();
}

}  // namespace dmarcbox::storage
