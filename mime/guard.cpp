#include "mime/guard.hpp"

#include "mime/finding_codes.hpp"

namespace dmarcbox::mime {

std::optional<HeaderBlock> Guard::admit_header(std::string_view text, std::string_view section) {
    if (refusal_) {
        return std::nullopt;
    }
    HeaderBlock block = scan_header(text, limits_.max_header_bytes, limits_.max_header_fields);
    if (block.too_big) {
        refusal_ = make_finding(kHeaderTooBig, section,
                                "more than " + std::to_string(limits_.max_header_bytes) + " bytes");
        return std::nullopt;
    }
    return block;
}

bool Guard::admit_part() {
    if (!refusal_ && ++parts_ > limits_.max_parts) {
        refusal_ = make_finding(kTooManyParts, "",
                                "more than " + std::to_string(limits_.max_parts) + " parts");
    }
    return !refusal_;
}

bool Guard::admit_depth(std::size_t depth) {
    if (!refusal_ && depth > limits_.max_part_depth) {
        refusal_ = make_finding(kPartsTooDeep, "",
                                "more than " + std::to_string(limits_.max_part_depth) + " levels");
    }
    return !refusal_;
}

}  // namespace dmarcbox::mime
