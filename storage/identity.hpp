#pragma once

#include <cstdint>
#include <vector>

#include "schema/report.hpp"
#include "storage/database.hpp"

namespace dmarcbox::storage {

/// A stored report of one identity.
struct KnownReport {
    std::int64_t id = 0;
    std::int64_t message_id = 0;
    std::int64_t position = 0;
    schema::Digest content{};
    bool conflict = false;
    bool counted = false;
    bool pruned = false;
};

/// Finds the stored reports with the identity of a report (design: aggregate by org_name,
/// report_id, domain, begin_at, end_at; TLS by org_name, report_id, begin_at, end_at, policy
/// domains; without report id by content alone; failure by Message-ID of the report mail and
/// content). Ordered by (message_id, position). Absent compares equal to absent.
class Identities {
  public:
    explicit Identities(Database& database);

    [[nodiscard]] std::vector<KnownReport> find(const schema::AggregateReport& report);
    [[nodiscard]] std::vector<KnownReport> find(const schema::TlsReport& report);
    [[nodiscard]] std::vector<KnownReport> find(const schema::FailureReport& report,
                                                std::string_view mail_message_id);

    void set_aggregate_flags(std::int64_t id, bool conflict, bool counted);
    void set_tls_flags(std::int64_t id, bool conflict, bool counted);

  private:
    Statement aggregate_;
    Statement aggregate_by_content_;
    Statement tls_;
    Statement tls_by_content_;
    Statement failure_;
    Statement flag_aggregate_;
    Statement flag_tls_;
};

}  // namespace dmarcbox::storage
