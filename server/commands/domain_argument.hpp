#pragma once

#include <string>

namespace dmarcbox {

/// A domain of the command line, normalised as stored names are, international labels as A-labels:
/// the form of reports. Throws UsageError for what no report could be about: an empty name, an
/// address, a URL.
[[nodiscard]] std::string domain_argument(const std::string& text);

}  // namespace dmarcbox
