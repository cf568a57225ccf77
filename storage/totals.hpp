#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "schema/aggregate_report.hpp"
#include "storage/database.hpp"
#include "storage/days.hpp"
#include "storage/presence.hpp"
#include "storage/row_batch.hpp"

namespace dmarcbox::storage {

/// A sum never exceeds this, so that sums of sums fit 64 bits: beyond all mail that there is.
constexpr std::int64_t kMaxTotal = 1'000'000'000'000'000;

/// Stands in keys of totals for a domain, source or reporter that a report does not give.
constexpr std::string_view kNone = "(none)";

/// What of a report its sums are filed under.
struct ReportHead {
    std::string domain;
    std::string org_name;
    ReportRange range;
};

/// The totals of counted aggregate reports: sums are collected in memory and written by flush(), in
/// the transaction that writes the records. Adding and taking back are the same function.
///
/// Lists, number of reporters, first and last time cannot be taken back: a domain that lost a
/// report is noted in stale_totals, and refresh_stale_totals() (rebuild.hpp) makes these again.
class Totals {
  public:
    /// `prefix` selects the tables: "" the live ones, "pruned_" sums of removed records, "rebuilt_"
    /// temporary ones of verify.
    Totals(Database& database, const std::string& prefix);

    enum class Direction { add, take_back };
    /// One report: open, its records in one or more runs with evidence settled, close.
    void open(const ReportHead& head, Direction direction);
    void records(std::span<const schema::AggregateRecord> records);
    void close();

    /// A stored record of a counted report has another evidence now than `was`; its other sums
    /// stay. `domain` as in ReportHead.
    void reclassify(std::string_view domain,
                    const schema::AggregateRecord& record,
                    std::string_view was);

    void flush();    ///< writes what is pending; a failure leaves the transaction to be rolled back
    void discard();  ///< forgets what is pending and what was seen: the transaction was rolled back
    void forget_presence();  ///< another process wrote
    [[nodiscard]] std::size_t pending() const { return pending_; }

  private:
    struct EvidenceSum {
        std::string token;
        std::int64_t records = 0;
        std::int64_t messages = 0;
    };
    struct SourceSum {
        std::int64_t records = 0;
        Sums sums{};
        std::int64_t reporters = 0;
        std::int64_t first_at = 0;
        std::int64_t last_at = 0;
        bool dated = false;
        std::vector<EvidenceSum> evidence;

        void add_evidence(std::string_view token, std::int64_t sign, std::int64_t count);
    };
    using Sources = std::unordered_map<std::string, SourceSum>;  ///< by source
    using Source = Sources::value_type;
    struct Identity {
        const std::string* source;
        std::string_view kind;
        std::string identity;
    };
    /// What is pending of a policy domain. Pointers go into `sources`, whose entries stay in place.
    struct DomainSums {
        Sources sources;
        std::unordered_map<std::string, std::vector<Source*>> reporters;  ///< by org_name
        std::vector<Identity> identities;
    };
    struct DaySum {
        std::string domain;
        std::string day;
        Sums sums{};
    };

    void note_identities(DomainSums& domain,
                         const schema::AggregateRecord& record,
                         const std::string& source);
    void note_cosigners(const schema::AggregateRecord& record);
    void flush_presence(const std::string& name, DomainSums& domain);
    void flush_sources(const std::string& name, const DomainSums& domain);
    void drop_empty_sources(const std::string& name, const DomainSums& domain);
    void flush_days();

    Database& database_;
    bool live_;
    bool notes_cosigners_;
    Statement add_reporter_;
    RowBatch add_identities_;
    Statement add_cosigner_;
    RowBatch add_sources_;
    RowBatch add_evidence_;
    Statement add_day_;
    Statement drop_source_;
    Statement drop_evidence_;
    Statement drop_day_;
    Statement note_stale_;

    PresenceMemory seen_;
    std::unordered_map<std::string, DomainSums> domains_;
    std::size_t pending_ = 0;  ///< sources of all domains
    std::unordered_map<std::string, DaySum> days_;
    std::vector<std::pair<std::string, std::string>> cosigners_;
    std::vector<std::string> stale_;
    bool took_back_ = false;

    ReportHead head_;
    std::int64_t sign_ = 1;
    Sums report_sums_{};
    std::int64_t first_at_ = 0;
    std::int64_t last_at_ = 0;
};

}  // namespace dmarcbox::storage
