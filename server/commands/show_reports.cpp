#include "server/commands/show_reports.hpp"

#include <algorithm>
#include <array>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#include "schema/date_time.hpp"

namespace dmarcbox {
namespace {

/// Rows shown of one report; the line after them tells how to see the rest.
constexpr std::int64_t kMaxRows = 20;

std::string text(const storage::Statement& row, int column) {
    return escape_for_terminal(row.text(column));
}

std::string counted(std::int64_t number, const char* noun) {
    return with_commas(number) + " " + noun + (number == 1 ? "" : "s");
}

std::string or_dash(const std::string& words) {
    return words.empty() ? "-" : words;
}

/// `2026-11-21`, `2026-11-21 to 2026-11-23`, or `no time range`.
std::string range_text(const storage::Statement& row, int begin, int end) {
    if (row.is_null(begin) || row.is_null(end)) {
        return "no time range";
    }
    const std::string first = schema::day_of(row.integer(begin));
    const std::string last = schema::day_of(std::max(row.integer(begin), row.integer(end) - 1));
    return first == last ? first : first + " to " + last;
}

class Reports {
  public:
    Reports(storage::Database& database,
            std::int64_t message_id,
            const Terminal& terminal,
            std::ostream& out)
        : database_(database), message_(message_id), terminal_(terminal), out_(out) {}

    void aggregate() {
        auto report = database_.prepare(
            "SELECT id, org_name, report_id, domain, begin_at, end_at, p, record_count,"
            " message_count, counted, conflict, pruned_at, org_email, sp, np, adkim, aspf, pct,"
            " fo, testing, discovery_method, errors, extra_contact_info, generator"
            " FROM aggregate_reports WHERE message_id = ? ORDER BY position");
        report.bind(1, message_);
        while (report.step()) {
            out_ << "report " << or_dash(text(report, 1)) << " / " << or_dash(text(report, 2))
                 << " / " << or_dash(text(report, 3)) << flags(report, 9, 10, 11) << '\n'
                 << "  " << range_text(report, 4, 5) << ", p=" << or_dash(text(report, 6));
            constexpr std::array names{"sp",  "np", "adkim",   "aspf",
                                       "pct", "fo", "testing", "discovery_method"};
            for (std::size_t i = 0; i < names.size(); ++i) {
                const int column = 13 + static_cast<int>(i);
                if (!report.is_null(column)) {
                    out_ << ' ' << names[i] << '=' << text(report, column);
                }
            }
            out_ << ", " << counted(report.integer(7), "record") << ", "
                 << counted(report.integer(8), "message") << '\n';
            constexpr std::array<std::pair<const char*, int>, 4> lines{
                {{"contact", 12}, {"contact", 22}, {"generator", 23}, {"errors", 21}}};
            for (const auto& [name, column] : lines) {
                if (!report.is_null(column)) {
                    out_ << "  " << name << ' ' << text(report, column) << '\n';
                }
            }
            records(report.integer(0));
        }
    }

    void failure() {
        auto report = database_.prepare(
            "SELECT id, auth_failure, delivery_result, arrived_at, source_ip, reporting_mta,"
            " reported_domain, original_mail_from, original_rcpt_to, dkim_domain, dkim_selector,"
            " authentication_results, incidents, sample_from, sample_to, sample_subject,"
            " sample_message_id FROM failure_reports WHERE message_id = ? ORDER BY position");
        report.bind(1, message_);
        while (report.step()) {
            out_ << "failure report for " << or_dash(text(report, 6)) << '\n';
            line("failed", report, 1);
            line("delivery", report, 2);
            if (!report.is_null(3)) {
                out_ << "  arrived       " << schema::format_utc(report.integer(3)) << '\n';
            }
            const std::array<std::pair<const char*, int>, 11> lines{{{"source", 4},
                                                                     {"seen by", 5},
                                                                     {"mail from", 7},
                                                                     {"rcpt to", 8},
                                                                     {"dkim domain", 9},
                                                                     {"dkim selector", 10},
                                                                     {"results", 11},
                                                                     {"from", 13},
                                                                     {"to", 14},
                                                                     {"subject", 15},
                                                                     {"message-id", 16}}};
            for (const auto& [name, column] : lines) {
                line(name, report, column);
            }
            if (report.integer(12) != 1) {
                out_ << "  incidents     " << with_commas(report.integer(12)) << '\n';
            }
            headers(report.integer(0));
        }
    }

    void tls() {
        auto report = database_.prepare(
            "SELECT id, org_name, report_id, policy_domains, begin_at, end_at, counted, conflict,"
            " pruned_at FROM tls_reports WHERE message_id = ? ORDER BY position");
        report.bind(1, message_);
        while (report.step()) {
            out_ << "TLS report " << or_dash(text(report, 1)) << " / " << or_dash(text(report, 2))
                 << " / " << or_dash(text(report, 3)) << flags(report, 6, 7, 8) << '\n'
                 << "  " << range_text(report, 4, 5) << '\n';
            policies(report.integer(0));
        }
    }

  private:
    static std::string flags(const storage::Statement& row, int counted, int conflict, int pruned) {
        std::string words;
        if (row.integer(conflict) != 0) {
            words +=
                row.integer(counted) != 0 ? ", in conflict, counted" : ", in conflict, not counted";
        }
        return words + (row.is_null(pruned) ? "" : ", records pruned");
    }

    void line(std::string_view name, const storage::Statement& row, int column) {
        if (!row.is_null(column)) {
            out_ << "  " << pad_right(name, 14)
                 << cut_middle(text(row, column), std::max<std::size_t>(terminal_.width, 40) - 16,
                               terminal_.unicode)
                 << '\n';
        }
    }

    void records(std::int64_t id) {
        auto record = database_.prepare(
            "SELECT source_ip, count, disposition, dkim, spf, header_from, evidence, id,"
            " envelope_from, envelope_to FROM aggregate_records WHERE aggregate_report_id = ? "
            "ORDER BY count DESC, id");
        record.bind(1, id);
        std::int64_t number = 0;
        while (record.step()) {
            if (number == 0) {
                out_ << "  " << pad_right("SOURCE", 40) << pad_left("COUNT", 10)
                     << "  DISPOSITION  DKIM  SPF   FROM, EVIDENCE\n";
            }
            if (++number > kMaxRows) {
                continue;
            }
            out_ << "  " << pad_right(or_dash(text(record, 0)), 40)
                 << pad_left(with_commas(record.integer(1)), 10) << "  "
                 << pad_right(or_dash(text(record, 2)), 11) << "  "
                 << pad_right(or_dash(text(record, 3)), 4) << "  "
                 << pad_right(or_dash(text(record, 4)), 4) << "  " << or_dash(text(record, 5))
                 << ", " << text(record, 6) << '\n';
            why(record);
        }
        more(number, "records", "aggregate_records WHERE aggregate_report_id", id);
    }

    /// What the record's result rests on: each check, the envelope, the reporter's reasons.
    void why(const storage::Statement& record) {
        const auto details = [&](std::string_view sql) {
            auto row = database_.prepare(sql);
            row.bind(1, record.integer(7));
            for (std::int64_t number = 0; row.step() && number < kMaxRows; ++number) {
                out_ << "    " << text(row, 0) << '\n';
            }
        };
        details(
            "SELECT 'dkim ' || ifnull(result, '-') || ' d=' || ifnull(domain, '-') ||"
            " ifnull(' s=' || selector, '') || ifnull(': ' || human_result, '')"
            " FROM aggregate_dkim WHERE aggregate_record_id = ? ORDER BY position");
        details(
            "SELECT 'spf ' || ifnull(result, '-') || ' ' || ifnull(scope || '=', '') ||"
            " ifnull(domain, '-') || ifnull(': ' || human_result, '')"
            " FROM aggregate_spf WHERE aggregate_record_id = ? ORDER BY position");
        details(
            "SELECT 'reason ' || ifnull(type, '-') || ifnull(': ' || comment, '')"
            " FROM aggregate_reasons WHERE aggregate_record_id = ? ORDER BY position");
        if (!record.is_null(8) || !record.is_null(9)) {
            out_ << "    envelope " << or_dash(text(record, 8)) << " to "
                 << or_dash(text(record, 9)) << '\n';
        }
    }

    void headers(std::int64_t id) {
        auto header = database_.prepare(
            "SELECT name, value FROM failure_headers WHERE failure_report_id = ?"
            " ORDER BY position");
        header.bind(1, id);
        std::int64_t number = 0;
        while (header.step()) {
            if (number == 0) {
                out_ << "  header of the sample\n";
            }
            if (++number <= kMaxRows) {
                const std::string whole = text(header, 0) + ": " + text(header, 1);
                out_ << "    "
                     << cut_middle(whole, std::max<std::size_t>(terminal_.width, 40) - 4,
                                   terminal_.unicode)
                     << '\n';
            }
        }
        more(number, "fields", "failure_headers WHERE failure_report_id", id);
    }

    void policies(std::int64_t id) {
        auto policy = database_.prepare(
            "SELECT id, policy_type, policy_domain, success_count, failure_count"
            " FROM tls_policies WHERE tls_report_id = ? ORDER BY id");
        policy.bind(1, id);
        std::int64_t number = 0;
        while (policy.step()) {
            if (++number > kMaxRows) {
                continue;
            }
            out_ << "  " << or_dash(text(policy, 2)) << " (" << or_dash(text(policy, 1))
                 << "): " << with_commas(policy.integer(3)) << " sessions ok, "
                 << with_commas(policy.integer(4)) << " failed\n";
            failures(policy.integer(0));
        }
        more(number, "policies", "tls_policies WHERE tls_report_id", id);
    }

    void failures(std::int64_t id) {
        auto failure = database_.prepare(
            "SELECT result_type, failed_session_count, sending_mta_ip, receiving_mx_hostname,"
            " failure_reason_code FROM tls_failures WHERE tls_policy_id = ? ORDER BY position");
        failure.bind(1, id);
        std::int64_t number = 0;
        while (failure.step()) {
            if (++number <= kMaxRows) {
                out_ << "    " << pad_left(with_commas(failure.integer(1)), 10) << "  "
                     << or_dash(text(failure, 0)) << " from " << or_dash(text(failure, 2)) << " to "
                     << or_dash(text(failure, 3))
                     << (failure.is_null(4) ? "" : ", " + text(failure, 4)) << '\n';
            }
        }
        more(number, "details", "tls_failures WHERE tls_policy_id", id);
    }

    void more(std::int64_t number, const char* what, const char* where, std::int64_t id) {
        if (number > kMaxRows) {
            out_ << "  and " << with_commas(number - kMaxRows) << " more " << what
                 << ": SELECT * FROM " << where << " = " << id << '\n';
        }
    }

    storage::Database& database_;
    std::int64_t message_;
    const Terminal& terminal_;
    std::ostream& out_;
};

}  // namespace

void print_reports(storage::Database& database,
                   std::int64_t message_id,
                   const Terminal& terminal,
                   std::ostream& out) {
    Reports reports(database, message_id, terminal, out);
    reports.aggregate();
    reports.failure();
    reports.tls();
}

}  // namespace dmarcbox
