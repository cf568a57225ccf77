#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "server/commands/readiness_verdict.hpp"
#include "server/commands/summary_facts.hpp"
#include "server/config.hpp"
#include "server/terminal.hpp"

namespace dmarcbox {

/// `dmarcbox summary`.
struct SummaryOptions {
    std::string domain;
    std::int64_t days = 30;
    std::string since;  ///< YYYY-MM-DD; with `until` instead of `days`
    std::string until;  ///< the last day
    bool json = false;
    bool csv = false;
    std::string table = "sources";  ///< of --csv
    std::string html;               ///< file, see write_page_file(); `-` is standard output
};

/// Prints the summary in one form. Returns 0. Throws UsageError for a domain, date or table that is
/// none, DatabaseError, std::runtime_error if the page cannot be written.
[[nodiscard]] int run_summary(const Config& config,
                              const SummaryOptions& options,
                              const Terminal& terminal,
                              std::ostream& out,
                              std::int64_t now);

/// For a terminal of `terminal.width` columns; without one, without bars.
void print_summary(const SummaryQuestion& question,
                   const SummaryFacts& facts,
                   const Terminal& terminal,
                   std::ostream& out);

/// One object, `dmarcbox.summary/1` (server/commands/README.md).
void print_summary_json(const SummaryQuestion& question,
                        const SummaryFacts& facts,
                        std::ostream& out);

/// One table with a heading line: sources, days, reporters, samples, tls, problems or refusals.
/// False: there is no such table.
[[nodiscard]] bool print_summary_csv(const std::string& table,
                                     const SummaryFacts& facts,
                                     std::ostream& out);

/// What `readiness` says of one domain, for the page.
struct DomainVerdict {
    std::string domain;
    std::string policy;
    Verdict verdict = Verdict::not_enough_data;
    std::string reason;       ///< may be empty
    std::int64_t end_at = 0;  ///< of the days that were judged
};

/// One page that needs no other file, no network and no script. `now` is shown as its age.
void print_summary_page(const SummaryQuestion& question,
                        const SummaryFacts& facts,
                        const std::vector<DomainVerdict>& verdicts,
                        std::int64_t now,
                        std::ostream& out);

}  // namespace dmarcbox
