#pragma once

#include <algorithm>
#include <array>

#include "schema/finding_codes_aggregate.hpp"
#include "schema/finding_codes_failure.hpp"

namespace dmarcbox::schema {

/// Every finding code of this folder; schema/finding_codes.md lists them with their meaning.
inline constexpr auto kFindingCodes = [] {
    std::array<FindingCode, kXmlFindingCodes.size() + kAggregateFindingCodes.size() +
                                kFailureFindingCodes.size() + kTlsFindingCodes.size()>
        all{};
    auto* out = all.begin();
    out = std::copy(kXmlFindingCodes.begin(), kXmlFindingCodes.end(), out);
    out = std::copy(kAggregateFindingCodes.begin(), kAggregateFindingCodes.end(), out);
    out = std::copy(kFailureFindingCodes.begin(), kFailureFindingCodes.end(), out);
    std::copy(kTlsFindingCodes.begin(), kTlsFindingCodes.end(), out);
    return all;
}();

}  // namespace dmarcbox::schema
