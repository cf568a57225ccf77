#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/commands/readiness_source.hpp"

namespace dmarcbox {

/// What advice depends on: one source, or several that show the same.
struct AdviceQuestion {
    SourceClass source_class = SourceClass::unauthenticated;
    std::string_view evidence;
    std::string_view confidence;
    std::string_view authenticates_as;
    std::int64_t passed = 0;  ///< messages
    std::size_t days = 0;     ///< of the last kReadinessDays with its mail
};

/// What to do about mail of this source that fails for `domain`, in half a line. Not escaped.
[[nodiscard]] std::string advice(const AdviceQuestion& question, const std::string& domain);

}  // namespace dmarcbox
