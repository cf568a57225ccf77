#pragma once

#include <cstddef>
#include <functional>

namespace dmarcbox::mime {

/// Caps on taking one message apart. The numbers and their reasons stand in server/limits.hpp.
struct Limits {
    std::size_t max_header_bytes;    ///< one header block, of the message or of a part
    std::size_t max_field_bytes;     ///< one header field, unfolded
    std::size_t max_parts;           ///< leaf parts and multiparts of one message
    std::size_t max_part_depth;      ///< nesting of multiparts and attached messages
    std::size_t max_unpacked_bytes;  ///< one document after decompression
    std::size_t max_unpack_ratio;    ///< unpacked / packed, checked above 1 MiB unpacked
    std::size_t max_unpack_depth;    ///< gzip in zip in ...
    std::size_t max_members;         ///< entries of all zips in a message, members of one gzip
    std::size_t max_text_bytes;      ///< one decoded header value
    std::size_t max_header_fields;   ///< fields taken from one header block
};

/// Asked between steps of bounded work; true ends the work. Empty: never.
using Expired = std::function<bool()>;

}  // namespace dmarcbox::mime
