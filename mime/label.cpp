#include "mime/label.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "mime/finding_codes.hpp"
#include "mime/lines.hpp"

namespace dmarcbox::mime {

namespace {

struct Claim {
    std::string_view text;
    ContentKind kind;
};

constexpr std::array kMediaTypes{
    Claim{"application/gzip", ContentKind::gzip},
    Claim{"application/x-gzip", ContentKind::gzip},
    Claim{"application/gunzip", ContentKind::gzip},
    Claim{"application/x-gunzip", ContentKind::gzip},
    Claim{"application/gzip-compressed", ContentKind::gzip},
    Claim{"application/tlsrpt+gzip", ContentKind::gzip},
    Claim{"application/zip", ContentKind::zip},
    Claim{"application/x-zip", ContentKind::zip},
    Claim{"application/x-zip-compressed", ContentKind::zip},
    Claim{"application/zip-compressed", ContentKind::zip},
    Claim{"text/xml", ContentKind::xml},
    Claim{"application/xml", ContentKind::xml},
    Claim{"application/json", ContentKind::json},
    Claim{"text/json", ContentKind::json},
    Claim{"application/tlsrpt+json", ContentKind::json},
    Claim{"text/html", ContentKind::html},
};

constexpr std::array kExtensions{
    Claim{".gz", ContentKind::gzip},
    Claim{".zip", ContentKind::zip},
    Claim{".xml", ContentKind::xml},
    Claim{".json", ContentKind::json},
};

std::optional<ContentKind> kind_of_type(std::string_view type) {
    const auto* const claim = std::find_if(kMediaTypes.begin(), kMediaTypes.end(),
                                           [type](const Claim& c) { return c.text == type; });
    return claim == kMediaTypes.end() ? std::nullopt : std::optional(claim->kind);
}

std::optional<ContentKind> kind_of_name(std::string_view name) {
    const auto* const claim =
        std::find_if(kExtensions.begin(), kExtensions.end(), [name](const Claim& c) {
            return name.size() > c.text.size() &&
                   equals_ignoring_case(name.substr(name.size() - c.text.size()), c.text);
        });
    return claim == kExtensions.end() ? std::nullopt : std::optional(claim->kind);
}

/// The standards' own types. application/zip is no standard type either, but says what it is:
/// finding zip_archive tells.
bool is_standard(std::string_view type, ReportKind report) {
    if (report == ReportKind::tls) {
        return type == "application/tlsrpt+gzip" || type == "application/tlsrpt+json";
    }
    return type == "application/gzip" || type == "text/xml" || type == "application/zip";
}

std::string_view name_of(ContentKind kind) {
    switch (kind) {
        case ContentKind::gzip:
            return "gzip";
        case ContentKind::zip:
            return "zip";
        case ContentKind::xml:
            return "XML";
        case ContentKind::json:
            return "JSON";
        case ContentKind::html:
            return "HTML";
        case ContentKind::empty:
        case ContentKind::other:
            break;
    }
    return "something else";
}

std::string contradiction(std::string_view label, ContentKind content) {
    return std::string(label).append(" is ").append(name_of(content));
}

}  // namespace

void check_label(const Part& part, ContentKind content, ReportKind report, Findings& findings) {
    if (content == ContentKind::zip) {
        add_finding(findings, kZipArchive, part.section);
    }
    const auto by_type = kind_of_type(part.media_type);
    if (by_type && *by_type != content) {
        add_finding(findings, kWrongMediaType, part.section,
                    contradiction(part.media_type, content));
    } else if (!is_standard(part.media_type, report)) {
        add_finding(findings, kOddMediaType, part.section, part.media_type);
    }
    const auto by_name = kind_of_name(part.file_name);
    if (by_name && *by_name != content) {
        add_finding(findings, kWrongFileName, part.section, contradiction(part.file_name, content));
    }
}

}  // namespace dmarcbox::mime
