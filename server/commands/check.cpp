#include "server/commands/check.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <exception>
#include <ostream>

#include "server/commands/check_machine.hpp"
#include "server/commands/check_reports.hpp"
#include "server/commands/open_database.hpp"
#include "server/terminal.hpp"
#include "storage/database.hpp"
#include "storage/settings.hpp"

namespace dmarcbox {
namespace {

namespace json = boost::json;

constexpr std::int64_t kRepeatSeconds = 86400;
/// Setting that remembers what was told: {key: [severity, time]}.
constexpr std::string_view kToldSetting = "check.told";
constexpr int kNagiosUnknown = 3;
constexpr int kCorrupt = 11;       // SQLITE_CORRUPT
constexpr int kNotADatabase = 26;  // SQLITE_NOTADB

CheckResult look(const Config& config, storage::Database& database, std::int64_t now) {
    CheckResult result;
    check_machine(config, now, result);
    check_reports(database, config.check, now, result);
    std::stable_sort(result.findings.begin(), result.findings.end(),
                     [](const auto& a, const auto& b) { return a.severity > b.severity; });
    return result;
}

/// Keys hold stored text, which need not be UTF-8.
std::string told_key(const CheckFinding& finding) {
    return escape_for_terminal(finding.key);
}

json::object load_told(storage::Database& database) {
    const auto stored = storage::load_setting(database, kToldSetting);
    if (!stored) {
        return {};
    }
    json::error_code error;
    json::value value = json::parse(*stored, error);
    // What cannot be read is told once more and then written anew.
    return !error && value.is_object() ? std::move(value.get_object()) : json::object{};
}

bool was_told(const json::object& told, const CheckFinding& finding, std::int64_t now) {
    const json::value* entry = told.if_contains(told_key(finding));
    const json::array* pair = entry == nullptr ? nullptr : entry->if_array();
    if (pair == nullptr || pair->size() != 2 || !(*pair)[0].is_int64() || !(*pair)[1].is_int64()) {
        return false;
    }
    const std::int64_t age = now - (*pair)[1].get_int64();
    return (*pair)[0].get_int64() >= static_cast<std::int64_t>(finding.severity) && age >= 0 &&
           age < kRepeatSeconds;
}

/// The findings to tell now; remembers them, and forgets those that are gone.
std::vector<CheckFinding> not_told_yet(storage::Database& database,
                                       const CheckResult& result,
                                       std::int64_t now) {
    storage::Transaction transaction(database);
    const json::object told = load_told(database);
    json::object remembered;
    std::vector<CheckFinding> fresh;
    for (const auto& finding : result.findings) {
        const std::string key = told_key(finding);
        if (was_told(told, finding, now)) {
            remembered[key] = told.at(key);
        } else {
            remembered[key] = json::array{static_cast<std::int64_t>(finding.severity), now};
            fresh.push_back(finding);
        }
    }
    if (remembered != told) {
        storage::store_setting(database, kToldSetting, json::serialize(remembered));
    }
    transaction.commit();
    return fresh;
}

/// A file that cannot be written to still has findings; one that is broken has an error.
bool is_readable_still(const storage::DatabaseError& error) {
    const int code = error.code() & 0xff;
    return code != kCorrupt && code != kNotADatabase;
}

std::string total_of(const std::vector<CheckFinding>& findings) {
    const auto critical = std::count_if(findings.begin(), findings.end(), [](const auto& f) {
        return f.severity == Severity::critical;
    });
    const auto warnings = static_cast<std::ptrdiff_t>(findings.size()) - critical;
    std::string text;
    if (critical != 0) {
        text = std::to_string(critical) + " critical";
    }
    if (warnings != 0) {
        text += (text.empty() ? "" : ", ") + std::to_string(warnings) +
                (warnings == 1 ? " warning" : " warnings");
    }
    return text;
}

/// A bar would begin performance data, in any line.
std::string without_bar(std::string_view text) {
    std::string out;
    for (const char c : text) {
        out += c == '|' ? std::string("\\u{7c}") : std::string(1, c);
    }
    return out;
}

}  // namespace

std::string_view word_of(Severity severity) {
    return severity == Severity::critical ? "CRIT" : "WARN";
}

int print_nagios(const CheckResult& result, std::ostream& out) {
    const bool well = result.findings.empty();
    const bool critical = !well && result.findings.front().severity == Severity::critical;
    out << "DMARCBOX "
        << (well       ? "OK"
            : critical ? "CRITICAL"
                       : "WARNING")
        << " - "
        << (well ? "nothing needs attention"
                 : total_of(result.findings) + ": " + without_bar(result.findings.front().text));
    const char* separator = " |";
    for (const auto& value : result.values) {
        out << separator << ' ' << value.label << '=' << value.value << value.unit << ';'
            << value.warning << ';' << value.critical;
        separator = "";
    }
    out << '\n';
    for (const auto& finding : result.findings) {
        out << word_of(finding.severity) << "  " << without_bar(finding.text) << '\n';
    }
    return well ? 0 : critical ? 2 : 1;
}

int run_check(const std::function<Config()>& load,
              const CheckOptions& options,
              std::ostream& out,
              std::ostream& err,
              std::int64_t now) {
    if (options.nagios) {
        try {
            const Config config = load();
            auto database = open_database(config, storage::Database::Mode::read_only);
            return print_nagios(look(config, database, now), out);
        } catch (const std::exception& error) {
            out << "DMARCBOX UNKNOWN - " << without_bar(escape_for_terminal(error.what())) << '\n';
            return kNagiosUnknown;
        }
    }
    const Config config = load();
    std::string not_remembered;
    auto database = [&] {
        if (!options.all) {
            try {
                return open_database(config, storage::Database::Mode::read_write);
            } catch (const storage::DatabaseError& error) {
                if (!is_readable_still(error)) {
                    throw;
                }
                not_remembered = error.what();
            }
        }
        return open_database(config, storage::Database::Mode::read_only);
    }();
    const CheckResult result = look(config, database, now);
    std::vector<CheckFinding> told = result.findings;
    if (!options.all && not_remembered.empty()) {
        try {
            told = not_told_yet(database, result, now);
        } catch (const storage::DatabaseError& error) {
            if (!is_readable_still(error)) {
                throw;
            }
            not_remembered = config.storage.path.string() + ": " + error.what();
        }
    }
    for (const auto& finding : told) {
        out << word_of(finding.severity) << "  " << finding.text << '\n';
    }
    if (!told.empty()) {
        out << total_of(told) << std::endl;
        if (!not_remembered.empty()) {
            err << "dmarcbox: the next `check` tells all of this again, since it cannot be noted: "
                << escape_for_terminal(not_remembered) << '\n';
        }
    }
    return result.findings.empty() ? 0 : 1;
}

}  // namespace dmarcbox
