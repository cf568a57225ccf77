#pragma once

#include "mime/limits.hpp"

namespace dmarcbox::mime {

/// The defaults of the service (server/limits.hpp is not this folder's to include).
constexpr Limits kTestLimits{.max_header_bytes = 256U << 10U,
                             .max_field_bytes = 64U << 10U,
                             .max_parts = 1000,
                             .max_part_depth = 20,
                             .max_unpacked_bytes = std::size_t{128} << 20U,
                             .max_unpack_ratio = 900,
                             .max_unpack_depth = 4,
                             .max_members = 1000,
                             .max_text_bytes = 65536,
                             .max_header_fields = 2000};

}  // namespace dmarcbox::mime
