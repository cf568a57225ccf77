#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "storage/database.hpp"

namespace dmarcbox::storage {

/// Mail that was refused, summed up by the caller.
struct Refusal {
    std::string reason;  ///< closed list of the listener: unknown_recipient, too_large ...
    std::string domain;  ///< of the recipient; empty where there is none
    std::int64_t count = 0;
};

/// A day has at most this many rows; further domains count under '(other)', so that a dictionary
/// attack cannot fill the disk.
constexpr std::int64_t kMaxRefusalRowsADay = 1000;

/// Adds to table refusals on the UTC day of `at`, in one transaction.
void add_refusals(Database& database, std::span<const Refusal> refusals, std::int64_t at);

}  // namespace dmarcbox::storage
