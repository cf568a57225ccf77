#include "server/commands/import_tally.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ostream>
#include <utility>

#include "server/terminal.hpp"
#include "storage/database.hpp"

namespace dmarcbox {
namespace {

/// Faults told one by one; an import of a million broken files must not fill the memory with them.
constexpr std::size_t kMaxFaults = 1000;
constexpr std::size_t kMaxReasons = 5;
constexpr std::size_t kAlike = 10;

std::string seconds_text(std::chrono::milliseconds took) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f", static_cast<double>(took.count()) / 1000.0);
    return text.data();
}

std::string count(std::uint64_t number) {
    return with_commas(static_cast<std::int64_t>(number));
}

std::string plural(std::uint64_t number, const char* noun) {
    return count(number) + " " + noun + (number == 1 ? "" : "s");
}

std::int64_t sum_of_records(const std::filesystem::path& path,
                            const std::vector<std::int64_t>& messages) {
    storage::Database database(path, storage::Database::Mode::read_only);
    auto records = database.prepare(
        "SELECT ifnull(sum(record_count), 0) FROM aggregate_reports WHERE message_id = ?");
    std::int64_t sum = 0;
    for (const std::int64_t message : messages) {
        records.bind(1, message);
        if (records.step()) {
            sum += records.integer(0);
        }
        records.reset();
    }
    return sum;
}

/// `truncated` of `truncated: gzip ends early in report.xml.gz`.
std::string code_of(const std::string& detail) {
    return detail.substr(0, detail.find(':'));
}

}  // namespace

void ImportTally::add(const storage::Verdict& verdict, const std::string& name) {
    ++messages_;
    if (verdict.status == storage::Verdict::Status::already_known) {
        ++known_;
        return;
    }
    if (verdict.status != storage::Verdict::Status::committed) {
        add_fault(name, "not stored: " + verdict.detail);
        return;
    }
    conflicts_ += verdict.conflicts;
    switch (verdict.outcome) {
        case storage::Outcome::report:
            ++reports_;
            report_messages_.push_back(verdict.message_id);
            break;
        case storage::Outcome::duplicate:
            ++resent_;
            break;
        case storage::Outcome::other:
            ++other_;
            break;
        case storage::Outcome::unreadable:
            ++unreadable_;
            ++reasons_[code_of(verdict.detail)];
            add_fault(name, "unreadable, kept as message " + std::to_string(verdict.message_id) +
                                ": " + verdict.detail);
            break;
    }
}

void ImportTally::add_failure(const std::string& line) {
    add_fault({}, line);
}

void ImportTally::add_fault(const std::string& name, const std::string& detail) {
    if (faults_.size() < kMaxFaults) {
        faults_.push_back({name, detail});
    } else {
        ++more_faults_;
    }
}

void ImportTally::print_faults(std::ostream& err) const {
    // Alike is what has the same code; numbers of messages and bytes differ.
    const auto kind = [](const Fault& fault) {
        const std::size_t id = fault.detail.find("kept as message ");
        return code_of(id == std::string::npos
                           ? fault.detail
                           : fault.detail.substr(fault.detail.find(": ", id) + 2));
    };
    std::map<std::string, std::vector<const Fault*>> groups;
    for (const auto& fault : faults_) {
        groups[kind(fault)].push_back(&fault);
    }
    const auto line = [&err](const Fault& fault) {
        err << "dmarcbox: "
            << escape_for_terminal(fault.name.empty() ? fault.detail
                                                      : fault.name + ": " + fault.detail)
            << '\n';
    };
    for (const auto& [words, members] : groups) {
        if (members.size() <= kAlike) {
            std::for_each(members.begin(), members.end(), [&](const auto* f) { line(*f); });
            continue;
        }
        line(*members.front());
        err << "dmarcbox: and " << count(members.size() - 1)
            << " more: " << escape_for_terminal(words) << '\n';
    }
    if (more_faults_ > 0) {
        err << "dmarcbox: and " << count(more_faults_) << " more faults\n";
    }
}

void ImportTally::print_summary(std::ostream& out,
                                std::chrono::milliseconds took,
                                const std::filesystem::path& database) const {
    out << plural(messages_, "message") << " in " << seconds_text(took)
        << " s: " << plural(reports_, "report") << " ("
        << plural(static_cast<std::uint64_t>(sum_of_records(database, report_messages_)), "record")
        << "), " << count(resent_) << " re-sent, " << count(other_) << " other, "
        << count(unreadable_) << " unreadable\n";
    if (known_ > 0) {
        out << "already known, not stored again: " << count(known_) << '\n';
    }
    if (skipped_ > 0) {
        out << "skipped in folders, neither mail nor report: " << plural(skipped_, "file") << '\n';
    }
    if (pruned_ > 0) {
        out << "left out, since retention had removed their rows and originals there: "
            << plural(pruned_, "report") << "; import the files they came from\n";
    }
    if (conflicts_ > 0) {
        out << "conflicts with an earlier report of the same id: " << count(conflicts_) << '\n';
    }
    if (!reasons_.empty()) {
        std::vector<std::pair<std::uint64_t, std::string>> sorted;
        for (const auto& [code, number] : reasons_) {
            sorted.emplace_back(number, code);
        }
        std::sort(sorted.rbegin(), sorted.rend());
        sorted.resize(std::min(sorted.size(), kMaxReasons));
        out << "unreadable:";
        const char* separator = " ";
        for (const auto& [number, code] : sorted) {
            out << separator << count(number) << ' ' << escape_for_terminal(code);
            separator = ", ";
        }
        out << '\n';
    }
    if (!reasons_.empty() || conflicts_ > 0) {
        out << "why: sqlite3 " << escape_for_terminal(database.string())
            << " \"SELECT * FROM problems\"\n";
    }
}

}  // namespace dmarcbox
