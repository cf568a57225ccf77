#pragma once

#include <string>
#include <string_view>

namespace dmarcbox::schema {

/// Lower case (ASCII), trimmed, without final dots. Not validated: reports hold anything.
[[nodiscard]] std::string normalize_domain(std::string_view text);

/// The name with international labels as A-labels (RFC 5891, mapped by UTS 46, non-transitional). A
/// name without such labels, or with one that is none, as it is. Input normalised. Thread-safe.
[[nodiscard]] std::string to_a_labels(std::string domain);

/// Organisational domain by the public suffix list that libpsl carries; the name itself if it is a
/// public suffix or has no dot. Input normalised. Thread-safe.
[[nodiscard]] std::string organizational_domain(std::string_view domain);

/// The same as the end of `domain` itself, without an allocation.
[[nodiscard]] std::string_view organizational_domain_of(std::string_view domain);

/// Both in the same organisational domain. Empty names never are.
[[nodiscard]] bool same_organization(std::string_view a, std::string_view b);

}  // namespace dmarcbox::schema
