#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "storage/database.hpp"
#include "storage/identity.hpp"
#include "storage/message_rows.hpp"
#include "storage/passing_keys.hpp"
#include "storage/report_loader.hpp"
#include "storage/report_rows.hpp"
#include "storage/submission.hpp"
#include "storage/totals.hpp"

namespace dmarcbox::storage {

/// Writes messages with everything that was read from them, inside a transaction of the caller:
///
///   Transaction t(database); store.begun(); store.add(...) ...; store.flush(); t.commit();
///
/// and store.rolled_back() if the transaction did not commit. Prepared once, used for many
/// transactions. Errors of the disk (full, busy, I/O) are thrown as DatabaseError; what is wrong
/// with one message is not.
class MessageStore {
  public:
    explicit MessageStore(Database& database);

    /// After BEGIN. What is remembered of presence tables is dropped if another process wrote.
    void begun();
    /// What becomes of a message whose rows break a rule of the tables. No parser lets one through;
    /// this keeps the store whole if one does.
    enum class Guard {
        savepoint,  ///< its rows are rolled back and it is stored raw: unreadable, `store_failed`
        none        ///< RowsRefused is thrown: roll all back and add again, with savepoints
    };
    class RowsRefused : public DatabaseError {
        using DatabaseError::DatabaseError;
    };
    /// One message. The verdict says committed or already_known; it holds once the transaction is
    /// committed. Settles the evidence in `submission`.
    [[nodiscard]] Verdict add(Submission& submission, Guard guard = Guard::savepoint);
    /// Before COMMIT: the totals.
    void flush();
    void rolled_back();

    /// What reading a message again changed.
    struct Replaced {
        Outcome before = Outcome::other;
        Outcome after = Outcome::other;
        std::string detail;              ///< as stored
        std::uint32_t reports_kept = 0;  ///< same identity and content: row id kept
        std::uint32_t reports_refreshed =
            0;  ///< of them: evidence, a comment or a column reads otherwise now
        std::uint32_t reports_new = 0;
        std::uint32_t reports_removed = 0;
        std::uint32_t conflicts = 0;
        bool findings_changed = false;
        /// Messages that re-sent a report which this message no longer holds: read them again too.
        std::vector<std::int64_t> orphaned_duplicates;
        [[nodiscard]] bool changed() const {
            return before != after || reports_new + reports_removed + reports_refreshed > 0 ||
                   findings_changed;
        }
    };
    /// Replaces what message `message_id` yielded by what `submission` says; receipt and original
    /// stay. Reports whose identity and content are unchanged keep their row id; pruned ones stay
    /// as they are. One transaction per message, of the caller.
    [[nodiscard]] Replaced replace(std::int64_t message_id, Submission& submission);

  private:
    struct StoredReport {
        bool stored = false;
        bool conflict = false;
        bool counted = false;
        FindingOwner owner;
        std::int64_t duplicate_of = 0;  ///< message that brought it first
    };
    struct Rows {
        std::int64_t message_id = 0;
        Verdict verdict;
        std::vector<StoredReport> reports;
    };

    [[nodiscard]] Rows insert(Submission& submission);
    void keep_original(std::int64_t message_id, const Submission& submission);
    [[nodiscard]] Verdict insert_raw(const Submission& submission, const std::string& why);
    [[nodiscard]] StoredReport insert_report(schema::AggregateReport& report,
                                             const Receipt& receipt,
                                             const ReportPlace& place);
    [[nodiscard]] StoredReport insert_report(schema::FailureReport& report,
                                             const Receipt& receipt,
                                             const ReportPlace& place);
    [[nodiscard]] StoredReport insert_report(schema::TlsReport& report,
                                             const Receipt& receipt,
                                             const ReportPlace& place);
    void insert_findings(std::int64_t message_id,
                         const Submission& submission,
                         const std::vector<StoredReport>& reports);
    void count(const schema::AggregateReport& report, const Receipt& receipt);
    void settle_outcome(const Submission& submission, Rows& rows);

    friend class Replacement;

    Database& database_;
    MessageRows messages_;
    ReportRows rows_;
    Identities identities_;
    PassingKeys passing_keys_;
    Totals totals_;
    ReportLoader loader_;
    Statement data_version_;
    Statement savepoint_;
    Statement release_;
    Statement rollback_to_;
    std::int64_t known_data_version_ = -1;
    std::set<std::string, std::less<>> names_;  ///< codes of findings that were read back
};

/// Adds finding `odd_range` to a report whose range cannot be, judged by the receipt, unless it has
/// one. A TLS report without begin or end gets none: nothing is counted by its range.
void note_odd_range(schema::Report& report, std::int64_t received_at);

}  // namespace dmarcbox::storage
