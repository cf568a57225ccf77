#pragma once

#include <cstdio>
#include <cstdlib>

namespace dmarcbox::fuzz {

/// A property of a fuzz target: ends the process, and names itself, where it does not hold.
inline void require(bool holds, const char* what) {
    if (!holds) {
        std::fprintf(stderr, "does not hold: %s\n", what);
        std::abort();
    }
}

}  // namespace dmarcbox::fuzz
