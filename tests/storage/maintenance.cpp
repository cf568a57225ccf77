#include "maintenance.hpp"

#include <utility>

#include "schema/content_hash.hpp"
#include "storage/originals.hpp"
#include "storage/verify.hpp"
#include "support.hpp"

namespace dmarcbox::storage::test {

schema::FailureReport failure_report() {
    schema::FailureReport made;
    made.feedback_type = "auth-failure";
    made.reported_domain = "example.org";
    made.source_ip = "203.0.113.201";
    made.arrived_at = kBegin;
    made.original_rcpt_to = "someone@reporter.example";
    made.sample_from = "ceo@example.org";
    made.sample_subject = "invoice";
    made.fields.push_back({"Source-IP", "203.0.113.201", " 203.0.113.201"});
    made.headers.push_back({"Received", "from a by b", " from a\r\n by b"});
    made.content_sha256 = digest_of("failure");
    return made;
}

schema::TlsReport tls_report() {
    schema::TlsReport made;
    made.org_name = "Reporter";
    made.report_id = "t1";
    made.begin_at = kBegin;
    made.end_at = kBegin + kDay - 1;
    made.policies.push_back({"sts", "example.org", {}, {}, 100, 5, {}});
    made.policies.back().failures.push_back(
        {"certificate-expired", "192.0.2.1", "mx.example.org", {}, {}, 3, {}, {}});
    made.content_sha256 = schema::content_hash(made);
    return made;
}

Submission compressed(std::string_view name, std::vector<schema::Report> reports, int day) {
    auto made = message(name, std::move(reports), day);
    const std::string bytes = std::string(name) + std::string(1000, '.');
    made.receipt.sha256 = digest_of(bytes);
    made.original.sha256 = made.receipt.sha256;
    made.original.size = static_cast<std::int64_t>(bytes.size());
    made.original.content = compress_original(bytes);
    return made;
}

void add_one_of_each(Store& store) {
    (void)store.add(compressed(
        "a", {report("Reporter", "1",
                     {record("192.0.2.1", 10, "dkim"), record("203.0.113.7", 3, "nothing")})}));
    (void)store.add(compressed("a again", {report("Reporter", "1",
                                                  {record("192.0.2.1", 10, "dkim"),
                                                   record("203.0.113.7", 3, "nothing")})}));
    (void)store.add(
        compressed("conflict", {report("Reporter", "1", {record("192.0.2.1", 11, "dkim")})}));
    (void)store.add(compressed("failure", {failure_report()}));
    (void)store.add(compressed("tls", {tls_report()}));
    auto broken = compressed("broken", {});
    broken.outcome = Outcome::unreadable;
    broken.detail = "xml_broken";
    broken.findings.push_back({{"xml_broken", "xml", true}, "2", "ends early"});
    (void)store.add(broken);
    (void)store.add(compressed("spam", {}));
    (void)store.add(
        compressed("b", {report("Other", "2", {record("192.0.2.1", 5, "dkim")}, 40)}, 40));
}

PruneResult prune_all(Database& database, const RetentionRules& rules, std::int64_t now) {
    PruneResult result;
    Pruner pruner(database, rules, now);
    for (int i = 0; i < 1000 && pruner.step(result); ++i) {
    }
    return result;
}

std::string figures(const PruneResult& r) {
    std::string line;
    for (const auto value : {r.originals, r.aggregate_reports, r.aggregate_records, r.tls_reports,
                             r.failure_reports, r.refusal_days}) {
        line += std::to_string(value) + " ";
    }
    return line;
}

RetentionRules keep_all() {
    RetentionRules rules;
    rules.originals_days = rules.unreadable_days = rules.failure_originals_days = 0;
    rules.failure_reports_days = rules.other_days = rules.reports_days = 0;
    rules.max_other_bytes = 0;
    return rules;
}

std::string problems(Database& database) {
    std::string lines;
    for (const auto& line : verify(database, {}).problems) {
        lines += line + '\n';
    }
    return lines;
}

}  // namespace dmarcbox::storage::test
