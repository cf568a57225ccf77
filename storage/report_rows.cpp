#include "storage/report_rows.hpp"

#include <set>
#include <string>

namespace dmarcbox::storage {

namespace {

constexpr std::size_t kRun = 1000;  // records that wait in memory: some 500 bytes each

/// Binds the parameters of one row in order.
class Row {
  public:
    explicit Row(Statement& statement) : statement_(statement) {}

    template <typename Value>
    Row& add(const Value& value) {
        statement_.bind(++index_, value);
        return *this;
    }
    Row& add(const schema::Digest& digest) {
        statement_.bind_blob(++index_, digest);
        return *this;
    }
    Row& add(const std::string& text) {
        statement_.bind(++index_, std::string_view(text));
        return *this;
    }
    Row& add(bool flag) {
        statement_.bind(++index_, std::int64_t{flag ? 1 : 0});
        return *this;
    }
    void run() { statement_.run(); }

  private:
    Statement& statement_;
    int index_ = 0;
};

}  // namespace

ReportRows::ReportRows(Database& database)
    : database_(database),
      aggregate_(database.prepare(
          "INSERT INTO aggregate_reports (id, message_id, position, org_name, org_email, "
          "extra_contact_info, report_id, begin_at, end_at, domain, adkim, aspf, p, sp, np, pct, "
          "fo, testing, discovery_method, version, namespace, generator, errors, record_count, "
          "message_count, content_sha256, conflict, counted) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,"
          "?,?,?,?,?,?,?,?,?,?,?,?,?)")),
      update_aggregate_(database.prepare(
          "UPDATE aggregate_reports SET (org_email, extra_contact_info, adkim, aspf, p, sp, np, "
          "pct, fo, testing, discovery_method, version, namespace, generator, errors, "
          "record_count, message_count) = "
          "(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17) WHERE id = ?18 AND "
          "(org_email, extra_contact_info, adkim, aspf, p, sp, np, "
          "pct, fo, testing, discovery_method, version, namespace, generator, errors, "
          "record_count, message_count) IS NOT "
          "(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17)")),
      last_record_(database.prepare("SELECT max(id) FROM aggregate_records")),
      records_(database,
               {"aggregate_records (id, aggregate_report_id, source_ip, count, disposition, dkim, "
                "spf, header_from, envelope_from, envelope_to, evidence)"}),
      reasons_(database, {"aggregate_reasons (aggregate_record_id, position, type, comment)"}),
      dkim_(database,
            {"aggregate_dkim (aggregate_record_id, position, domain, selector, result, "
             "human_result)"}),
      spf_(database,
           {"aggregate_spf (aggregate_record_id, position, domain, scope, result, human_result)"}),
      failure_(database.prepare(
          "INSERT INTO failure_reports (id, message_id, position, feedback_type, auth_failure, "
          "delivery_result, identity_alignment, arrived_at, source_ip, source_port, reporting_mta, "
          "reported_domain, original_mail_from, original_rcpt_to, dkim_domain, dkim_selector, "
          "dkim_identity, authentication_results, incidents, user_agent, sample_from, sample_to, "
          "sample_subject, sample_date_at, sample_message_id, content_sha256) VALUES "
          "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")),
      field_(
          database.prepare("INSERT INTO failure_fields (failure_report_id, position, name, value) "
                           "VALUES (?,?,?,?)")),
      header_(database.prepare(
          "INSERT INTO failure_headers (failure_report_id, position, name, value, raw) "
          "VALUES (?,?,?,?,?)")),
      tls_(database.prepare(
          "INSERT INTO tls_reports (id, message_id, position, org_name, contact_info, report_id, "
          "begin_at, end_at, policy_domains, content_sha256, conflict, counted) VALUES "
          "(?,?,?,?,?,?,?,?,?,?,?,?)")),
      policy_(database.prepare(
          "INSERT INTO tls_policies (tls_report_id, policy_type, policy_domain, policy_string, "
          "mx_host, success_count, failure_count) VALUES (?,?,?,?,?,?,?)")),
      tls_failure_(database.prepare(
          "INSERT INTO tls_failures (tls_policy_id, position, result_type, sending_mta_ip, "
          "receiving_mx_hostname, receiving_mx_helo, receiving_ip, failed_session_count, "
          "additional_information, failure_reason_code) VALUES (?,?,?,?,?,?,?,?,?,?)")) {}

std::int64_t ReportRows::insert(const schema::AggregateReport& report, const ReportPlace& place) {
    Row(aggregate_)
        .add(place.id)
        .add(place.message_id)
        .add(place.position)
        .add(report.org_name)
        .add(report.org_email)
        .add(report.extra_contact_info)
        .add(report.report_id)
        .add(report.begin_at)
        .add(report.end_at)
        .add(report.domain)
        .add(report.adkim)
        .add(report.aspf)
        .add(report.p)
        .add(report.sp)
        .add(report.np)
        .add(report.pct)
        .add(report.fo)
        .add(report.testing)
        .add(report.discovery_method)
        .add(report.version)
        .add(report.xml_namespace)
        .add(report.generator)
        .add(report.errors)
        .add(report.record_count)
        .add(report.message_count())
        .add(report.content_sha256)
        .add(place.conflict)
        .add(place.counted)
        .run();
    const std::int64_t id = database_.last_insert_rowid();
    insert_records(report, id);
    return id;
}

void ReportRows::insert_records(const schema::AggregateReport& report, std::int64_t report_id) {
    clear_records();  // what a report left that failed half-way
    std::int64_t id = last_record_.step() ? last_record_.integer(0) : 0;
    last_record_.reset();
    for (const auto& record : report.records) {
        add_record(record, report_id, ++id);
        if (records_.rows() == kRun) {
            write_records();
        }
    }
    write_records();
}

void ReportRows::add_record(const schema::AggregateRecord& record,
                            std::int64_t report_id,
                            std::int64_t id) {
    records_.add(id)
        .add(report_id)
        .add(record.source_ip)
        .add(record.count)
        .add(record.disposition)
        .add(record.dkim)
        .add(record.spf)
        .add(record.header_from)
        .add(record.envelope_from)
        .add(record.envelope_to)
        .add(record.evidence.token);
    std::int64_t position = 0;
    for (const auto& reason : record.reasons) {
        reasons_.add(id).add(++position).add(reason.type).add(reason.comment);
    }
    position = 0;
    for (const auto& result : record.dkim_results) {
        dkim_.add(id)
            .add(++position)
            .add(result.domain)
            .add(result.selector)
            .add(result.result)
            .add(result.human_result);
    }
    position = 0;
    for (const auto& result : record.spf_results) {
        spf_.add(id)
            .add(++position)
            .add(result.domain)
            .add(result.scope)
            .add(result.result)
            .add(result.human_result);
    }
}

void ReportRows::write_records() {
    records_.write();
    reasons_.write();
    dkim_.write();
    spf_.write();
}

void ReportRows::clear_records() {
    records_.clear();
    reasons_.clear();
    dkim_.clear();
    spf_.clear();
}

bool ReportRows::update(const schema::AggregateReport& report, std::int64_t report_id) {
    Row(update_aggregate_)
        .add(report.org_email)
        .add(report.extra_contact_info)
        .add(report.adkim)
        .add(report.aspf)
        .add(report.p)
        .add(report.sp)
        .add(report.np)
        .add(report.pct)
        .add(report.fo)
        .add(report.testing)
        .add(report.discovery_method)
        .add(report.version)
        .add(report.xml_namespace)
        .add(report.generator)
        .add(report.errors)
        .add(report.record_count)
        .add(report.message_count())
        .add(report_id)
        .run();
    return database_.changes() > 0;
}

std::int64_t ReportRows::insert(const schema::FailureReport& report, const ReportPlace& place) {
    Row(failure_)
        .add(place.id)
        .add(place.message_id)
        .add(place.position)
        .add(report.feedback_type)
        .add(report.auth_failure)
        .add(report.delivery_result)
        .add(report.identity_alignment)
        .add(report.arrived_at)
        .add(report.source_ip)
        .add(report.source_port)
        .add(report.reporting_mta)
        .add(report.reported_domain)
        .add(report.original_mail_from)
        .add(report.original_rcpt_to)
        .add(report.dkim_domain)
        .add(report.dkim_selector)
        .add(report.dkim_identity)
        .add(report.authentication_results)
        .add(report.incidents)
        .add(report.user_agent)
        .add(report.sample_from)
        .add(report.sample_to)
        .add(report.sample_subject)
        .add(report.sample_date_at)
        .add(report.sample_message_id)
        .add(report.content_sha256)
        .run();
    const std::int64_t id = database_.last_insert_rowid();
    std::int64_t position = 0;
    for (const auto& field : report.fields) {
        Row(field_).add(id).add(++position).add(field.name).add(field.value).run();
    }
    position = 0;
    for (const auto& header : report.headers) {
        Row(header_)
            .add(id)
            .add(++position)
            .add(header.name)
            .add(header.value)
            .add(header.raw)
            .run();
    }
    return id;
}

std::int64_t ReportRows::insert(const schema::TlsReport& report, const ReportPlace& place) {
    const std::string domains = policy_domains(report);
    Row(tls_)
        .add(place.id)
        .add(place.message_id)
        .add(place.position)
        .add(report.org_name)
        .add(report.contact_info)
        .add(report.report_id)
        .add(report.begin_at)
        .add(report.end_at)
        .add(domains)
        .add(report.content_sha256)
        .add(place.conflict)
        .add(place.counted)
        .run();
    const std::int64_t id = database_.last_insert_rowid();
    for (const auto& policy : report.policies) {
        Row(policy_)
            .add(id)
            .add(policy.policy_type)
            .add(policy.policy_domain)
            .add(policy.policy_string)
            .add(policy.mx_host)
            .add(policy.success_count)
            .add(policy.failure_count)
            .run();
        const std::int64_t policy_id = database_.last_insert_rowid();
        std::int64_t position = 0;
        for (const auto& failure : policy.failures) {
            Row(tls_failure_)
                .add(policy_id)
                .add(++position)
                .add(failure.result_type)
                .add(failure.sending_mta_ip)
                .add(failure.receiving_mx_hostname)
                .add(failure.receiving_mx_helo)
                .add(failure.receiving_ip)
                .add(failure.failed_session_count)
                .add(failure.additional_information)
                .add(failure.failure_reason_code)
                .run();
        }
    }
    return id;
}

std::string policy_domains(const schema::TlsReport& report) {
    std::set<std::string_view> names;
    for (const auto& policy : report.policies) {
        if (!policy.policy_domain.empty()) {
            names.insert(policy.policy_domain);
        }
    }
    std::string joined;
    for (const auto name : names) {
        if (!joined.empty()) {
            joined += ' ';
        }
        joined += name;
    }
    return joined;
}

}  // namespace dmarcbox::storage
