#pragma once

#include <cstdint>
#include <filesystem>

#include "server/commands/check_finding.hpp"
#include "server/config.hpp"

namespace dmarcbox {

/// What the machine says: free disk space, certificate, size of the write-ahead log. Adds to
/// `result`.
void check_machine(const Config& config, std::int64_t now, CheckResult& result);

/// Free bytes against [storage] min_free_bytes: below 10 times WARN, below 2 times CRIT.
void check_free_space(std::uint64_t free_bytes, std::uint64_t min_free_bytes, CheckResult& result);

/// The first certificate of a PEM file: near its end, expired, not yet valid, unreadable.
void check_certificate(const std::filesystem::path& file,
                       const Config::Check& limits,
                       std::int64_t now,
                       CheckResult& result);

}  // namespace dmarcbox
