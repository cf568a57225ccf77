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

/// Integrity, foreign keys, SHA-256 of every original and that none is missing, reports against
/// their rows, flags of identities, totals against records. Reads one moment; a read-only
/// connection will do. `step` is told what is checked next.
VerifyResult verify(Database& database, const std::function<void(const char*)>& step);

/// What was different and is right now.
struct Rebuilt {
    std::size_t flags = 0;         ///< reports whose flags were set
    std::size_t passing_keys = 0;  ///< reports whose signatures were missing there
    std::size_t evidence = 0;      ///< records that a key seen later settles
    std::size_t totals = 0;        ///< lines of RebuiltTotals::differences()
};

/// Sets the flags of identities, adds missing passing keys, settles evidence that waits for them,
/// and makes the totals again from the records and the sums of what was pruned, a transaction for
/// each domain where they differ: between two of them others can write. About 100,000 records a
/// second.
Rebuilt rebuild(Database& database);

}  // namespace dmarcbox::storage
