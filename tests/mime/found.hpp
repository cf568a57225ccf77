#pragma once

#include <string>

#include "mime/finding.hpp"

namespace dmarcbox::mime {

/// Codes in order, with their parts: "gzip_trailing@2 empty@2/a.xml".
inline std::string codes(const Findings& findings) {
    std::string out;
    for (const Finding& finding : findings) {
        if (!out.empty()) {
            out += ' ';
        }
        out += finding.code.code;
        if (!finding.part.empty()) {
            out += "@" + finding.part;
        }
    }
    return out;
}

}  // namespace dmarcbox::mime
