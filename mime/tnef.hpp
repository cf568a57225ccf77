#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dmarcbox::mime {

/// An attachment inside TNEF (winmail.dat), MS-OXTNEF.
struct TnefAttachment {
    std::string name;  ///< UTF-8
    std::string bytes;
};

struct TnefContent {
    std::vector<TnefAttachment> attachments;
    bool broken = false;  ///< breaks off inside an attribute, or a checksum is wrong
};

/// True for the signature of TNEF.
[[nodiscard]] bool is_tnef(std::string_view bytes);

/// The attachments, at most `max_attachments`. Message properties and MAPI attributes are skipped.
[[nodiscard]] TnefContent read_tnef(std::string_view bytes, std::size_t max_attachments);

}  // namespace dmarcbox::mime
