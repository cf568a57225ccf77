#include "support.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdio>

#include "schema/content_hash.hpp"

namespace dmarcbox::storage::test {

TempDir::TempDir() {
    static std::atomic<int> number{0};
    // Memory, where there is such a folder and it is for all (not in a bare root, for one): what is
    // tested is not the disk's speed.
    const std::filesystem::path memory = "/dev/shm";
    path_ =
        (::access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path()) /
        ("dmarcbox-" + std::to_string(::getpid()) + "-" + std::to_string(++number));
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
}

std::size_t TempDir::files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path_), {}));
}

TempDir::~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

schema::Digest digest_of(std::string_view text) {
    return schema::sha256(text);
}

schema::AggregateRecord record(std::string ip,
                               std::int64_t count,
                               std::string token,
                               std::string_view domain) {
    schema::AggregateRecord made;
    made.source_ip = std::move(ip);
    made.count = count;
    made.header_from = domain;
    made.dkim = token == "dkim" || token == "dkim+spf" ? "pass" : "fail";
    made.spf = token == "spf" || token == "dkim+spf" ? "pass" : "fail";
    made.disposition = "none";
    if (made.dkim == "pass") {
        made.dkim_results.push_back({std::string(domain), "s1", "pass", {}});
    }
    if (token.starts_with("signs-as:")) {
        made.dkim_results.push_back({token.substr(9), "k1", "pass", {}});
    }
    made.spf_results.push_back(
        {made.spf == "pass"               ? std::string(domain)
         : token.starts_with("sends-as:") ? token.substr(9)
                                          : "bounce.example",
         "mfrom",
         made.spf == "pass" || token.starts_with("sends-as:") ? "pass" : "none",
         {}});
    made.evidence.token = std::move(token);
    return made;
}

void hash(schema::AggregateReport& report) {
    report.content_sha256 = schema::content_hash(report);
}

schema::AggregateReport report(std::string org,
                               std::string id,
                               std::vector<schema::AggregateRecord> records,
                               int day,
                               std::string domain) {
    schema::AggregateReport made;
    made.org_email = "dmarc@" + org;
    made.org_name = std::move(org);
    made.report_id = std::move(id);
    made.domain = std::move(domain);
    made.begin_at = kBegin + day * kDay;
    made.end_at = *made.begin_at + kDay - 1;
    made.p = "none";
    made.adkim = "r";
    made.aspf = "r";
    made.record_count = static_cast<std::int64_t>(records.size());
    made.records = std::move(records);
    for (const auto& record : made.records) {
        if (record.dkim == "pass") {
            made.passing_keys = {{made.domain, "s1"}};
        }
    }
    hash(made);
    return made;
}

Submission message(std::string_view name, std::vector<schema::Report> reports, int day) {
    Submission made;
    made.receipt.received_at = kReceived + day * kDay;
    made.receipt.source = "smtp";
    made.receipt.peer_ip = "192.0.2.200";
    made.receipt.envelope_from = "<>";
    made.receipt.envelope_to = "rua@reports.example";
    made.receipt.header_from = "noreply@reporter.example";
    made.receipt.subject = "Report domain: " + std::string(name);
    made.receipt.message_id = std::string(name) + "@reporter.example";
    made.receipt.size = static_cast<std::int64_t>(name.size());
    made.receipt.sha256 = digest_of(name);
    made.original.content = std::string(name);
    made.original.size = made.receipt.size;
    made.original.sha256 = made.receipt.sha256;
    made.outcome = reports.empty() ? Outcome::other : Outcome::report;
    made.reports = std::move(reports);
    return made;
}

Store::Store(const std::filesystem::path& path)
    : database(path, Database::Mode::read_write), store(database) {}

Verdict Store::add(Submission submission) {
    Transaction transaction(database);
    store.begun();
    const Verdict verdict = store.add(submission);
    store.flush();
    transaction.commit();
    return verdict;
}

MessageStore::Replaced Store::replace(std::int64_t message_id, Submission submission) {
    Transaction transaction(database);
    store.begun();
    const auto replaced = store.replace(message_id, submission);
    store.flush();
    transaction.commit();
    return replaced;
}

std::string rows(Database& database, std::string_view sql) {
    std::string text;
    for (auto statement = database.prepare(sql); statement.step();) {
        for (int i = 0; i < statement.columns(); ++i) {
            text += i == 0 ? "" : "|";
            text += statement.text(i);
        }
        text += '\n';
    }
    return text;
}

}  // namespace dmarcbox::storage::test
