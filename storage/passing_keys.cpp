#include "storage/passing_keys.hpp"

#include <algorithm>
#include <string>

#include "schema/date_time.hpp"
#include "storage/totals.hpp"

namespace dmarcbox::storage {

namespace {

constexpr std::int64_t kWindow = std::int64_t{90} * 86400;
constexpr std::string_view kBroken = "own-signature-broken";
constexpr std::string_view kBrokenForeign = "own-signature-broken+foreign";

// A reporter that gives no selector matches any of the domain.
bool same_key(const schema::SigningKey& a, const schema::SigningKey& b) {
    return a.domain == b.domain &&
           (a.selector == b.selector || a.selector.empty() || b.selector.empty());
}

}  // namespace

// A month per row with its first and last time: any time within 90 days is found exactly, since no
// month covers the window of 180 days.
PassingKeys::PassingKeys(Database& database)
    : find_(database.prepare(
          "SELECT 1 FROM passing_keys WHERE domain = ?1 AND (?2 = '(none)' OR selector IN "
          "(?2, '(none)')) AND first_at <= ?3 AND last_at >= ?4 LIMIT 1")),
      add_(database.prepare(
          "INSERT INTO passing_keys (domain, selector, month, first_at, last_at) "
          "VALUES (?1, ?2, ?3, ?4, ?4) ON CONFLICT (domain, selector, month) DO UPDATE SET "
          "first_at = min(first_at, ?4), last_at = max(last_at, ?4) "
          "WHERE ?4 NOT BETWEEN first_at AND last_at")) {}

bool PassingKeys::passed_elsewhere(const schema::SigningKey& key, std::int64_t at) {
    find_.bind(1, key.domain)
        .bind(2, key.selector.empty() ? kNone : std::string_view(key.selector))
        .bind(3, at + kWindow)
        .bind(4, at - kWindow);
    const bool found = find_.step();
    find_.reset();
    return found;
}

void PassingKeys::settle(schema::AggregateReport& report, std::int64_t at) {
    for (auto& record : report.records) {
        auto& evidence = record.evidence;
        if (evidence.final) {
            continue;
        }
        const bool broken = std::any_of(
            evidence.own_failed_keys.begin(), evidence.own_failed_keys.end(),
            [&](const schema::SigningKey& key) {
                return std::any_of(report.passing_keys.begin(), report.passing_keys.end(),
                                   [&](const schema::SigningKey& passing) {
                                       return same_key(key, passing);
                                   }) ||
                       passed_elsewhere(key, at);
            });
        if (broken) {
            evidence.token = evidence.foreign_pass ? kBrokenForeign : kBroken;
        }
        evidence.final = true;
    }
}

void PassingKeys::remember(const schema::AggregateReport& report, std::int64_t at) {
    const std::string time = std::to_string(at);
    const std::string month = schema::day_of(at).substr(0, 7);
    for (const auto& key : report.passing_keys) {
        if (key.domain.empty() || !seen_.insert({key.domain, key.selector, time})) {
            continue;
        }
        add_.bind(1, key.domain)
            .bind(2, key.selector.empty() ? kNone : std::string_view(key.selector))
            .bind(3, month)
            .bind(4, at)
            .run();
    }
}

}  // namespace dmarcbox::storage
