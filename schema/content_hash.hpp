#pragma once

#include <string_view>

#include "schema/report.hpp"

namespace dmarcbox::schema {

/// SHA-256 of the bytes.
[[nodiscard]] Digest sha256(std::string_view bytes);

/// Hash over identity, published policy and the records with reasons and results, sorted,
/// length-prefixed: the same report from another container, line ending or release has the same
/// hash. Values are those of the columns; contact, generator, errors, namespace, version and
/// comments are left out.
[[nodiscard]] Digest content_hash(const AggregateReport& report);
[[nodiscard]] Digest content_hash(const TlsReport& report);

}  // namespace dmarcbox::schema
