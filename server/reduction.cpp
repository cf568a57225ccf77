#include "server/reduction.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "mime/charset.hpp"
#include "mime/header.hpp"
#include "mime/header_block.hpp"
#include "mime/sniff.hpp"
#include "mime/unpack.hpp"
#include "schema/content_hash.hpp"
#include "schema/scalar_text.hpp"
#include "server/ingest_feedback.hpp"
#include "server/redaction.hpp"

namespace dmarcbox {
namespace {

constexpr std::string_view kEol = "\r\n";
constexpr std::string_view kHex = "0123456789abcdef";
/// 76 characters of base64 (RFC 2045 section 6.8).
constexpr std::size_t kBytesPerLine = 57;

std::string base64_lines(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size() / 3 * 4 + bytes.size() / kBytesPerLine * 2 + 8);
    for (std::size_t i = 0; i < bytes.size(); i += kBytesPerLine) {
        const std::string_view line = bytes.substr(i, kBytesPerLine);
        std::string encoded(80, '\0');
        const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                                           reinterpret_cast<const unsigned char*>(line.data()),
                                           static_cast<int>(line.size()));
        out.append(encoded, 0, static_cast<std::size_t>(length));
        out += kEol;
    }
    return out;
}

/// Bytes of the sample before its body: what stays.
std::size_t kept_size(std::string_view content, const Limits& limits) {
    const std::string_view header = sample_header(content, limits);
    const auto start = static_cast<std::size_t>(header.data() - content.data());
    return start + mime::scan_header(content.substr(start), limits.max_header_bytes,
                                     limits.max_header_fields)
                       .size;
}

bool is_blank(std::string_view text) {
    return text.find_first_not_of("\r\n \t") == std::string_view::npos;
}

/// What is needed of a message to write it anew.
struct Rewriting {
    const mime::Message& message;
    const std::vector<FeedbackGroup>& groups;
    const Limits& limits;
    const Redactor* redactor;  ///< nullptr: addresses stay

    [[nodiscard]] std::string header_text(std::string_view block) const {
        std::string out;
        for (auto& field : mime::parse_header(block, limits.mime()).fields) {
            schema::HeaderField copy{std::move(field.name), std::move(field.value),
                                     std::move(field.raw)};
            if (redactor != nullptr) {
                redactor->redact(copy);
            }
            out += copy.name;
            out += ':';
            out += copy.raw;
            out += kEol;
        }
        return out;
    }

    [[nodiscard]] std::string fields_text(const mime::Part& part) const {
        if (redactor != nullptr) {
            return header_text(schema::trim(part.content));
        }
        std::string out;
        for (const auto& field :
             mime::parse_header(schema::trim(part.content), limits.mime()).fields) {
            const bool body = holds_canonicalized(field.name, false);
            out += field.name + ":" + (body ? " (removed)" : field.raw);
            out += kEol;
        }
        return out;
    }

    /// Another part: nullopt if it has to go.
    [[nodiscard]] std::optional<std::string> other_text(const mime::Part& part) const {
        const bool plain = part.media_type == "text/plain";
        if (redactor != nullptr && plain) {
            return "Content-Type: text/plain; charset=utf-8\r\n\r\n" +
                   redactor->redact(mime::to_utf8(part.content, part.charset)
                                        .value_or(mime::guess_utf8(part.content)));
        }
        const mime::ContentKind kind = mime::sniff(part.content);
        const bool may_hold_report = kind != mime::ContentKind::other &&
                                     kind != mime::ContentKind::html &&
                                     kind != mime::ContentKind::empty;
        if (redactor != nullptr && !may_hold_report) {
            return std::nullopt;
        }
        std::string out = "Content-Type: " + part.media_type;
        if (!part.charset.empty()) {
            out += "; charset=\"" + part.charset + "\"";
        }
        return out + "\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64_lines(part.content);
    }
};

/// Sections below `section`: the parts of an attached message.
bool is_below(std::string_view section, std::string_view above) {
    return section.size() > above.size() && section.starts_with(above) &&
           section[above.size()] == '.';
}

std::string rewrite(std::string_view bytes, const Rewriting& r) {
    const std::string_view header = sample_header(bytes, r.limits);
    std::string out;
    for (auto& field : mime::parse_header(header, r.limits.mime()).fields) {
        const std::string name = schema::lower_case(field.name);
        if (name.starts_with("content-") || name == "mime-version") {
            continue;
        }
        out += r.header_text(field.name + ":" + field.raw);
    }
    std::string boundary = "dmarcbox-";
    const schema::Digest digest = schema::sha256(bytes);
    for (std::size_t i = 0; i < 12; ++i) {
        boundary += kHex[digest[i] >> 4U];
        boundary += kHex[digest[i] & 15U];
    }
    out +=
        "MIME-Version: 1.0\r\nContent-Type: multipart/report; "
        "report-type=feedback-report;\r\n boundary=\"" +
        boundary + "\"\r\n\r\n";

    const auto& parts = r.message.parts;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const bool fields = std::any_of(r.groups.begin(), r.groups.end(),
                                        [i](const auto& g) { return g.fields == i; });
        const bool sample = std::any_of(r.groups.begin(), r.groups.end(),
                                        [i](const auto& g) { return g.sample == i; });
        const bool in_sample = std::any_of(r.groups.begin(), r.groups.end(), [&](const auto& g) {
            return g.sample && is_below(parts[i].section, parts[*g.sample].section);
        });
        const bool copy = parts[i].media_type == "message/rfc822" && !sample;
        std::optional<std::string> text;
        if (fields) {
            text = "Content-Type: message/feedback-report\r\n\r\n" + r.fields_text(parts[i]);
        } else if (sample) {
            const std::string_view kept = sample_header(parts[i].content, r.limits);
            text = "Content-Type: text/rfc822-headers\r\n\r\n" +
                   (r.redactor == nullptr ? std::string(kept) : r.header_text(kept));
        } else if (!in_sample && !copy) {
            text = r.other_text(parts[i]);
        }
        if (text) {
            out += "--" + boundary + "\r\n" + *text;
            out += out.ends_with('\n') ? "" : kEol;
        }
    }
    return out + "--" + boundary + "--\r\n";
}

/// Cuts the bodies where they stand. Nullopt if one cannot be found, or a field of part 2 holds a
/// body too.
std::optional<std::string> cut_in_place(std::string_view bytes, const Rewriting& r) {
    std::string out;
    std::size_t copied = 0;
    for (const auto& group : r.groups) {
        const auto fields = mime::parse_header(schema::trim(r.message.parts[group.fields].content),
                                               r.limits.mime());
        if (std::any_of(fields.fields.begin(), fields.fields.end(),
                        [](const auto& field) { return holds_canonicalized(field.name, false); })) {
            return std::nullopt;
        }
        if (!group.sample) {
            continue;
        }
        const std::string& content = r.message.parts[*group.sample].content;
        const std::size_t kept = kept_size(content, r.limits);
        if (is_blank(std::string_view(content).substr(kept))) {
            continue;
        }
        // memmem takes linear time on hostile repetition, std::string_view::find does not.
        const void* found =
            memmem(bytes.data() + copied, bytes.size() - copied, content.data(), content.size());
        if (found == nullptr) {
            return std::nullopt;
        }
        const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
        out += bytes.substr(copied, at + kept - copied);
        copied = at + content.size();
        // The line end before the boundary may have counted as part of the body.
        if (copied < bytes.size() && bytes[copied] != '\r' && bytes[copied] != '\n') {
            out += kEol;
        }
    }
    out += bytes.substr(copied);
    return out;
}

/// True if reading `reduced` gives the same samples.
bool reads_alike(std::string_view reduced, const Rewriting& r) {
    const auto again = mime::unpack(reduced, r.limits.mime());
    if (!again) {
        return false;
    }
    const auto groups = find_feedback(again->parts);
    return std::equal(
        groups.begin(), groups.end(), r.groups.begin(), r.groups.end(),
        [&](const FeedbackGroup& now, const FeedbackGroup& then) {
            return now.sample.has_value() == then.sample.has_value() &&
                   again->parts[now.fields].content == r.message.parts[then.fields].content &&
                   (!now.sample ||
                    sample_header(again->parts[*now.sample].content, r.limits) ==
                        sample_header(r.message.parts[*then.sample].content, r.limits));
        });
}

}  // namespace

std::optional<std::string> reduce_original(std::string_view bytes, const IngestSettings& settings) {
    if (settings.keep == FailureKeep::full) {
        return std::nullopt;
    }
    const bool redacted = settings.keep == FailureKeep::redacted;
    std::optional<Redactor> redactor;
    if (redacted) {
        redactor.emplace(settings.redaction_key);
    }
    const auto message = mime::unpack(bytes, settings.limits.mime());
    if (!message || !mime::looks_like_message(bytes)) {
        // A bare text file with the plain-text form: headers only, nothing to cut.
        return redacted ? std::optional(redactor->redact(bytes)) : std::nullopt;
    }
    const auto groups = find_feedback(message->parts);
    const Rewriting rewriting{*message, groups, settings.limits, redacted ? &*redactor : nullptr};
    if (redacted) {
        return rewrite(bytes, rewriting);
    }
    auto cut = cut_in_place(bytes, rewriting);
    if (cut && *cut == bytes) {
        return std::nullopt;
    }
    return cut && reads_alike(*cut, rewriting) ? std::move(*cut) : rewrite(bytes, rewriting);
}

}  // namespace dmarcbox
