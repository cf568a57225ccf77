#pragma once

#include <string>

namespace dmarcbox {

/// What an evidence token says, in a few words: `DKIM and SPF`, `signs as esp.example`. Not
/// escaped.
[[nodiscard]] std::string evidence_words(const std::string& token);

}  // namespace dmarcbox
