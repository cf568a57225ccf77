#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "mime/finding.hpp"
#include "mime/header.hpp"
#include "mime/limits.hpp"

namespace dmarcbox::mime {

/// A leaf part, transfer encoding removed. An attached message (message/rfc822) is a leaf with its
/// raw bytes, and unless it is the sample of a feedback report its own parts follow it.
struct Part {
    std::string section;     ///< IMAP-like number: "1", "2.1"; "1" for a message without multiparts
    std::string media_type;  ///< lower case; "text/plain" where absent (RFC 2045 section 5.2)
    std::string charset;     ///< as labelled, lower case; may be empty
    std::string
        file_name;  ///< UTF-8, from Content-Disposition or Content-Type; never a path to open
    std::string
        report_type;  ///< report-type of the enclosing multipart/report, lower case; may be empty
    bool sample =
        false;           ///< third part of a feedback report: message/rfc822 or text/rfc822-headers
    std::string header;  ///< the part's own header block as sent
    std::string content;  ///< decoded bytes
};

struct Message {
    Header header;
    std::vector<Part> parts;  ///< message order
    Findings findings;  ///< tolerated deviations; faults of single parts (that part is left out)
};

/// Takes a message apart into leaf parts. Any line ending; a leading mbox `From ` line is ignored.
/// A message over max_parts, max_part_depth or max_header_bytes is refused as a whole: the finding
/// in the error is a fault. Never throws on input, linear in the size of the message. RFC 2045, RFC
/// 2046.
[[nodiscard]] tl::expected<Message, Finding> unpack(std::string_view message, const Limits& limits);

/// True if the bytes start like a mail: a header field line or an mbox `From ` line before one
/// first, or behind an odd line two fields that mail has.
[[nodiscard]] bool looks_like_message(std::string_view bytes);

/// True if the message has any header field: enough for what is known to be a mail.
[[nodiscard]] bool has_header_field(std::string_view message);

/// The message without byte order mark, mbox `From ` line and blank lines in front.
[[nodiscard]] std::string_view skip_envelope(std::string_view message);

}  // namespace dmarcbox::mime
