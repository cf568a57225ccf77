#pragma once

#include <cstdint>

#include "schema/aggregate_reader.hpp"

namespace dmarcbox::schema {

// Shared by the files that implement AggregateReader; nobody else includes this.

/// Character data of either kind.
bool is_text(const pugi::xml_node& node);

constexpr std::uint64_t bit(Element element) {
    return std::uint64_t{1} << static_cast<unsigned>(element);
}

/// True for elements that may stand several times in one parent.
bool may_repeat(Element element, Element parent);

}  // namespace dmarcbox::schema
