#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

#include "storage/submission.hpp"

namespace dmarcbox {

/// What became of the messages of an import, and the words about it at the end. One thread.
class ImportTally {
  public:
    /// What the store said of a message; `name` is its file, for people.
    void add(const storage::Verdict& verdict, const std::string& name);
    /// A file or message that could not even be read.
    void add_failure(const std::string& line);
    void add_skipped() { ++skipped_; }
    /// Reports of another database that its retention had emptied.
    void add_pruned(std::uint64_t reports) { pruned_ += reports; }

    [[nodiscard]] std::uint64_t messages() const { return messages_; }
    [[nodiscard]] bool clean() const {
        return faults_.empty() && more_faults_ == 0 && pruned_ == 0;
    }

    /// One line per fault, grouped where more than 10 are alike.
    void print_faults(std::ostream& err) const;
    /// `20,011 messages in 10.9 s: 18,934 reports (1,102,418 records), 866 re-sent, ...`.
    void print_summary(std::ostream& out,
                       std::chrono::milliseconds took,
                       const std::filesystem::path& database) const;

  private:
    struct Fault {
        std::string name;
        std::string detail;
    };
    void add_fault(const std::string& name, const std::string& detail);

    std::uint64_t messages_ = 0;
    std::uint64_t reports_ = 0;  ///< messages that brought a report
    std::uint64_t resent_ = 0;
    std::uint64_t other_ = 0;
    std::uint64_t unreadable_ = 0;
    std::uint64_t known_ = 0;
    std::uint64_t skipped_ = 0;
    std::uint64_t conflicts_ = 0;
    std::uint64_t pruned_ = 0;
    std::vector<std::int64_t> report_messages_;  ///< row ids, to sum their records
    std::vector<Fault> faults_;
    std::uint64_t more_faults_ = 0;
    std::map<std::string, std::uint64_t> reasons_;  ///< of unreadable messages
};

}  // namespace dmarcbox
