#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dmarcbox::schema {

/// A tag-list record: DMARC (RFC 7489 section 6.3, RFC 9989), or TLSRPT (RFC 8460 section 3).
struct TagRecord {
    struct Tag {
        std::string name;   ///< lower case
        std::string value;  ///< trimmed
    };
    std::vector<Tag> tags;  ///< in order, the version first

    /// Value of the first tag of that name; nullptr if none.
    [[nodiscard]] const std::string* find(std::string_view name) const;
};

/// Reads `v=<version>; name=value; ...`. nullopt unless the first tag is v with exactly that
/// version (case-sensitive): the text is then no such record. Parts without `=` are skipped.
[[nodiscard]] std::optional<TagRecord> parse_tag_record(std::string_view text,
                                                        std::string_view version);

/// The mail addresses of a rua or ruf value: `mailto:` URIs, percent-encoding undone, `!size`
/// suffix dropped, domain in lower case. Other schemes are left out.
[[nodiscard]] std::vector<std::string> report_addresses(std::string_view uris);

}  // namespace dmarcbox::schema
