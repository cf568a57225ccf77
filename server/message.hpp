#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dmarcbox {

/// A message in hand, from a session or a file: what ingest() reads. The bytes are not owned.
struct Message {
    std::string_view bytes;  ///< as received, un-dotted
    std::string source;      ///< smtp, lmtp or import
    std::int64_t received_at = 0;
    std::string peer_ip;
    std::string helo;
    std::string tls;
    std::string envelope_from;  ///< `<>` for the null reverse-path; empty for files
    std::string envelope_to;    ///< recipients with a blank between
    std::string file_name;      ///< imports: the base name, a hint for people
    std::string session;        ///< 12 hex digits; empty for files
};

}  // namespace dmarcbox
