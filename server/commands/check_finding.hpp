#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dmarcbox {

enum class Severity { warning, critical };
/// `WARN` or `CRIT`.
[[nodiscard]] std::string_view word_of(Severity severity);

/// One thing that needs attention.
struct CheckFinding {
    Severity severity = Severity::warning;
    std::string key;   ///< stays the same while the trouble is the same; holds stored text
    std::string text;  ///< one line, safe for the terminal
};

/// A number for monitoring, as in the plugin guidelines.
struct PerformanceValue {
    std::string label;
    std::int64_t value = 0;
    std::string unit;      ///< B, s, c or empty
    std::string warning;   ///< range; may be empty
    std::string critical;  ///< range; may be empty
};

struct CheckResult {
    std::vector<CheckFinding> findings;  ///< critical first
    std::vector<PerformanceValue> values;
};

}  // namespace dmarcbox
