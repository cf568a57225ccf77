#include "storage/passing_keys.hpp"

#include <algorithm>
#include <string>

#include "schema/date_time.hpp"
#include "schema/domain_name.hpp"
#include "schema/scalar_text.hpp"
#include "storage/totals.hpp"

namespace dmarcbox::storage {

namespace {

constexpr std::int64_t kWindow = std::int64_t{90} * 86400;

// A reporter that gives no selector matches any of the domain.
bool same_key(const schema::SigningKey& a, const schema::SigningKey& b) {
    return a.domain == b.domain &&
           (a.selector.empty() || b.selector.empty() || selector_of(a) == selector_of(b));
}

}  // namespace

std::string selector_of(const schema::SigningKey& key) {
    return key.selector.empty() ? std::string(kNone) : schema::lower_case(key.selector);
}

// A month per row with its first and last time: any time within 90 days is found exactly, since no
// month covers the window of 180 days.
PassingKeys::PassingKeys(Database& database)
    : database_(database),
      find_(database.prepare(
          "SELECT 1 FROM passing_keys WHERE domain = ?1 AND (?2 = '(none)' OR selector IN "
          "(?2, '(none)')) AND first_at <= ?3 AND last_at >= ?4 LIMIT 1")),
      add_(database.prepare(
          "INSERT INTO passing_keys (domain, selector, month, first_at, last_at) "
          "VALUES (?1, ?2, ?3, ?4, ?4) ON CONFLICT (domain, selector, month) DO UPDATE SET "
          "first_at = min(first_at, ?4), last_at = max(last_at, ?4) "
          "WHERE ?4 NOT BETWEEN first_at AND last_at")),
      around_(database.prepare(
          "SELECT max(min(last_at, ?3)) FILTER (WHERE first_at <= ?3), "
          "min(max(first_at, ?3)) FILTER (WHERE last_at >= ?3) FROM passing_keys "
          "WHERE domain = ?1 AND selector = ?2 AND first_at <= ?4 AND last_at >= ?5")),
      note_(database.prepare(
          "INSERT INTO stale_evidence (domain, first_at, last_at) VALUES (?1, ?2, ?3) "
          "ON CONFLICT (domain) DO UPDATE SET first_at = min(first_at, excluded.first_at), "
          "last_at = max(last_at, excluded.last_at)")) {}

bool PassingKeys::passed_elsewhere(const schema::SigningKey& key, std::int64_t at) {
    const std::string selector = selector_of(key);
    find_.bind(1, key.domain).bind(2, selector).bind(3, at + kWindow).bind(4, at - kWindow);
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
            evidence.token =
                evidence.foreign_pass ? kOwnSignatureBrokenForeign : kOwnSignatureBroken;
        }
        evidence.final = true;
    }
}

PassingKeys::Span PassingKeys::not_covered(const std::string& domain,
                                           const std::string& selector,
                                           std::int64_t at) {
    around_.bind(1, domain)
        .bind(2, selector)
        .bind(3, at)
        .bind(4, at + 2 * kWindow)
        .bind(5, at - 2 * kWindow);
    Span span{at - kWindow, at + kWindow};
    if (around_.step()) {
        if (!around_.is_null(0)) {
            span.first = std::max(span.first, around_.integer(0) + kWindow + 1);
        }
        if (!around_.is_null(1)) {
            span.last = std::min(span.last, around_.integer(1) - kWindow - 1);
        }
    }
    around_.reset();
    return span;
}

void PassingKeys::remember(const schema::AggregateReport& report, std::int64_t at) {
    const std::string time = std::to_string(at);
    const std::string month = schema::day_of(at).substr(0, 7);
    for (const auto& key : report.passing_keys) {
        const std::string selector = selector_of(key);
        if (key.domain.empty() || !seen_.insert({key.domain, selector, time})) {
            continue;
        }
        const Span span = not_covered(key.domain, selector, at);
        add_.bind(1, key.domain).bind(2, selector).bind(3, month).bind(4, at).run();
        if (database_.changes() > 0 && span.first <= span.last) {
            note_.bind(1, schema::organizational_domain_of(key.domain))
                .bind(2, span.first)
                .bind(3, span.last)
                .run();
        }
    }
}

}  // namespace dmarcbox::storage
