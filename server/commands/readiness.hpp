#pragma once

#include <cstdint>
#include <iosfwd>

#include "server/commands/readiness_facts.hpp"
#include "server/commands/readiness_verdict.hpp"
#include "server/config.hpp"
#include "server/terminal.hpp"

namespace dmarcbox {

struct ReadinessOptions {
    ReadinessQuestion question;
    bool json = false;
};

/// `dmarcbox readiness DOMAIN`: a verdict with its evidence. Returns 0 if the domain can take the
/// step (or has), 1 if not. Throws UsageError for an empty domain.
[[nodiscard]] int run_readiness(const Config& config,
                                ReadinessOptions options,
                                const Terminal& terminal,
                                std::ostream& out,
                                std::int64_t now);

/// The text for people: lines of at most 80 columns but for long names.
void print_readiness(const ReadinessQuestion& question,
                     const ReadinessFacts& facts,
                     const Readiness& readiness,
                     const Terminal& terminal,
                     std::ostream& out);

/// One JSON object, `dmarcbox.readiness/1` (server/commands/README.md).
void print_readiness_json(const ReadinessQuestion& question,
                          const ReadinessFacts& facts,
                          const Readiness& readiness,
                          std::ostream& out);

}  // namespace dmarcbox
