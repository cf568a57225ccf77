#pragma once

#include <cstddef>

#include "mime/limits.hpp"

namespace dmarcbox::mime {

/// What one message may still unpack to, over all its parts and nested archives: two documents of
/// the greatest size, max_members files. Many bombs in one mail, or a thousand zips in a zip, do
/// not add up.
struct UnpackBudget {
    static constexpr std::size_t kDocuments = 2;

    explicit UnpackBudget(const Limits& limits)
        : left(kDocuments * limits.max_unpacked_bytes), members(limits.max_members) {}

    std::size_t left;     ///< bytes
    std::size_t members;  ///< archive entries
};

}  // namespace dmarcbox::mime
