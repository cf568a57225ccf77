#pragma once

#include <string_view>

#include "schema/finding.hpp"
#include "schema/limits.hpp"
#include "schema/scalar_text.hpp"
#include "schema/xml_text.hpp"
#include "tests/fuzz/require.hpp"

namespace dmarcbox::fuzz {

inline void require_text(std::string_view text, const schema::Limits& limits) {
    require(schema::is_utf8(text), "values are UTF-8");
    require(text.find('\0') == std::string_view::npos, "values hold no NUL");
    require(text.size() <= limits.max_text_bytes, "a value is within its cap");
    require(schema::trim(text) == text, "a value is trimmed");
}

inline void require_findings(const schema::Findings& findings, const schema::Limits& limits) {
    require(findings.size() <= limits.max_findings, "findings are within their cap");
    for (const auto& finding : findings) {
        require(finding.detail.size() <= 200 && schema::is_utf8(finding.detail),
                "details are UTF-8 of 200 bytes");
    }
}

}  // namespace dmarcbox::fuzz
