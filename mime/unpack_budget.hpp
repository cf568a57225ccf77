#pragma once

#include <cstddef>

#include "mime/limits.hpp"

namespace dmarcbox::mime {

/// How much one message may still unpack to, over all its parts and nested archives: two documents
/// of the greatest size. A zip of ten years' reports fits; many bombs in one mail do not.
struct UnpackBudget {
    static constexpr std::size_t kDocuments = 2;

    explicit UnpackBudget(const Limits& limits) : left(kDocuments * limits.max_unpacked_bytes) {}

    std::size_t left;
};

}  // namespace dmarcbox::mime
