#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "schema/report.hpp"
#include "storage/database.hpp"
#include "storage/totals.hpp"

namespace dmarcbox::storage {

/// Rows -> report structs: the way back of ReportRows. Findings are not loaded.
class ReportLoader {
  public:
    explicit ReportLoader(Database& database);

    /// What the totals file a report under; nullopt if there is no such report.
    [[nodiscard]] std::optional<ReportHead> head(std::int64_t aggregate_report_id);

    /// The records in runs of at most 4,096, so that a report of a million takes no more memory.
    /// `evidence.token` is as stored, `evidence.final` true.
    using Records = std::function<void(std::span<const schema::AggregateRecord>)>;
    void records(std::int64_t aggregate_report_id, const Records& take);
    /// One of them; nullopt if the report has no record of this id.
    [[nodiscard]] std::optional<schema::AggregateRecord> record(std::int64_t aggregate_report_id,
                                                                std::int64_t id);

    [[nodiscard]] std::optional<schema::AggregateReport> aggregate(std::int64_t id);
    [[nodiscard]] std::optional<schema::FailureReport> failure(std::int64_t id);
    [[nodiscard]] std::optional<schema::TlsReport> tls(std::int64_t id);

  private:
    [[nodiscard]] schema::AggregateRecord current(const Statement& row);

    Statement head_;
    Statement records_;
    Statement record_;
    Statement reasons_;
    Statement dkim_;
    Statement spf_;
    Statement aggregate_;
    Statement failure_;
    Statement fields_;
    Statement headers_;
    Statement tls_;
    Statement policies_;
    Statement tls_failures_;
};

/// Adds a stored report to totals, or takes it back.
void total_stored_report(ReportLoader& loader,
                         Totals& totals,
                         std::int64_t aggregate_report_id,
                         Totals::Direction direction);

}  // namespace dmarcbox::storage
