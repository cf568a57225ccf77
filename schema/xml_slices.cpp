#include "schema/xml_slices.hpp"

#include "schema/xml_text.hpp"

namespace dmarcbox::schema {
namespace {

/// Just behind the first `</name ... >` at or after `from`; npos if there is none.
std::size_t end_of_element(std::string_view text, std::string_view end_tag, std::size_t from) {
    for (auto at = text.find(end_tag, from); at != std::string_view::npos;
         at = text.find(end_tag, at + 1)) {
        const auto close = text.find_first_not_of(" \t\r\n", at + end_tag.size());
        if (close != std::string_view::npos && text[close] == '>') {
            return close + 1;
        }
    }
    return std::string_view::npos;
}

}  // namespace

std::optional<XmlSlices> slice_xml(std::string_view text,
                                   std::string_view element,
                                   std::size_t slice_bytes) {
    const auto first = find_start_tag(text, element);
    if (!first) {
        return std::nullopt;
    }
    const std::string end_tag = "</" + std::string(first.name);
    XmlSlices result;
    std::size_t begin = first.begin;
    while (true) {
        auto end = end_of_element(text, end_tag, begin + slice_bytes);
        if (end == std::string_view::npos) {
            // The rest holds less than a slice, and behind its last record the document ends.
            const auto last = text.rfind(end_tag);
            if (last != std::string_view::npos && last >= begin) {
                end = end_of_element(text, end_tag, last);
            }
        }
        if (end == std::string_view::npos) {
            break;
        }
        result.slices.push_back(text.substr(begin, end - begin));
        begin = end;
    }
    if (result.slices.empty()) {
        return std::nullopt;
    }
    result.skeleton.append(text.substr(0, first.begin))
        .append("<")
        .append(kSliceMarker)
        .append("/>")
        .append(text.substr(begin));
    return result;
}

}  // namespace dmarcbox::schema
