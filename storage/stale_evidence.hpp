#pragma once

#include <cstddef>
#include <functional>

#include "storage/database.hpp"

namespace dmarcbox::storage {

/// Settles evidence again that a key seen passing later than its record decides (rule 5 of
/// schema/evidence.md): the records of the organisations and times in stale_evidence, without
/// their originals. Number of records whose evidence changed. Transactions of at most 200 records.
/// `go_on` is asked between them, and now and then while nothing is written; false ends the run,
/// what is left stays noted. Not on the connection of a MessageStore that writes on.
std::size_t settle_stale_evidence(Database& database, const std::function<bool()>& go_on);

}  // namespace dmarcbox::storage
