#include "server/commands/backup.hpp"

#include <unistd.h>

#include <array>
#include <csignal>
#include <ctime>
#include <ostream>
#include <string>

#include "server/commands/open_database.hpp"
#include "server/terminal.hpp"
#include "storage/backup.hpp"
#include "storage/settings.hpp"

namespace dmarcbox {
namespace {

std::string unfinished;  ///< removed by the signal handler

extern "C" void remove_unfinished(int signal) {
    ::unlink(unfinished.c_str());
    ::signal(signal, SIG_DFL);
    ::raise(signal);
}

/// Ctrl-C leaves no half copy behind: it holds personal data, and nobody would look for it.
class RemoveOnSignal {
  public:
    explicit RemoveOnSignal(const std::filesystem::path& file) {
        unfinished = file.string() + std::string(storage::kUnfinishedSuffix);
        struct sigaction action {};
        action.sa_handler = remove_unfinished;
        for (std::size_t i = 0; i < kSignals.size(); ++i) {
            sigaction(kSignals.at(i), &action, &old_.at(i));
        }
    }
    RemoveOnSignal(const RemoveOnSignal&) = delete;
    RemoveOnSignal& operator=(const RemoveOnSignal&) = delete;
    ~RemoveOnSignal() {
        for (std::size_t i = 0; i < kSignals.size(); ++i) {
            sigaction(kSignals.at(i), &old_.at(i), nullptr);
        }
    }

  private:
    static constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP};
    std::array<struct sigaction, kSignals.size()> old_{};
};

}  // namespace

int run_backup(const Config& config,
               const std::filesystem::path& file,
               std::ostream& out,
               std::ostream& err) {
    const storage::BackupResult result = [&] {
        auto database = open_database(config, storage::Database::Mode::read_only);
        const RemoveOnSignal guard(file);
        return storage::back_up(database, file);
    }();
    // For the metric and the alert on old backups. Who may read alone can make a backup all the
    // same.
    if (::access(config.storage.path.c_str(), W_OK) == 0) {
        try {
            auto database = open_database(config, storage::Database::Mode::read_write);
            storage::store_setting(database, "last_backup_at", std::to_string(std::time(nullptr)));
        } catch (const storage::DatabaseError& error) {
            err << "dmarcbox: the backup is made; its time could not be noted: "
                << escape_for_terminal(error.what()) << '\n';
        }
    }
    out << escape_for_terminal(file.string()) << ": "
        << with_commas(static_cast<std::int64_t>(result.bytes)) << " bytes, "
        << with_commas(result.messages) << " messages, " << with_commas(result.records)
        << " records; integrity and row counts checked\n";
    return 0;
}

}  // namespace dmarcbox
