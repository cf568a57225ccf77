#pragma once

#include <string>

#include "server/commands/summary_facts.hpp"

namespace dmarcbox {

// Pictures of the page as inline SVG: colours by CSS class, texts hidden from screen readers, which
// have the table below each picture.

/// Messages per day, stacked by class; days without a report are outlined, not zero.
[[nodiscard]] std::string days_chart(const SummaryFacts& facts);

/// A dot per reporter and day on which a report came; a hole is silence. At most `most` reporters.
[[nodiscard]] std::string reporters_chart(const SummaryFacts& facts, std::size_t most);

/// A strip per domain and reporter: low, middle, high for p of none, quarantine, reject, from the
/// first to the last day a reporter saw it. At most `most` strips.
[[nodiscard]] std::string policies_chart(const SummaryFacts& facts, std::size_t most);

}  // namespace dmarcbox
