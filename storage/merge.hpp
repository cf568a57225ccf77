#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "storage/database.hpp"
#include "storage/report_loader.hpp"
#include "storage/submission.hpp"

namespace dmarcbox::storage {

/// The messages of another dmarcbox database, as submissions for a Writer: receipt, original,
/// findings and reports as stored there, so that messages whose original is pruned come along too.
/// Identity, re-sends and conflicts are settled again by the database that takes them, evidence
/// too. Identical bytes known there make no second row.
///
/// Where retention removed the rows of a report, its original is to be read again; where that is
/// gone too, the message is left out, so that the file it came from can still be imported.
class MergeSource {
  public:
    /// Read-only. Throws DatabaseError as Database does.
    explicit MergeSource(const std::filesystem::path& path);

    [[nodiscard]] std::int64_t messages();
    struct Message {
        Submission submission;
        /// To be read for reports and findings, which the submission does not have then; its
        /// receipt and original are those to keep.
        std::optional<std::string> bytes;
        /// Of the failure reports in `bytes`, in order: a reduced original gives other hashes.
        std::vector<schema::Digest> failure_hashes;
    };
    /// The next message in order of id; nullopt at the end.
    [[nodiscard]] std::optional<Message> next();
    /// Reports left out so far, because retention had removed their rows and their originals: their
    /// sums are in the totals of the other database only.
    [[nodiscard]] std::int64_t pruned_reports() const { return pruned_reports_; }

  private:
    [[nodiscard]] std::optional<Message> load(std::int64_t id);
    void load_original_again(Message& message, std::int64_t id, std::int64_t holder);
    void load_findings(std::int64_t message_id, Submission& submission);
    void load_reports(std::int64_t message_id, Submission& submission);

    Database database_;
    ReportLoader loader_;
    std::int64_t last_id_ = 0;
    std::int64_t pruned_reports_ = 0;
};

}  // namespace dmarcbox::storage
