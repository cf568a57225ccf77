#include "server/commands/evidence_words.hpp"

namespace dmarcbox {

std::string evidence_words(const std::string& token) {
    if (token == "dkim+spf") {
        return "DKIM and SPF";
    }
    if (token == "dkim" || token == "spf") {
        return token == "dkim" ? "DKIM" : "SPF";
    }
    if (token.starts_with("signs-as:") || token.starts_with("sends-as:")) {
        return token.substr(0, 5) + " as " + token.substr(9);
    }
    if (token.starts_with("reason-")) {
        return "reason " + token.substr(7);
    }
    if (token.starts_with("own-signature-broken")) {
        return "our key, broken here";
    }
    if (token == "own-key-bad") {
        return "our key never passes";
    }
    if (token == "arc-pass") {
        return "ARC passes";
    }
    if (token == "strict") {
        return "strict alignment";
    }
    if (token == "reporter-disagrees") {
        return "passes, not aligned";
    }
    return token == "temperror" ? "temporary errors" : "nothing passes";
}

}  // namespace dmarcbox
