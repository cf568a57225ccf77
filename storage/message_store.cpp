#include "storage/message_store.hpp"

#include <algorithm>
#include <string_view>
#include <variant>

#include "storage/finding_codes.hpp"
#include "storage/retention.hpp"

namespace dmarcbox::storage {

namespace {

// A report of more records is totalled in runs, apart from the rest of its transaction.
constexpr std::size_t kBigReport = 20'000;
constexpr std::size_t kRun = 4096;
constexpr std::size_t kMaxPendingSources = 50'000;

schema::Findings& findings_of(schema::Report& report) {
    return std::visit([](auto& value) -> schema::Findings& { return value.findings; }, report);
}

const schema::Findings& findings_of(const schema::Report& report) {
    return std::visit([](const auto& value) -> const schema::Findings& { return value.findings; },
                      report);
}

ReportHead head_of(const schema::AggregateReport& report, std::int64_t received_at) {
    return {report.domain, report.org_name, {report.begin_at, report.end_at, received_at}};
}

// Of one message only: its values break a rule of the tables. Anything else is the disk's or ours.
bool fault_of_message(const DatabaseError& error) {
    constexpr int kSqliteConstraint = 19;
    constexpr int kSqliteTooBig = 18;
    constexpr int kSqliteMismatch = 20;
    const int code = error.code() & 0xff;
    return code == kSqliteConstraint || code == kSqliteTooBig || code == kSqliteMismatch;
}

}  // namespace

void note_odd_range(schema::Report& report, std::int64_t received_at) {
    ReportRange range{{}, {}, received_at};
    if (const auto* aggregate = std::get_if<schema::AggregateReport>(&report)) {
        range.begin_at = aggregate->begin_at;
        range.end_at = aggregate->end_at;
    } else if (const auto* tls = std::get_if<schema::TlsReport>(&report);
               tls != nullptr && tls->begin_at && tls->end_at) {
        range.begin_at = tls->begin_at;
        range.end_at = tls->end_at;
    } else {
        return;
    }
    auto& findings = findings_of(report);
    const bool known =
        std::any_of(findings.begin(), findings.end(), [](const schema::Finding& finding) {
            return finding.code.code == finding::kOddRange.code;
        });
    if (!range.plausible() && !known) {
        const auto text = [](const std::optional<std::int64_t>& time) {
            return time ? std::to_string(*time) : std::string("none");
        };
        findings.push_back(
            {finding::kOddRange, {}, text(range.begin_at) + " to " + text(range.end_at)});
    }
}

MessageStore::MessageStore(Database& database)
    : database_(database),
      messages_(database),
      rows_(database),
      identities_(database),
      passing_keys_(database),
      totals_(database, ""),
      loader_(database),
      data_version_(database.prepare("PRAGMA data_version")),
      savepoint_(database.prepare("SAVEPOINT message")),
      release_(database.prepare("RELEASE message")),
      rollback_to_(database.prepare("ROLLBACK TO message")) {}

void MessageStore::begun() {
    const std::int64_t version = data_version_.step() ? data_version_.integer(0) : -1;
    data_version_.reset();
    if (version != known_data_version_) {
        totals_.forget_presence();
        passing_keys_.forget();
        known_data_version_ = version;
    }
}

void MessageStore::flush() {
    totals_.flush();
}

void MessageStore::rolled_back() {
    totals_.discard();
    passing_keys_.forget();
}

Verdict MessageStore::add(Submission& submission, Guard guard) {
    if (submission.skip_known_bytes) {
        if (const auto known = messages_.find(submission.receipt.sha256)) {
            Verdict verdict;
            verdict.status = Verdict::Status::already_known;
            verdict.message_id = known->id;
            verdict.outcome = known->outcome;
            return verdict;
        }
    }
    if (guard == Guard::savepoint) {
        savepoint_.run();
    }
    Rows rows;
    try {
        rows = insert(submission);
    } catch (const DatabaseError& error) {
        if (!fault_of_message(error) || !database_.in_transaction()) {
            throw;
        }
        if (guard == Guard::none) {
            throw RowsRefused(error.code(), error.what());
        }
        rollback_to_.run();
        passing_keys_.forget();
        Verdict verdict = insert_raw(submission, error.what());
        release_.run();
        return verdict;
    }
    if (guard == Guard::savepoint) {
        release_.run();
    }
    // Sums are pending in memory only for rows that are there.
    for (std::size_t i = 0; i < rows.reports.size(); ++i) {
        const auto* report = std::get_if<schema::AggregateReport>(&submission.reports[i]);
        if (report != nullptr && rows.reports[i].stored && rows.reports[i].counted) {
            count(*report, submission.receipt);
        }
    }
    return rows.verdict;
}

void MessageStore::count(const schema::AggregateReport& report, const Receipt& receipt) {
    if (report.records.size() > kBigReport) {
        totals_.flush();
    }
    totals_.open(head_of(report, receipt.received_at), Totals::Direction::add);
    for (std::size_t at = 0; at < report.records.size(); at += kRun) {
        totals_.records(
            std::span(report.records).subspan(at, std::min(kRun, report.records.size() - at)));
        if (totals_.pending() > kMaxPendingSources) {
            totals_.flush();
        }
    }
    totals_.close();
}

void MessageStore::keep_original(std::int64_t message_id, const Submission& submission) {
    if (!submission.original_missing) {
        messages_.insert_original(message_id, submission.receipt.sha256, submission.original);
    } else if (submission.original_pruned_at) {
        database_.prepare("UPDATE messages SET pruned_at = ?2 WHERE id = ?1")
            .bind(1, message_id)
            .bind(2, submission.original_pruned_at)
            .run();
    }
}

MessageStore::Rows MessageStore::insert(Submission& submission) {
    Rows rows;
    const Receipt& receipt = submission.receipt;
    rows.message_id = messages_.insert(receipt, submission.outcome, submission.detail);
    keep_original(rows.message_id, submission);
    ReportPlace place;
    place.message_id = rows.message_id;
    for (auto& report : submission.reports) {
        ++place.position;
        note_odd_range(report, receipt.received_at);
        rows.reports.push_back(
            std::visit([&](auto& value) { return insert_report(value, receipt, place); }, report));
    }
    insert_findings(rows.message_id, submission, rows.reports);
    settle_outcome(submission, rows);
    if (rows.verdict.outcome == Outcome::duplicate &&
        std::any_of(submission.reports.begin(), submission.reports.end(), [](const auto& report) {
            return std::holds_alternative<schema::FailureReport>(report);
        })) {
        forget_sample_mail(database_, rows.message_id);
    }
    return rows;
}

void MessageStore::settle_outcome(const Submission& submission, Rows& rows) {
    Verdict& verdict = rows.verdict;
    verdict.status = Verdict::Status::committed;
    verdict.message_id = rows.message_id;
    verdict.outcome = submission.outcome;
    verdict.detail = submission.detail;
    std::optional<std::int64_t> duplicate_of;
    for (const auto& report : rows.reports) {
        verdict.reports += report.stored ? 1 : 0;
        verdict.conflicts += report.conflict ? 1 : 0;
        if (!report.stored && !duplicate_of && report.duplicate_of != rows.message_id) {
            duplicate_of = report.duplicate_of;
        }
    }
    if (verdict.reports > 0) {
        verdict.outcome = Outcome::report;
        duplicate_of.reset();
    } else if (!rows.reports.empty()) {
        // Every report was known; a part at fault beside them weighs more.
        const auto fault =
            std::find_if(submission.findings.begin(), submission.findings.end(),
                         [](const schema::Finding& finding) { return finding.code.fault; });
        verdict.outcome = Outcome::duplicate;
        if (fault != submission.findings.end()) {
            verdict.outcome = Outcome::unreadable;
            verdict.detail = fault->code.code;
            if (!fault->detail.empty()) {
                verdict.detail += ": " + fault->detail;
            }
        }
    }
    if (verdict.outcome != Outcome::duplicate) {
        duplicate_of.reset();
    }
    if (verdict.outcome != submission.outcome || duplicate_of) {
        messages_.settle(rows.message_id, verdict.outcome, verdict.detail, duplicate_of);
    }
}

Verdict MessageStore::insert_raw(const Submission& submission, const std::string& why) {
    Verdict verdict;
    verdict.status = Verdict::Status::committed;
    verdict.outcome = Outcome::unreadable;
    verdict.detail = std::string(finding::kStoreFailed.code);
    verdict.message_id = messages_.insert(submission.receipt, Outcome::unreadable, verdict.detail);
    keep_original(verdict.message_id, submission);
    const schema::Finding finding{finding::kStoreFailed, {}, why};
    messages_.insert_finding(verdict.message_id, 1, finding, {});
    return verdict;
}

void MessageStore::insert_findings(std::int64_t message_id,
                                   const Submission& submission,
                                   const std::vector<StoredReport>& reports) {
    // What was met on the way to the only report belongs to its reporter.
    const FindingOwner only = reports.size() == 1 ? reports.front().owner : FindingOwner{};
    std::int64_t position = 0;
    for (const auto& finding : submission.findings) {
        messages_.insert_finding(message_id, ++position, finding, only);
    }
    for (std::size_t i = 0; i < reports.size(); ++i) {
        for (const auto& finding : findings_of(submission.reports[i])) {
            messages_.insert_finding(message_id, ++position, finding, reports[i].owner);
        }
    }
}

MessageStore::StoredReport MessageStore::insert_report(schema::AggregateReport& report,
                                                       const Receipt& receipt,
                                                       const ReportPlace& place) {
    StoredReport stored;
    const auto known = identities_.find(report);
    for (const auto& other : known) {
        if (other.content == report.content_sha256) {
            stored.duplicate_of = other.message_id;
            return stored;
        }
    }
    ReportPlace where = place;
    where.conflict = !known.empty();
    where.counted = known.empty();
    for (const auto& other : known) {
        if (!other.conflict) {
            identities_.set_aggregate_flags(other.id, true, other.counted);
        }
    }
    const std::int64_t time =
        ReportRange{report.begin_at, report.end_at, receipt.received_at}.time();
    passing_keys_.settle(report, time);
    passing_keys_.remember(report, time);
    stored.owner.aggregate_report_id = rows_.insert(report, where);
    stored.stored = true;
    stored.conflict = where.conflict;
    stored.counted = where.counted;
    return stored;
}

MessageStore::StoredReport MessageStore::insert_report(schema::FailureReport& report,
                                                       const Receipt& receipt,
                                                       const ReportPlace& place) {
    StoredReport stored;
    if (const auto known = identities_.find(report, receipt.message_id); !known.empty()) {
        // The message itself is among the mails with its Message-ID.
        stored.duplicate_of = known.front().message_id;
        return stored;
    }
    stored.owner.failure_report_id = rows_.insert(report, place);
    stored.stored = true;
    return stored;
}

MessageStore::StoredReport MessageStore::insert_report(schema::TlsReport& report,
                                                       const Receipt& /*receipt*/,
                                                       const ReportPlace& place) {
    StoredReport stored;
    const auto known = identities_.find(report);
    for (const auto& other : known) {
        if (other.content == report.content_sha256) {
            stored.duplicate_of = other.message_id;
            return stored;
        }
    }
    ReportPlace where = place;
    where.conflict = !known.empty();
    where.counted = known.empty();
    for (const auto& other : known) {
        if (!other.conflict) {
            identities_.set_tls_flags(other.id, true, other.counted);
        }
    }
    stored.owner.tls_report_id = rows_.insert(report, where);
    stored.stored = true;
    stored.conflict = where.conflict;
    stored.counted = where.counted;
    return stored;
}

}  // namespace dmarcbox::storage
