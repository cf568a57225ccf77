#include "storage/report_loader.hpp"

#include <algorithm>
#include <vector>

namespace dmarcbox::storage {

namespace {

constexpr std::size_t kRun = 4096;
// Sums pending in memory before they are written: 20 MB at most.
constexpr std::size_t kMaxPendingSources = 50'000;

constexpr std::string_view kRecordColumns =
    "SELECT id, source_ip, count, disposition, dkim, spf, header_from, envelope_from, envelope_to, "
    "evidence FROM aggregate_records";

/// Reads the columns of the current row in order.
class Columns {
  public:
    explicit Columns(const Statement& statement) : statement_(statement) {}
    Columns& get(std::string& text) {
        text = statement_.text(index_++);
        return *this;
    }
    Columns& get(std::int64_t& value) {
        value = statement_.integer(index_++);
        return *this;
    }
    Columns& get(std::optional<std::int64_t>& value) {
        if (statement_.is_null(index_)) {
            value.reset();
        } else {
            value = statement_.integer(index_);
        }
        ++index_;
        return *this;
    }
    Columns& get(schema::Digest& digest) {
        const auto bytes = statement_.blob(index_++);
        std::copy_n(bytes.begin(), std::min(bytes.size(), digest.size()), digest.begin());
        return *this;
    }

  private:
    const Statement& statement_;
    int index_ = 0;
};

}  // namespace

ReportLoader::ReportLoader(Database& database)
    : head_(database.prepare(
          "SELECT a.domain, a.org_name, a.begin_at, a.end_at, m.received_at "
          "FROM aggregate_reports a JOIN messages m ON m.id = a.message_id WHERE a.id = ?1")),
      records_(database.prepare(std::string(kRecordColumns) +
                                " WHERE aggregate_report_id = ?1 ORDER BY id")),
      record_(database.prepare(std::string(kRecordColumns) +
                               " WHERE id = ?2 AND aggregate_report_id = ?1")),
      reasons_(database.prepare(
          "SELECT type, comment FROM aggregate_reasons WHERE aggregate_record_id = ?1 "
          "ORDER BY position")),
      dkim_(database.prepare("SELECT domain, selector, result, human_result FROM aggregate_dkim "
                             "WHERE aggregate_record_id = ?1 ORDER BY position")),
      spf_(database.prepare("SELECT domain, scope, result, human_result FROM aggregate_spf "
                            "WHERE aggregate_record_id = ?1 ORDER BY position")),
      aggregate_(database.prepare(
          "SELECT org_name, org_email, extra_contact_info, report_id, begin_at, end_at, domain, "
          "adkim, aspf, p, sp, np, pct, fo, testing, discovery_method, version, namespace, "
          "generator, errors, record_count, content_sha256 FROM aggregate_reports "
          "WHERE id = ?1")),
      failure_(database.prepare(
          "SELECT feedback_type, auth_failure, delivery_result, identity_alignment, arrived_at, "
          "source_ip, source_port, reporting_mta, reported_domain, original_mail_from, "
          "original_rcpt_to, dkim_domain, dkim_selector, dkim_identity, authentication_results, "
          "incidents, user_agent, sample_from, sample_to, sample_subject, sample_date_at, "
          "sample_message_id, content_sha256 FROM failure_reports WHERE id = ?1")),
      fields_(
          database.prepare("SELECT name, value FROM failure_fields WHERE failure_report_id = ?1 "
                           "ORDER BY position")),
      headers_(database.prepare(
          "SELECT name, value, raw FROM failure_headers WHERE failure_report_id = ?1 "
          "ORDER BY position")),
      tls_(database.prepare(
          "SELECT org_name, contact_info, report_id, begin_at, end_at, content_sha256 "
          "FROM tls_reports WHERE id = ?1")),
      policies_(database.prepare(
          "SELECT id, policy_type, policy_domain, policy_string, mx_host, success_count, "
          "failure_count FROM tls_policies WHERE tls_report_id = ?1 ORDER BY id")),
      tls_failures_(database.prepare(
          "SELECT result_type, sending_mta_ip, receiving_mx_hostname, receiving_mx_helo, "
          "receiving_ip, failed_session_count, additional_information, failure_reason_code "
          "FROM tls_failures WHERE tls_policy_id = ?1 ORDER BY position")) {}

std::optional<ReportHead> ReportLoader::head(std::int64_t aggregate_report_id) {
    head_.bind(1, aggregate_report_id);
    std::optional<ReportHead> head;
    if (head_.step()) {
        head.emplace();
        Columns(head_)
            .get(head->domain)
            .get(head->org_name)
            .get(head->range.begin_at)
            .get(head->range.end_at)
            .get(head->range.received_at);
    }
    head_.reset();
    return head;
}

schema::AggregateRecord ReportLoader::current(const Statement& row) {
    schema::AggregateRecord record;
    std::int64_t id = 0;
    Columns(row)
        .get(id)
        .get(record.source_ip)
        .get(record.count)
        .get(record.disposition)
        .get(record.dkim)
        .get(record.spf)
        .get(record.header_from)
        .get(record.envelope_from)
        .get(record.envelope_to)
        .get(record.evidence.token);
    for (reasons_.bind(1, id); reasons_.step();) {
        auto& reason = record.reasons.emplace_back();
        Columns(reasons_).get(reason.type).get(reason.comment);
    }
    reasons_.reset();
    for (dkim_.bind(1, id); dkim_.step();) {
        auto& result = record.dkim_results.emplace_back();
        Columns(dkim_)
            .get(result.domain)
            .get(result.selector)
            .get(result.result)
            .get(result.human_result);
    }
    dkim_.reset();
    for (spf_.bind(1, id); spf_.step();) {
        auto& result = record.spf_results.emplace_back();
        Columns(spf_)
            .get(result.domain)
            .get(result.scope)
            .get(result.result)
            .get(result.human_result);
    }
    spf_.reset();
    return record;
}

std::optional<schema::AggregateRecord> ReportLoader::record(std::int64_t aggregate_report_id,
                                                            std::int64_t id) {
    record_.bind(1, aggregate_report_id).bind(2, id);
    std::optional<schema::AggregateRecord> record;
    if (record_.step()) {
        record = current(record_);
    }
    record_.reset();
    return record;
}

void ReportLoader::records(std::int64_t aggregate_report_id, const Records& take) {
    std::vector<schema::AggregateRecord> run;
    records_.bind(1, aggregate_report_id);
    while (records_.step()) {
        run.push_back(current(records_));
        if (run.size() == kRun) {
            take(run);
            run.clear();
        }
    }
    records_.reset();
    if (!run.empty()) {
        take(run);
    }
}

std::optional<schema::AggregateReport> ReportLoader::aggregate(std::int64_t id) {
    aggregate_.bind(1, id);
    if (!aggregate_.step()) {
        aggregate_.reset();
        return std::nullopt;
    }
    schema::AggregateReport report;
    Columns(aggregate_)
        .get(report.org_name)
        .get(report.org_email)
        .get(report.extra_contact_info)
        .get(report.report_id)
        .get(report.begin_at)
        .get(report.end_at)
        .get(report.domain)
        .get(report.adkim)
        .get(report.aspf)
        .get(report.p)
        .get(report.sp)
        .get(report.np)
        .get(report.pct)
        .get(report.fo)
        .get(report.testing)
        .get(report.discovery_method)
        .get(report.version)
        .get(report.xml_namespace)
        .get(report.generator)
        .get(report.errors)
        .get(report.record_count)
        .get(report.content_sha256);
    aggregate_.reset();
    records(id, [&](std::span<const schema::AggregateRecord> run) {
        report.records.insert(report.records.end(), run.begin(), run.end());
    });
    return report;
}

std::optional<schema::FailureReport> ReportLoader::failure(std::int64_t id) {
    failure_.bind(1, id);
    if (!failure_.step()) {
        failure_.reset();
        return std::nullopt;
    }
    schema::FailureReport report;
    Columns(failure_)
        .get(report.feedback_type)
        .get(report.auth_failure)
        .get(report.delivery_result)
        .get(report.identity_alignment)
        .get(report.arrived_at)
        .get(report.source_ip)
        .get(report.source_port)
        .get(report.reporting_mta)
        .get(report.reported_domain)
        .get(report.original_mail_from)
        .get(report.original_rcpt_to)
        .get(report.dkim_domain)
        .get(report.dkim_selector)
        .get(report.dkim_identity)
        .get(report.authentication_results)
        .get(report.incidents)
        .get(report.user_agent)
        .get(report.sample_from)
        .get(report.sample_to)
        .get(report.sample_subject)
        .get(report.sample_date_at)
        .get(report.sample_message_id)
        .get(report.content_sha256);
    failure_.reset();
    for (fields_.bind(1, id); fields_.step();) {
        auto& field = report.fields.emplace_back();
        Columns(fields_).get(field.name).get(field.value);
    }
    fields_.reset();
    for (headers_.bind(1, id); headers_.step();) {
        auto& header = report.headers.emplace_back();
        Columns(headers_).get(header.name).get(header.value).get(header.raw);
    }
    headers_.reset();
    return report;
}

std::optional<schema::TlsReport> ReportLoader::tls(std::int64_t id) {
    tls_.bind(1, id);
    if (!tls_.step()) {
        tls_.reset();
        return std::nullopt;
    }
    schema::TlsReport report;
    Columns(tls_)
        .get(report.org_name)
        .get(report.contact_info)
        .get(report.report_id)
        .get(report.begin_at)
        .get(report.end_at)
        .get(report.content_sha256);
    tls_.reset();
    for (policies_.bind(1, id); policies_.step();) {
        auto& policy = report.policies.emplace_back();
        std::int64_t policy_id = 0;
        Columns(policies_)
            .get(policy_id)
            .get(policy.policy_type)
            .get(policy.policy_domain)
            .get(policy.policy_string)
            .get(policy.mx_host)
            .get(policy.success_count)
            .get(policy.failure_count);
        for (tls_failures_.bind(1, policy_id); tls_failures_.step();) {
            auto& failure = policy.failures.emplace_back();
            Columns(tls_failures_)
                .get(failure.result_type)
                .get(failure.sending_mta_ip)
                .get(failure.receiving_mx_hostname)
                .get(failure.receiving_mx_helo)
                .get(failure.receiving_ip)
                .get(failure.failed_session_count)
                .get(failure.additional_information)
                .get(failure.failure_reason_code);
        }
        tls_failures_.reset();
    }
    policies_.reset();
    return report;
}

void total_stored_report(ReportLoader& loader,
                         Totals& totals,
                         std::int64_t aggregate_report_id,
                         Totals::Direction direction) {
    const auto head = loader.head(aggregate_report_id);
    if (!head) {
        return;
    }
    totals.open(*head, direction);
    loader.records(aggregate_report_id, [&](std::span<const schema::AggregateRecord> run) {
        totals.records(run);
        if (totals.pending() > kMaxPendingSources) {
            totals.flush();
        }
    });
    totals.close();
}

}  // namespace dmarcbox::storage
