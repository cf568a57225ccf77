#include "server/commands/source_advice.hpp"

#include "server/terminal.hpp"

namespace dmarcbox {
namespace {

bool is_default_key(std::string_view domain) {
    return domain.ends_with("onmicrosoft.com") || domain.ends_with("gappssmtp.com");
}

}  // namespace

std::string advice(const AdviceQuestion& question, const std::string& domain) {
    const std::string_view token = question.evidence;
    const bool labelled = question.confidence == "label";
    if (question.confidence == "check") {
        return "look: a provider of yours that changes mail, or a forwarder? Label it";
    }
    if (question.source_class == SourceClass::forwarder) {
        return question.passed == 0
                   ? "nothing to fix"
                   : "nothing to fix; " + with_commas(question.passed) +
                         (question.passed == 1 ? " other" : " others") + " passed through it";
    }
    if (question.source_class == SourceClass::unauthenticated) {
        if (labelled) {
            return "not yours by its label: this is what the policy is for";
        }
        return question.days * 2 > kReadinessDays
                   ? "a forgotten server of yours? Label it, or let it sign with d=" + domain
                   : "likely not yours: this is what the policy is for";
    }
    if (token.starts_with("signs-as:") && is_default_key(question.authenticates_as)) {
        return "switch on DKIM for your domain at this provider (d=" + domain + ")";
    }
    if (token.starts_with("signs-as:")) {
        return "let the provider sign with d=" + domain + " (its \"custom domain\" page)";
    }
    if (token.starts_with("sends-as:") && !labelled) {
        return "do you know it? Let it sign with d=" + domain +
               "; if not, label it unauthenticated";
    }
    if (token == "own-key-bad") {
        return "the published DKIM key does not fit: compare the selector's record with the key";
    }
    if (token == "strict") {
        return "sign with d= exactly as in From, or keep relaxed alignment";
    }
    if (token == "reporter-disagrees") {
        return "compare From, d= and the return path in a sample";
    }
    return "sign all of its mail with d=" + domain;
}

}  // namespace dmarcbox
