// store_size RECORDS [--originals] [--db FILE] [--keep]
//
// Writes RECORDS aggregate records, 20 reports a commit, through the code that the writer thread
// runs; prints records/s of the first and last tenth (wall clock, and CPU of the writing thread,
// which says what a quiet machine would do), bytes per record, and the time that the plain sqlite3
// shell needs for each view. Making the reports is not timed.
#include <sys/wait.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "storage/message_store.hpp"
#include "storage/migrate.hpp"

namespace {

using namespace dmarcbox;

// 20 domains with 400 regular sources each, used unevenly; one record in 50 is from an address
// never seen before. Each of 15 reporters sends a report for each domain and day, of 20 records on
// average; the domains of a commit all differ.
constexpr std::size_t kDomains = 20;
constexpr std::size_t kSources = 400;
constexpr std::size_t kReporters = 15;
constexpr std::int64_t kFirstDay = 1735689600;  // 2025-01-01
constexpr std::int64_t kDay = 86400;

class Traffic {
  public:
    Traffic(bool originals) : originals_(originals) {}

    storage::Submission make() {
        const std::size_t number = number_++;
        const std::size_t domain = number % kDomains;
        const std::size_t reporter = number / kDomains % kReporters;
        const std::int64_t day = static_cast<std::int64_t>(number / (kDomains * kReporters));
        schema::AggregateReport report;
        report.org_name = "Reporter " + std::to_string(reporter);
        report.org_email = "noreply-dmarc@reporter" + std::to_string(reporter) + ".example";
        report.report_id = std::to_string(random_());
        report.domain = "example" + std::to_string(domain) + ".org";
        report.begin_at = kFirstDay + day * kDay;
        report.end_at = *report.begin_at + kDay - 1;
        report.adkim = report.aspf = "r";
        report.p = report.sp = "none";
        report.pct = 100;
        const std::size_t records = 1 + below(39);
        report.record_count = static_cast<std::int64_t>(records);
        for (std::size_t i = 0; i < records; ++i) {
            report.records.push_back(record(report.domain, domain));
        }
        report.passing_keys = {{report.domain, "s1"}};
        for (auto& byte : report.content_sha256) {
            byte = static_cast<std::uint8_t>(random_());
        }
        storage::Submission submission;
        auto& receipt = submission.receipt;
        receipt.received_at = *report.end_at + 4 * 3600;
        receipt.source = "smtp";
        receipt.peer_ip = "192.0.2." + std::to_string(reporter);
        receipt.helo = "mail.reporter.example";
        receipt.envelope_from = "noreply-dmarc@reporter.example";
        receipt.envelope_to = "rua@reports.example";
        receipt.header_from = report.org_email;
        receipt.subject = "Report domain: " + report.domain + " Submitter: " + report.org_name;
        receipt.message_id = report.report_id + "@reporter.example";
        receipt.size = static_cast<std::int64_t>(1000 + 100 * records);
        for (auto& byte : receipt.sha256) {
            byte = static_cast<std::uint8_t>(random_());
        }
        if (originals_) {
            // What zlib leaves of such a report.
            submission.original.content.resize(500 + 30 * records);
            for (auto& byte : submission.original.content) {
                byte = static_cast<char>(random_());
            }
        }
        submission.original.size = receipt.size;
        submission.outcome = storage::Outcome::report;
        submission.reports.emplace_back(std::move(report));
        return submission;
    }

  private:
    std::size_t below(std::size_t bound) { return random_() % bound; }

    schema::AggregateRecord record(const std::string& domain, std::size_t number) {
        schema::AggregateRecord made;
        const std::size_t a = below(kSources);
        const std::size_t source = a * below(kSources) / kSources;  // uneven
        if (below(50) == 0) {
            made.source_ip = "198." + std::to_string(18 + below(2)) + "." +
                             std::to_string(below(256)) + "." + std::to_string(below(256));
        } else {
            made.source_ip = std::to_string(20 + number) + ".0." + std::to_string(source / 16) +
                             "." + std::to_string(source % 16);
        }
        made.count = static_cast<std::int64_t>(1 + below(40));
        made.disposition = "none";
        made.header_from = domain;
        const std::size_t kind = source % 10;
        const bool dkim = kind < 7;
        const bool spf = kind < 6 || kind == 7;
        made.dkim = dkim ? "pass" : "fail";
        made.spf = spf ? "pass" : "fail";
        const std::string esp = "esp" + std::to_string(source % 23) + ".example";
        made.dkim_results.push_back(
            {dkim ? domain : esp, "s1", dkim || kind == 8 ? "pass" : "fail", {}});
        made.spf_results.push_back({spf ? domain : esp, "mfrom", spf ? "pass" : "softfail", {}});
        made.evidence.token = dkim && spf ? "dkim+spf"
                              : dkim      ? "dkim"
                              : spf       ? "spf"
                              : kind == 8 ? "signs-as:" + esp
                                          : "nothing";
        return made;
    }

    bool originals_;
    std::mt19937_64 random_{1};
    std::size_t number_ = 0;
};

double cpu_seconds() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

struct Span {
    double wall = 0;
    double cpu = 0;
    std::size_t records = 0;
};

void print(const char* what, const Span& span) {
    std::printf("%-12s %8.0f records/s wall, %8.0f records/s of CPU\n", what,
                static_cast<double>(span.records) / span.wall,
                static_cast<double>(span.records) / span.cpu);
}

void time_views(const std::string& file) {
    for (const char* view :
         {"sources", "failing_sources", "likely_forwarded", "daily", "reporters", "policies_seen",
          "problems", "deviations", "failure_samples", "tls_failures_by_domain", "receipts"}) {
        const std::string command =
            "sqlite3 -readonly '" + file + "' 'SELECT * FROM " + view + "' | wc -l";
        const auto begin = std::chrono::steady_clock::now();
        std::printf("%-24s", view);
        std::fflush(stdout);
        const int status = std::system(command.c_str());
        const double seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        std::printf("%-24s %6.3f s%s\n", "", seconds, status == 0 ? "" : "  FAILED");
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::size_t total = 600'000;
    bool originals = false;
    bool keep = false;
    std::string file = "/tmp/store_size.db";
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "--originals") {
            originals = true;
        } else if (argument == "--keep") {
            keep = true;
        } else if (argument == "--db" && i + 1 < argc) {
            file = argv[++i];
        } else {
            total = std::stoul(argv[i]);
        }
    }
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
        std::filesystem::remove(file + suffix);
    }
    Span first;
    Span last;
    Span all;
    {
        storage::Database database(file, storage::Database::Mode::read_write);
        database.execute("PRAGMA cache_size = -65536; PRAGMA foreign_keys = OFF");
        database.keep_log_for_own_checkpoints();
        storage::MessageStore store(database);
        Traffic traffic(originals);
        while (all.records < total) {
            std::vector<storage::Submission> batch;
            std::size_t records = 0;
            for (int i = 0; i < 20; ++i) {
                batch.push_back(traffic.make());
                records +=
                    std::get<schema::AggregateReport>(batch.back().reports[0]).records.size();
                if (!originals) {
                    // An original of no bytes costs 60 bytes a report: part of the figure.
                    batch.back().original.content.clear();
                }
            }
            const auto begin = std::chrono::steady_clock::now();
            const double cpu = cpu_seconds();
            storage::Transaction transaction(database);
            store.begun();
            for (auto& submission : batch) {
                (void)store.add(submission);
            }
            store.flush();
            transaction.commit();
            if (database.wal_pages() >= 4096) {
                (void)database.checkpoint(storage::Database::Checkpoint::passive);
            }
            const Span span{
                std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(),
                cpu_seconds() - cpu, records};
            for (Span* target : {&all, all.records < total / 10 ? &first : nullptr,
                                 all.records >= total - total / 10 ? &last : nullptr}) {
                if (target != nullptr) {
                    target->wall += span.wall;
                    target->cpu += span.cpu;
                    target->records += span.records;
                }
            }
        }
        (void)database.checkpoint(storage::Database::Checkpoint::truncate);
    }
    print("first tenth", first);
    print("last tenth", last);
    print("all", all);
    std::printf(
        "%zu records, %.1f bytes a record\n", all.records,
        static_cast<double>(std::filesystem::file_size(file)) / static_cast<double>(all.records));
    time_views(file);
    if (!keep) {
        std::filesystem::remove(file);
    }
    return 0;
}
