#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "storage/database.hpp"

namespace dmarcbox::storage {

struct VerifyResult {
    std::vector<std::string> problems;  ///< a line each, at most 100 of a kind; empty: all is well
    std::int64_t originals = 0;         ///< checked
    std::int64_t reports = 0;           ///< counted aggregate reports summed up again
};

/// Integrity, foreign keys, SHA-256 of every original, flags of identities, totals against records.
/// Reads one moment; a read-only connection will do. `step` is told what is checked next.
VerifyResult verify(Database& database, const std::function<void(const char*)>& step);

/// Makes all totals again from the records and the sums of what was pruned, in one transaction.
/// Number of lines that were different.
std::size_t rebuild_totals(Database& database);

}  // namespace dmarcbox::storage
