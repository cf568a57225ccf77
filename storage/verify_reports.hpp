#pragma once

#include <cstddef>

#include "storage/database.hpp"
#include "storage/verify.hpp"

namespace dmarcbox::storage {

/// Each report whose rows retention has not removed, against what its own row says: number and sum
/// of its records, content_sha256 over its columns, its passing keys. Of reports above 250,000
/// records only the sums, so that one report does not fill the memory.
void check_reports(Database& database, VerifyResult& result);

/// Flags `counted` and `conflict` of each identity: all are in conflict if there are several, and
/// the first by message and position counts, unless one that retention pruned does.
void check_flags(Database& database, VerifyResult& result);

/// Sets the flags as check_flags() wants them. Number of reports that had others. The totals of
/// their domains are to be made again.
std::size_t settle_flags(Database& database);

/// Adds the passing keys of stored reports that are missing. Number of rows added or widened.
std::size_t restore_passing_keys(Database& database);

}  // namespace dmarcbox::storage
