#include "storage/identity.hpp"

#include <algorithm>

#include "storage/report_rows.hpp"

namespace dmarcbox::storage {

namespace {

std::vector<KnownReport> collect(Statement& statement) {
    std::vector<KnownReport> found;
    while (statement.step()) {
        KnownReport known;
        known.id = statement.integer(0);
        known.message_id = statement.integer(1);
        known.position = statement.integer(2);
        const auto content = statement.blob(3);
        std::copy_n(content.begin(), std::min(content.size(), known.content.size()),
                    known.content.begin());
        known.conflict = statement.integer(4) != 0;
        known.counted = statement.integer(5) != 0;
        known.pruned = !statement.is_null(6);
        found.push_back(known);
    }
    statement.reset();
    return found;
}

}  // namespace

Identities::Identities(Database& database)
    : aggregate_(database.prepare(
          "SELECT id, message_id, position, content_sha256, conflict, counted, pruned_at "
          "FROM aggregate_reports WHERE begin_at IS ?1 AND domain IS ?2 AND report_id IS ?3 "
          "AND org_name IS ?4 AND end_at IS ?5 ORDER BY message_id, position")),
      aggregate_by_content_(database.prepare(
          "SELECT id, message_id, position, content_sha256, conflict, counted, pruned_at "
          "FROM aggregate_reports WHERE report_id IS NULL AND content_sha256 = ?1 "
          "ORDER BY message_id, position")),
      tls_(database.prepare(
          "SELECT id, message_id, position, content_sha256, conflict, counted, pruned_at "
          "FROM tls_reports WHERE begin_at IS ?1 AND report_id IS ?2 AND org_name IS ?3 "
          "AND end_at IS ?4 AND policy_domains IS ?5 ORDER BY message_id, position")),
      tls_by_content_(database.prepare(
          "SELECT id, message_id, position, content_sha256, conflict, counted, pruned_at "
          "FROM tls_reports WHERE report_id IS NULL AND content_sha256 = ?1 "
          "ORDER BY message_id, position")),
      failure_(database.prepare(
          "SELECT f.id, f.message_id, f.position, f.content_sha256, 0, 1, f.pruned_at "
          "FROM failure_reports f JOIN messages m ON m.id = f.message_id "
          "WHERE f.content_sha256 = ?1 AND m.message_id IS ?2 "
          "ORDER BY f.message_id, f.position")),
      flag_aggregate_(database.prepare(
          "UPDATE aggregate_reports SET conflict = ?2, counted = ?3 WHERE id = ?1")),
      flag_tls_(
          database.prepare("UPDATE tls_reports SET conflict = ?2, counted = ?3 WHERE id = ?1")) {}

std::vector<KnownReport> Identities::find(const schema::AggregateReport& report) {
    if (report.report_id.empty()) {
        aggregate_by_content_.bind_blob(1, report.content_sha256);
        return collect(aggregate_by_content_);
    }
    aggregate_.bind(1, report.begin_at)
        .bind(2, report.domain)
        .bind(3, report.report_id)
        .bind(4, report.org_name)
        .bind(5, report.end_at);
    return collect(aggregate_);
}

std::vector<KnownReport> Identities::find(const schema::TlsReport& report) {
    if (report.report_id.empty()) {
        tls_by_content_.bind_blob(1, report.content_sha256);
        return collect(tls_by_content_);
    }
    const std::string domains = policy_domains(report);
    tls_.bind(1, report.begin_at)
        .bind(2, report.report_id)
        .bind(3, report.org_name)
        .bind(4, report.end_at)
        .bind(5, domains);
    return collect(tls_);
}

std::vector<KnownReport> Identities::find(const schema::FailureReport& report,
                                          std::string_view mail_message_id) {
    failure_.bind_blob(1, report.content_sha256).bind(2, mail_message_id);
    return collect(failure_);
}

void Identities::set_aggregate_flags(std::int64_t id, bool conflict, bool counted) {
    flag_aggregate_.bind(1, id)
        .bind(2, std::int64_t{conflict ? 1 : 0})
        .bind(3, std::int64_t{counted ? 1 : 0})
        .run();
}

void Identities::set_tls_flags(std::int64_t id, bool conflict, bool counted) {
    flag_tls_.bind(1, id)
        .bind(2, std::int64_t{conflict ? 1 : 0})
        .bind(3, std::int64_t{counted ? 1 : 0})
        .run();
}

}  // namespace dmarcbox::storage
