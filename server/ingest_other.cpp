#include "server/ingest_other.hpp"

#include <algorithm>
#include <string>

#include "schema/scalar_text.hpp"

namespace dmarcbox {
namespace {

std::string value_of(const mime::Header& header, std::string_view name) {
    const mime::Field* field = header.find(name);
    return field == nullptr ? std::string{} : schema::lower_case(field->value);
}

bool is_bounce(const mime::Header& header, const std::vector<mime::Part>& parts) {
    if (std::any_of(parts.begin(), parts.end(), [](const mime::Part& part) {
            return part.media_type == "message/delivery-status" ||
                   part.media_type == "message/disposition-notification" ||
                   part.report_type == "delivery-status";
        })) {
        return true;
    }
    // Systems older than RFC 3464 (qmail, Exim, Lotus) tell by the sender and the subject only.
    const std::string from = value_of(header, "from");
    if (from.find("mailer-daemon") != std::string::npos) {
        return true;
    }
    // Reporters write as postmaster too, with a file attached.
    if (from.find("postmaster@") != std::string::npos &&
        std::all_of(parts.begin(), parts.end(),
                    [](const mime::Part& part) { return part.file_name.empty(); })) {
        return true;
    }
    return header.find("x-failed-recipients") != nullptr;
}

bool is_auto_reply(const mime::Header& header) {
    const std::string auto_submitted = value_of(header, "auto-submitted");
    const std::string precedence = value_of(header, "precedence");
    return auto_submitted.starts_with("auto-replied") || auto_submitted.starts_with("vacation") ||
           precedence == "auto_reply" || header.find("x-autoreply") != nullptr ||
           header.find("x-autorespond") != nullptr ||
           value_of(header, "subject").starts_with("auto:") ||
           value_of(header, "subject").starts_with("auto-reply") ||
           value_of(header, "subject").starts_with("automatic reply") ||
           value_of(header, "subject").starts_with("out of office");
}

}  // namespace

std::string_view kind_of_other(const mime::Header& header, const std::vector<mime::Part>& parts) {
    if (is_auto_reply(header)) {
        return "auto-reply";
    }
    return is_bounce(header, parts) ? "bounce" : "no report";
}

}  // namespace dmarcbox
