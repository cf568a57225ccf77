#include <algorithm>
#include <array>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "storage/message_store.hpp"
#include "storage/retention.hpp"

namespace dmarcbox::storage {

namespace {

// What a stored finding says, to see whether reading again changed anything.
using FindingText = std::string;

std::vector<FindingText> stored_findings(Database& database, std::int64_t message_id) {
    std::vector<FindingText> found;
    auto statement = database.prepare(
        "SELECT ifnull(part, '') || char(31) || stage || char(31) || code || char(31) || fault "
        "|| char(31) || ifnull(detail, '') FROM findings WHERE message_id = ?1 ORDER BY position");
    for (statement.bind(1, message_id); statement.step();) {
        found.emplace_back(statement.text(0));
    }
    return found;
}

void copy_digest(const Statement& statement, int column, schema::Digest& digest) {
    const auto bytes = statement.blob(column);
    std::copy_n(bytes.begin(), std::min(bytes.size(), digest.size()), digest.begin());
}

bool same(const schema::AggregateRecord& a, const schema::AggregateRecord& b) {
    const auto key = [](const schema::AggregateRecord& r) {
        return std::tie(r.source_ip, r.count, r.disposition, r.dkim, r.spf, r.header_from,
                        r.envelope_from, r.envelope_to, r.evidence.token);
    };
    return key(a) == key(b) &&
           std::equal(a.reasons.begin(), a.reasons.end(), b.reasons.begin(), b.reasons.end(),
                      [](const auto& x, const auto& y) {
                          return std::tie(x.type, x.comment) == std::tie(y.type, y.comment);
                      }) &&
           std::equal(a.dkim_results.begin(), a.dkim_results.end(), b.dkim_results.begin(),
                      b.dkim_results.end(),
                      [](const auto& x, const auto& y) {
                          return std::tie(x.domain, x.selector, x.result, x.human_result) ==
                                 std::tie(y.domain, y.selector, y.result, y.human_result);
                      }) &&
           std::equal(a.spf_results.begin(), a.spf_results.end(), b.spf_results.begin(),
                      b.spf_results.end(), [](const auto& x, const auto& y) {
                          return std::tie(x.domain, x.scope, x.result, x.human_result) ==
                                 std::tie(y.domain, y.scope, y.result, y.human_result);
                      });
}

}  // namespace

/// One message read again: takes away what changed, keeps what did not, sets the flags of every
/// identity that was touched, old or new.
class Replacement {
  public:
    Replacement(MessageStore& store, std::int64_t message_id, Submission& submission)
        : store_(store),
          database_(store.database_),
          message_id_(message_id),
          submission_(submission) {}

    MessageStore::Replaced run();

  private:
    enum class Kind { aggregate, failure, tls };
    struct Stored {
        Kind kind = Kind::aggregate;
        std::int64_t id = 0;
        schema::Digest content{};
        bool conflict = false;
        bool counted = false;
        bool pruned = false;
        bool kept = false;
    };

    void load_stored();
    void load_receipt();
    bool keep(schema::Report& report, std::int64_t position, MessageStore::StoredReport& result);
    void refresh(schema::Report& report, const Stored& stored, std::int64_t position);
    void refresh_aggregate(schema::AggregateReport& report, const Stored& stored);
    void keep_hash_of_redacted();
    void keep_findings_of_reduced();
    [[nodiscard]] bool lost_by_reduction() const;
    void remove_changed();
    void insert_new(std::int64_t position,
                    schema::Report& report,
                    MessageStore::StoredReport& result);
    [[nodiscard]] std::vector<KnownReport> same_identity(const schema::Report& report);
    void settle(const std::vector<KnownReport>& reports,
                void (Replacement::*set)(const KnownReport&, bool, bool));
    void set_aggregate(const KnownReport& report, bool conflict, bool counted);
    void set_tls(const KnownReport& report, bool conflict, bool counted);
    void find_orphans();

    MessageStore& store_;
    Database& database_;
    std::int64_t message_id_;
    Submission& submission_;
    Receipt receipt_;
    std::vector<Stored> stored_;
    std::vector<schema::Report> touched_;  ///< identities to settle again
    std::vector<bool> is_kept_;
    bool reduced_ = false;
    MessageStore::Replaced result_;
};

MessageStore::Replaced MessageStore::replace(std::int64_t message_id, Submission& submission) {
    return Replacement(*this, message_id, submission).run();
}

void Replacement::load_receipt() {
    auto statement = database_.prepare(
        "SELECT m.received_at, m.message_id, m.outcome, m.sha256, "
        "(SELECT max(o.reduced) FROM messages same JOIN originals o ON o.message_id = same.id "
        "WHERE same.sha256 = m.sha256) "
        "FROM messages m WHERE m.id = ?1");
    statement.bind(1, message_id_);
    if (!statement.step()) {
        throw DatabaseError(1, "message " + std::to_string(message_id_) + ": there is none");
    }
    receipt_.received_at = statement.integer(0);
    receipt_.message_id = statement.text(1);
    result_.before = parse_outcome(statement.text(2));
    copy_digest(statement, 3, receipt_.sha256);
    reduced_ = statement.integer(4) != 0;
}

void Replacement::load_stored() {
    const std::array<std::pair<Kind, std::string_view>, 3> tables{{
        {Kind::aggregate,
         "SELECT id, content_sha256, conflict, counted, pruned_at FROM aggregate_reports "
         "WHERE message_id = ?1 ORDER BY position"},
        {Kind::failure,
         "SELECT id, content_sha256, 0, 1, pruned_at FROM failure_reports "
         "WHERE message_id = ?1 ORDER BY position"},
        {Kind::tls,
         "SELECT id, content_sha256, conflict, counted, pruned_at FROM tls_reports "
         "WHERE message_id = ?1 ORDER BY position"},
    }};
    for (const auto& [kind, sql] : tables) {
        auto statement = database_.prepare(sql);
        for (statement.bind(1, message_id_); statement.step();) {
            Stored stored;
            stored.kind = kind;
            stored.id = statement.integer(0);
            copy_digest(statement, 1, stored.content);
            stored.conflict = statement.integer(2) != 0;
            stored.counted = statement.integer(3) != 0;
            stored.pruned = !statement.is_null(4);
            stored_.push_back(stored);
        }
    }
}

std::vector<KnownReport> Replacement::same_identity(const schema::Report& report) {
    if (const auto* aggregate = std::get_if<schema::AggregateReport>(&report)) {
        return store_.identities_.find(*aggregate);
    }
    if (const auto* tls = std::get_if<schema::TlsReport>(&report)) {
        return store_.identities_.find(*tls);
    }
    return store_.identities_.find(std::get<schema::FailureReport>(report), receipt_.message_id);
}

// A stored report of this message with the same identity and content stays as it is.
bool Replacement::keep(schema::Report& report,
                       std::int64_t position,
                       MessageStore::StoredReport& result) {
    const auto kind = static_cast<Kind>(report.index());
    const schema::Digest content =
        std::visit([](const auto& value) { return value.content_sha256; }, report);
    const auto known = same_identity(report);
    for (auto& stored : stored_) {
        const bool same = stored.kind == kind && !stored.kept && stored.content == content &&
                          std::any_of(known.begin(), known.end(), [&](const KnownReport& other) {
                              return other.id == stored.id;
                          });
        if (!same) {
            continue;
        }
        stored.kept = true;
        result.stored = true;
        result.counted = stored.counted;
        if (!stored.pruned) {
            refresh(report, stored, position);
        }
        switch (kind) {
            case Kind::aggregate:
                result.owner.aggregate_report_id = stored.id;
                break;
            case Kind::failure:
                result.owner.failure_report_id = stored.id;
                break;
            case Kind::tls:
                result.owner.tls_report_id = stored.id;
                break;
        }
        touched_.push_back(report);
        ++result_.reports_kept;
        return true;
    }
    return false;
}

void Replacement::refresh(schema::Report& report, const Stored& stored, std::int64_t position) {
    const ReportPlace place{message_id_, position, stored.conflict, stored.counted, stored.id};
    if (auto* aggregate = std::get_if<schema::AggregateReport>(&report)) {
        database_.prepare("UPDATE aggregate_reports SET position = ?2 WHERE id = ?1")
            .bind(1, stored.id)
            .bind(2, position)
            .run();
        refresh_aggregate(*aggregate, stored);
    } else if (const auto* tls = std::get_if<schema::TlsReport>(&report)) {
        database_.prepare("DELETE FROM tls_reports WHERE id = ?1").bind(1, stored.id).run();
        store_.rows_.insert(*tls, place);
    } else {
        database_.prepare("DELETE FROM failure_reports WHERE id = ?1").bind(1, stored.id).run();
        store_.rows_.insert(std::get<schema::FailureReport>(report), place);
    }
}

// What the hash leaves out may read otherwise now, above all the evidence.
void Replacement::refresh_aggregate(schema::AggregateReport& report, const Stored& stored) {
    const std::int64_t time =
        ReportRange{report.begin_at, report.end_at, receipt_.received_at}.time();
    store_.passing_keys_.settle(report, time);
    store_.passing_keys_.remember(report, time);
    const bool changed = store_.rows_.update(report, stored.id);
    const auto old = store_.loader_.aggregate(stored.id);
    if (old && std::equal(old->records.begin(), old->records.end(), report.records.begin(),
                          report.records.end(), same)) {
        result_.reports_refreshed += changed ? 1 : 0;
        return;
    }
    ++result_.reports_refreshed;
    if (stored.counted) {
        total_stored_report(store_.loader_, store_.totals_, stored.id,
                            Totals::Direction::take_back);
    }
    database_.prepare("DELETE FROM aggregate_records WHERE aggregate_report_id = ?1")
        .bind(1, stored.id)
        .run();
    store_.rows_.insert_records(report, stored.id);
    if (stored.counted) {
        store_.count(report, receipt_);
    }
}

// The hash of a failure report covers what was sent; of a redacted original that cannot be made
// again.
void Replacement::keep_hash_of_redacted() {
    if (!reduced_) {
        return;
    }
    const auto is_failure = [](const Stored& stored) { return stored.kind == Kind::failure; };
    const auto old = std::find_if(stored_.begin(), stored_.end(), is_failure);
    if (old == stored_.end() || std::count_if(stored_.begin(), stored_.end(), is_failure) != 1) {
        return;
    }
    for (auto& report : submission_.reports) {
        if (auto* failure = std::get_if<schema::FailureReport>(&report)) {
            failure->content_sha256 = old->content;
            return;
        }
    }
}

// What the shape of the mail told before its original was written anew is not in that any more, and
// what the shape of the new one tells is our own doing.
void Replacement::keep_findings_of_reduced() {
    if (!reduced_) {
        return;
    }
    struct Told {
        std::string_view stage;
        std::string_view code;
        bool fault;
        std::string part;
        std::string detail;
    };
    std::vector<Told> told;
    std::set<std::pair<std::string_view, std::string_view>> codes;
    auto statement = database_.prepare(
        "SELECT stage, code, fault, ifnull(part, ''), ifnull(detail, '') FROM findings "
        "WHERE message_id = ?1 AND stage IN ('mime', 'unpack', 'charset') ORDER BY position");
    for (statement.bind(1, message_id_); statement.step();) {
        // A code is a view: of a constant, or of a name that the store keeps.
        const auto stage = store_.names_.emplace(statement.text(0)).first;
        const auto code = store_.names_.emplace(statement.text(1)).first;
        told.push_back({*stage, *code, statement.integer(2) != 0, std::string(statement.text(3)),
                        std::string(statement.text(4))});
        codes.emplace(*stage, *code);
    }
    const auto list_of = [](schema::Report& report) -> schema::Findings& {
        return std::visit([](auto& value) -> schema::Findings& { return value.findings; }, report);
    };
    std::set<std::pair<std::string_view, std::string_view>> read;
    const auto settle = [&](schema::Findings& findings) {
        std::erase_if(findings, [&](const schema::Finding& finding) {
            const auto& [code, stage, fault] = finding.code;
            const bool of_shape = stage == "mime" || stage == "unpack" || stage == "charset";
            return of_shape && !codes.contains({stage, code});
        });
        for (const auto& finding : findings) {
            read.emplace(finding.code.stage, finding.code.code);
        }
    };
    settle(submission_.findings);
    for (auto& report : submission_.reports) {
        settle(list_of(report));
    }
    auto& kept = submission_.reports.size() == 1 ? list_of(submission_.reports.front())
                                                 : submission_.findings;
    for (auto& finding : told) {
        if (!read.contains({finding.stage, finding.code})) {
            kept.push_back({{finding.code, finding.stage, finding.fault},
                            std::move(finding.part),
                            std::move(finding.detail)});
        }
    }
}

// A report that was read stays, whatever became of the copy of its mail.
bool Replacement::lost_by_reduction() const {
    return reduced_ && submission_.reports.empty() &&
           std::any_of(stored_.begin(), stored_.end(),
                       [](const Stored& stored) { return !stored.pruned; });
}

void Replacement::remove_changed() {
    for (auto& stored : stored_) {
        // What retention removed cannot be told apart from its sums any more: it stays.
        if (stored.kept || stored.pruned) {
            continue;
        }
        ++result_.reports_removed;
        switch (stored.kind) {
            case Kind::aggregate:
                if (stored.counted) {
                    total_stored_report(store_.loader_, store_.totals_, stored.id,
                                        Totals::Direction::take_back);
                }
                if (auto old = store_.loader_.aggregate(stored.id)) {
                    touched_.emplace_back(std::move(*old));
                }
                database_.prepare("DELETE FROM aggregate_reports WHERE id = ?1")
                    .bind(1, stored.id)
                    .run();
                break;
            case Kind::failure:
                database_.prepare("DELETE FROM failure_reports WHERE id = ?1")
                    .bind(1, stored.id)
                    .run();
                break;
            case Kind::tls:
                if (auto old = store_.loader_.tls(stored.id)) {
                    touched_.emplace_back(std::move(*old));
                }
                database_.prepare("DELETE FROM tls_reports WHERE id = ?1").bind(1, stored.id).run();
                break;
        }
    }
}

void Replacement::insert_new(std::int64_t position,
                             schema::Report& report,
                             MessageStore::StoredReport& result) {
    ReportPlace place;
    place.message_id = message_id_;
    place.position = position;
    result = std::visit([&](auto& value) { return store_.insert_report(value, receipt_, place); },
                        report);
    if (!result.stored) {
        return;
    }
    ++result_.reports_new;
    if (const auto* aggregate = std::get_if<schema::AggregateReport>(&report);
        aggregate != nullptr && result.counted) {
        store_.count(*aggregate, receipt_);
    }
    touched_.push_back(report);
}

// conflict = 1 on all reports of one identity when there are several; only the first counts. A
// pruned report that counts goes on counting: its sums cannot be taken back.
void Replacement::settle(const std::vector<KnownReport>& reports,
                         void (Replacement::*set)(const KnownReport&, bool, bool)) {
    const bool pruned_counts =
        std::any_of(reports.begin(), reports.end(),
                    [](const KnownReport& report) { return report.pruned && report.counted; });
    bool first = true;
    for (const auto& report : reports) {
        const bool counted = pruned_counts ? report.pruned && report.counted : first;
        first = false;
        const bool conflict = reports.size() > 1;
        if (counted != report.counted || conflict != report.conflict) {
            (this->*set)(report, conflict, counted);
        }
    }
}

void Replacement::set_aggregate(const KnownReport& report, bool conflict, bool counted) {
    if (counted != report.counted) {
        total_stored_report(store_.loader_, store_.totals_, report.id,
                            counted ? Totals::Direction::add : Totals::Direction::take_back);
    }
    store_.identities_.set_aggregate_flags(report.id, conflict, counted);
}

void Replacement::set_tls(const KnownReport& report, bool conflict, bool counted) {
    store_.identities_.set_tls_flags(report.id, conflict, counted);
}

void Replacement::find_orphans() {
    if (result_.reports_removed == 0) {
        return;
    }
    auto statement =
        database_.prepare("SELECT id FROM messages WHERE duplicate_of = ?1 ORDER BY id");
    for (statement.bind(1, message_id_); statement.step();) {
        result_.orphaned_duplicates.push_back(statement.integer(0));
    }
}

MessageStore::Replaced Replacement::run() {
    load_receipt();
    load_stored();
    if (lost_by_reduction()) {
        result_.after = result_.before;
        result_.reports_kept = static_cast<std::uint32_t>(stored_.size());
        return result_;
    }
    keep_hash_of_redacted();
    keep_findings_of_reduced();
    const auto findings_before = stored_findings(database_, message_id_);
    MessageStore::Rows rows;
    rows.message_id = message_id_;
    rows.reports.resize(submission_.reports.size());
    is_kept_.resize(submission_.reports.size());
    for (auto& report : submission_.reports) {
        note_odd_range(report, receipt_.received_at);
    }
    for (std::size_t i = 0; i < submission_.reports.size(); ++i) {
        is_kept_[i] =
            keep(submission_.reports[i], static_cast<std::int64_t>(i + 1), rows.reports[i]);
    }
    remove_changed();
    for (std::size_t i = 0; i < submission_.reports.size(); ++i) {
        if (!is_kept_[i]) {
            insert_new(static_cast<std::int64_t>(i + 1), submission_.reports[i], rows.reports[i]);
        }
    }
    for (const auto& report : touched_) {
        if (std::holds_alternative<schema::AggregateReport>(report)) {
            settle(same_identity(report), &Replacement::set_aggregate);
        } else if (std::holds_alternative<schema::TlsReport>(report)) {
            settle(same_identity(report), &Replacement::set_tls);
        }
    }
    database_.prepare("DELETE FROM findings WHERE message_id = ?1").bind(1, message_id_).run();
    store_.insert_findings(message_id_, submission_, rows.reports);
    store_.settle_outcome(submission_, rows);
    // settle_outcome() writes only what differs from the submission; here the row is older.
    std::optional<std::int64_t> duplicate_of;
    for (const auto& report : rows.reports) {
        if (rows.verdict.outcome == Outcome::duplicate && report.duplicate_of != message_id_ &&
            report.duplicate_of != 0) {
            duplicate_of = report.duplicate_of;
            break;
        }
    }
    store_.messages_.settle(message_id_, rows.verdict.outcome, rows.verdict.detail, duplicate_of);
    // Now that the row says which message it repeats.
    forget_sample_mail(database_, message_id_);
    result_.findings_changed = findings_before != stored_findings(database_, message_id_);
    result_.after = rows.verdict.outcome;
    result_.detail = rows.verdict.detail;
    for (const auto& report : rows.reports) {
        result_.conflicts += report.conflict ? 1 : 0;
    }
    find_orphans();
    return result_;
}

}  // namespace dmarcbox::storage
