#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>

#include "storage/database.hpp"
#include "storage/report_loader.hpp"
#include "storage/submission.hpp"

namespace dmarcbox::storage {

/// The messages of another dmarcbox database, as submissions for a Writer: receipt, original,
/// findings and reports as stored there, so that messages whose original is pruned come along too.
/// Identity, re-sends and conflicts are settled again by the database that takes them, evidence
/// too. Identical bytes known there make no second row.
class MergeSource {
  public:
    /// Read-only. Throws DatabaseError as Database does.
    explicit MergeSource(const std::filesystem::path& path);

    [[nodiscard]] std::int64_t messages();
    /// The next message in order of id; nullopt at the end.
    [[nodiscard]] std::optional<Submission> next();
    /// Aggregate and TLS reports left out so far, because retention had removed their records:
    /// their sums are in the totals of the other database only.
    [[nodiscard]] std::int64_t pruned_reports() const { return pruned_reports_; }

  private:
    void load_findings(std::int64_t message_id, Submission& submission);
    void load_reports(std::int64_t message_id, Submission& submission);

    Database database_;
    ReportLoader loader_;
    std::int64_t last_id_ = 0;
    std::int64_t pruned_reports_ = 0;
};

}  // namespace dmarcbox::storage
