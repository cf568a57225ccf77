#include "server/reduction.hpp"

#include <optional>

#include "server/mail_form.hpp"
#include "server/redaction.hpp"
#include "server/reducer.hpp"

namespace dmarcbox {

std::optional<std::string> reduce_original(const Message& message,
                                           const std::vector<std::string>& report_parts,
                                           const IngestSettings& settings) {
    if (settings.keep == FailureKeep::full) {
        return std::nullopt;
    }
    std::optional<Redactor> redactor;
    if (settings.keep == FailureKeep::redacted) {
        redactor.emplace(settings.redaction_key);
    }
    const Reducer reducer(report_parts, settings.limits, redactor ? &*redactor : nullptr);
    return is_bare_file(message) ? reducer.file(message.bytes) : reducer.mail(message.bytes, {});
}

}  // namespace dmarcbox
