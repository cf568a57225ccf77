#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dmarcbox::schema {

/// A document cut at its records: the skeleton is all but the records, with an empty element
/// `kSliceMarker` in their place; each slice is a run of whole records with what stands between
/// them. Cutting is by text: the cut is right if the marker is a child of the root and every part
/// is well-formed, since a cut inside a comment, CDATA section, tag or nested record leaves a part
/// that is not.
struct XmlSlices {
    std::string skeleton;
    std::vector<std::string_view> slices;  ///< into the text given
};

inline constexpr std::string_view kSliceMarker = "dmarcbox-slices";

/// Slices of about `slice_bytes`. Nullopt if the text has no such element.
[[nodiscard]] std::optional<XmlSlices> slice_xml(std::string_view text,
                                                 std::string_view element,
                                                 std::size_t slice_bytes);

}  // namespace dmarcbox::schema
