#include "server/mail_form.hpp"

#include "mime/header.hpp"
#include "mime/sniff.hpp"
#include "mime/unpack.hpp"

namespace dmarcbox {

bool is_bare_file(const Message& message) {
    const std::string_view bytes = message.bytes;
    const bool file = message.source == "import";
    const auto begins_as_mail = [&] {
        return file ? mime::looks_like_message(bytes) : mime::has_header_field(bytes);
    };
    switch (mime::sniff(bytes)) {
        case mime::ContentKind::gzip:
        case mime::ContentKind::json:
        case mime::ContentKind::html:
        case mime::ContentKind::empty:
            return true;
        case mime::ContentKind::zip:  // also a mail with one in its first 4 KiB
            return bytes.starts_with("PK") || !begins_as_mail();
        case mime::ContentKind::xml:  // the same
        case mime::ContentKind::other:
            return !begins_as_mail();
    }
    return false;
}

bool is_mail(std::string_view bytes, const mime::Limits& limits) {
    if (!mime::looks_like_message(bytes)) {
        return false;
    }
    const mime::Header header = mime::parse_header(bytes, limits);
    const auto has = [&](std::string_view name) { return header.find(name) != nullptr; };
    return has("From") && (has("Date") || has("Received") || has("MIME-Version") ||
                           has("Message-ID") || has("Subject"));
}

bool is_mbox(std::string_view bytes) {
    return bytes.starts_with("From ") && (bytes.find("\n\nFrom ") != std::string_view::npos ||
                                          bytes.find("\r\n\r\nFrom ") != std::string_view::npos);
}

bool is_below(std::string_view section, std::string_view above) {
    return section.size() > above.size() && section.starts_with(above) &&
           section[above.size()] == '.';
}

}  // namespace dmarcbox
