#include "server/commands/show.hpp"

#include <array>
#include <ostream>
#include <string>
#include <utility>

#include "schema/date_time.hpp"
#include "server/cli_commands.hpp"
#include "server/commands/open_database.hpp"
#include "server/commands/show_reports.hpp"
#include "storage/originals.hpp"

namespace dmarcbox {
namespace {

std::string text(const storage::Statement& row, int column) {
    return escape_for_terminal(row.text(column));
}

/// `2026-11-22 04:11:09Z`.
std::string time_text(std::int64_t at) {
    std::string time = schema::format_utc(at);
    time[time.find('T')] = ' ';
    return time;
}

int show_raw(storage::Database& database, std::int64_t id, std::ostream& out, std::ostream& err) {
    const auto original = storage::load_original(database, id);
    if (!original) {
        err << "dmarcbox: " << escape_for_terminal(original.error().detail) << '\n';
        return 1;
    }
    if (original->reduced) {
        err << "dmarcbox: message " << id
            << " is not as received: bodies or local parts were removed ([failure_reports] keep)\n";
    }
    out << original->bytes;
    return 0;
}

void print_receipt(storage::Database& database, const storage::Statement& row, std::ostream& out) {
    const std::int64_t id = row.integer(0);
    out << "message " << id << "   " << text(row, 1);
    if (!row.is_null(2)) {
        out << ", " << text(row, 2);
    }
    if (!row.is_null(3)) {
        out << ", re-send of message " << row.integer(3);
    }
    out << "\nreceived " << time_text(row.integer(4)) << " by " << text(row, 5) << '\n';
    if (!row.is_null(6)) {
        out << "  from " << text(row, 6) << (row.is_null(7) ? "" : " " + text(row, 7))
            << (row.is_null(8) ? ", in the clear" : ", " + text(row, 8)) << '\n';
    }
    if (!row.is_null(9)) {
        out << "  sender " << text(row, 9) << '\n';
    }
    if (!row.is_null(10)) {
        out << "  to " << text(row, 10) << '\n';
    }
    out << "  " << with_commas(row.integer(11)) << " bytes, sha256 " << text(row, 12) << '\n';
    const std::array<std::pair<const char*, int>, 3> fields{
        {{"From", 13}, {"Subject", 14}, {"Message-ID", 15}}};
    for (const auto& [name, column] : fields) {
        if (!row.is_null(column)) {
            out << "  " << name << ": " << text(row, column) << '\n';
        }
    }
    if (!row.is_null(16)) {
        out << "  Date: " << time_text(row.integer(16)) << '\n';
    }
    auto kept = database.prepare("SELECT reduced FROM originals WHERE message_id = ?");
    kept.bind(1, id);
    if (!row.is_null(17)) {
        out << "  original pruned " << time_text(row.integer(17)) << '\n';
    } else if (kept.step() && kept.integer(0) != 0) {
        out << "  original kept without bodies or local parts\n";
    }
}

void print_findings(storage::Database& database, std::int64_t id, std::ostream& out) {
    auto finding = database.prepare(
        "SELECT stage, code, part, detail, fault FROM findings WHERE message_id = ?"
        " ORDER BY fault DESC, position");
    finding.bind(1, id);
    bool first = true;
    while (finding.step()) {
        if (first) {
            out << "findings\n";
            first = false;
        }
        out << (finding.integer(4) != 0 ? "  FAULT " : "  note  ") << text(finding, 0) << ' '
            << text(finding, 1);
        if (!finding.is_null(2)) {
            out << " in part " << text(finding, 2);
        }
        out << (finding.is_null(3) ? "" : ": " + text(finding, 3)) << '\n';
    }
}

}  // namespace

int run_show(const Config& config,
             const ShowOptions& options,
             const Terminal& terminal,
             std::ostream& out,
             std::ostream& err) {
    if (options.raw && terminal.is_terminal && !options.force) {
        throw UsageError("show: raw bytes may command the terminal; pipe them, or add --force");
    }
    auto database = open_database(config, storage::Database::Mode::read_only);
    if (options.raw) {
        return show_raw(database, options.message_id, out, err);
    }
    auto row = database.prepare(
        "SELECT id, outcome, detail, duplicate_of, received_at, source, peer_ip, helo, tls,"
        " envelope_from, envelope_to, size, lower(hex(sha256)), header_from, subject, message_id,"
        " sent_at, pruned_at FROM messages WHERE id = ?");
    row.bind(1, options.message_id);
    if (!row.step()) {
        err << "dmarcbox: there is no message " << options.message_id << '\n';
        return 1;
    }
    print_receipt(database, row, out);
    print_reports(database, options.message_id, terminal, out);
    print_findings(database, options.message_id, out);
    return 0;
}

}  // namespace dmarcbox
