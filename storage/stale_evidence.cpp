#include "storage/stale_evidence.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schema/domain_name.hpp"
#include "schema/evidence.hpp"
#include "storage/passing_keys.hpp"
#include "storage/report_loader.hpp"
#include "storage/totals.hpp"

namespace dmarcbox::storage {

namespace {

// Read, settled and written in some 20 ms.
constexpr std::size_t kRecordsPerTransaction = 200;
// How often it is asked whether to go on where nothing is written.
constexpr std::size_t kReportsPerLook = 1000;

struct Note {
    std::string domain;
    std::int64_t first_at;
    std::int64_t last_at;
};

/// What is noted, by organisation.
class Notes {
  public:
    explicit Notes(Database& database) {
        for (auto rows = database.prepare("SELECT domain, first_at, last_at FROM stale_evidence");
             rows.step();) {
            notes_.push_back({std::string(rows.text(0)), rows.integer(1), rows.integer(2)});
        }
        for (const auto& note : notes_) {
            const auto [at, added] = spans_.try_emplace(schema::organizational_domain(note.domain),
                                                        note.first_at, note.last_at);
            at->second.first = std::min(at->second.first, note.first_at);
            at->second.second = std::max(at->second.second, note.last_at);
            first_at_ = std::min(first_at_, note.first_at);
        }
    }

    [[nodiscard]] bool empty() const { return notes_.empty(); }
    [[nodiscard]] std::int64_t first_at() const { return first_at_; }

    /// Whether a report of this policy domain and time may have such records.
    [[nodiscard]] bool concern(std::string_view domain, std::int64_t at) const {
        const auto span = spans_.find(schema::organizational_domain_of(domain));
        return span != spans_.end() && at >= span->second.first && at <= span->second.second;
    }

    /// All was looked at. What was noted meanwhile stays.
    void drop(Database& database) const {
        Transaction transaction(database);
        auto drop = database.prepare(
            "DELETE FROM stale_evidence WHERE domain = ?1 AND first_at >= ?2 AND last_at <= ?3");
        for (const auto& note : notes_) {
            drop.bind(1, note.domain).bind(2, note.first_at).bind(3, note.last_at).run();
        }
        transaction.commit();
    }

  private:
    std::vector<Note> notes_;
    std::map<std::string, std::pair<std::int64_t, std::int64_t>, std::less<>> spans_;
    std::int64_t first_at_ = INT64_MAX;
};

/// Reports that may have such records. A report whose begin is missing or absurd counts at its
/// receipt.
std::vector<std::int64_t> reports_concerned(Database& database, const Notes& notes) {
    std::vector<std::int64_t> ids;
    auto rows = database.prepare(
        "SELECT a.id, a.domain, a.begin_at, a.end_at, m.received_at FROM ("
        "SELECT id FROM aggregate_reports WHERE begin_at >= ?1 UNION "
        "SELECT id FROM aggregate_reports WHERE begin_at < 1262304000 UNION "
        "SELECT id FROM aggregate_reports WHERE begin_at IS NULL) AS those "
        "JOIN aggregate_reports a ON a.id = those.id JOIN messages m ON m.id = a.message_id "
        "WHERE a.pruned_at IS NULL");
    const auto time = [&](int column) {
        return rows.is_null(column) ? std::nullopt : std::optional(rows.integer(column));
    };
    rows.bind(1, notes.first_at());
    while (rows.step()) {
        const ReportRange range{time(2), time(3), rows.integer(4)};
        if (notes.concern(rows.text(1), range.time())) {
            ids.push_back(rows.integer(0));
        }
    }
    return ids;
}

class Settling {
  public:
    explicit Settling(Database& database)
        : database_(database),
          loader_(database),
          keys_(database),
          totals_(database, ""),
          candidates_(database.prepare(
              "SELECT id FROM aggregate_records r WHERE aggregate_report_id = ?1 "
              "AND evidence NOT IN ('dkim+spf', 'dkim', 'spf', 'arc-pass', 'strict', "
              "'reporter-disagrees', 'own-signature-broken', 'own-signature-broken+foreign') "
              "AND evidence NOT GLOB 'reason-*' AND EXISTS (SELECT 1 FROM aggregate_dkim "
              "WHERE aggregate_record_id = r.id AND result IN ('fail', 'neutral', 'policy'))")),
          counted_(database.prepare(
              "SELECT counted FROM aggregate_reports WHERE id = ?1 AND pruned_at IS NULL")),
          set_(database.prepare("UPDATE aggregate_records SET evidence = ?2 WHERE id = ?1")) {}

    [[nodiscard]] std::vector<std::int64_t> candidates(std::int64_t report) {
        std::vector<std::int64_t> ids;
        for (candidates_.bind(1, report); candidates_.step();) {
            ids.push_back(candidates_.integer(0));
        }
        candidates_.reset();
        return ids;
    }

    /// Under the write lock: the report may have been read again or pruned since.
    std::size_t settle(std::int64_t id, std::span<const std::int64_t> records) {
        Transaction transaction(database_);
        const auto head = loader_.head(id);
        counted_.bind(1, id);
        const bool there = counted_.step();
        const bool counted = there && counted_.integer(0) == 1;
        counted_.reset();
        std::size_t changed = 0;
        if (head && there) {
            for (const std::int64_t record : records) {
                changed += static_cast<std::size_t>(settle(*head, id, record, counted));
            }
            totals_.flush();
        }
        transaction.commit();
        return changed;
    }

  private:
    bool settle(const ReportHead& head, std::int64_t report, std::int64_t id, bool counted) {
        auto record = loader_.record(report, id);
        if (!record) {
            return false;
        }
        const std::string was = record->evidence.token;
        schema::AggregateReport one;
        one.domain = head.domain;
        one.records.push_back(std::move(*record));
        schema::classify_records(one);
        keys_.settle(one, head.range.time());
        const std::string& token = one.records.front().evidence.token;
        if (token == was || !token.starts_with(kOwnSignatureBroken)) {
            return false;
        }
        set_.bind(1, id).bind(2, token).run();
        if (counted) {
            totals_.reclassify(head.domain, one.records.front(), was);
        }
        return true;
    }

    Database& database_;
    ReportLoader loader_;
    PassingKeys keys_;
    Totals totals_;
    Statement candidates_;
    Statement counted_;
    Statement set_;
};

}  // namespace

std::size_t settle_stale_evidence(Database& database, const std::function<bool()>& go_on) {
    const Notes notes(database);
    if (notes.empty()) {
        return 0;
    }
    Settling settling(database);
    std::size_t changed = 0;
    std::size_t looked = 0;
    for (const std::int64_t report : reports_concerned(database, notes)) {
        if (++looked % kReportsPerLook == 0 && !go_on()) {
            return changed;
        }
        const auto candidates = settling.candidates(report);
        for (std::span<const std::int64_t> rest(candidates); !rest.empty();) {
            const auto now = rest.first(std::min(rest.size(), kRecordsPerTransaction));
            rest = rest.subspan(now.size());
            changed += settling.settle(report, now);
            if (!go_on()) {
                return changed;
            }
        }
    }
    notes.drop(database);
    return changed;
}

}  // namespace dmarcbox::storage
