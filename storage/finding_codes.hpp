#pragma once

#include <array>

#include "schema/finding.hpp"

namespace dmarcbox::storage::finding {

/// begin_at and end_at are not a plausible range: reversed, before 2010, in the future, over 31
/// days.
inline constexpr schema::FindingCode kOddRange{"odd_range", "store", false};
/// The rows of the message could not be stored; it was kept raw instead.
inline constexpr schema::FindingCode kStoreFailed{"store_failed", "store", true};

inline constexpr std::array kAll{kOddRange, kStoreFailed};

}  // namespace dmarcbox::storage::finding
