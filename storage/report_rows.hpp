#pragma once

#include <cstdint>
#include <optional>

#include "schema/report.hpp"
#include "storage/database.hpp"
#include "storage/row_batch.hpp"

namespace dmarcbox::storage {

/// Where a report stands and how it counts.
struct ReportPlace {
    std::int64_t message_id = 0;
    std::int64_t position = 0;  ///< of the report in its message, from 1
    bool conflict = false;
    bool counted = true;
    std::optional<std::int64_t> id;  ///< row id to keep; a new one if empty
};

/// Report -> bound statements, prepared once. Evidence tokens are final here. Returns the row id.
class ReportRows {
  public:
    explicit ReportRows(Database& database);

    std::int64_t insert(const schema::AggregateReport& report, const ReportPlace& place);
    std::int64_t insert(const schema::FailureReport& report, const ReportPlace& place);
    std::int64_t insert(const schema::TlsReport& report, const ReportPlace& place);

    void insert_records(const schema::AggregateReport& report, std::int64_t report_id);
    /// All columns but identity, place and flags. False if they were so already.
    bool update(const schema::AggregateReport& report, std::int64_t report_id);

  private:
    void add_record(const schema::AggregateRecord& record, std::int64_t report_id, std::int64_t id);
    void write_records();
    void clear_records();

    Database& database_;
    Statement aggregate_;
    Statement update_aggregate_;
    Statement last_record_;
    RowBatch records_;
    RowBatch reasons_;
    RowBatch dkim_;
    RowBatch spf_;
    Statement failure_;
    Statement field_;
    Statement header_;
    Statement tls_;
    Statement policy_;
    Statement tls_failure_;
};

/// The policy domains of a TLS report, each once, sorted, with a blank between: part of its
/// identity.
[[nodiscard]] std::string policy_domains(const schema::TlsReport& report);

}  // namespace dmarcbox::storage
