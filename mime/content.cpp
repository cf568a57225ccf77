#include "mime/content.hpp"

#include <algorithm>

#include "mime/charset.hpp"
#include "mime/encoded_file.hpp"
#include "mime/finding_codes.hpp"
#include "mime/header.hpp"
#include "mime/lines.hpp"
#include "mime/sniff.hpp"
#include "mime/transfer_encoding.hpp"

namespace dmarcbox::mime {

namespace {

/// How much of a body tells whether it is base64 of a report.
constexpr std::size_t kBeginning = 1024;
/// Bytes of text that prose does not decode to by chance.
constexpr std::size_t kLeastText = 16;

bool starts_as_plain(std::string_view text) {
    return text.starts_with('<') || text.starts_with('{') || text.starts_with("\x1F\x8B") ||
           text.starts_with("PK\x03\x04");
}

/// Text all through; its last character may be cut in two.
bool is_text(std::string_view bytes) {
    constexpr std::size_t kLongestTail = 3;
    const bool control = std::any_of(bytes.begin(), bytes.end(), [](char c) {
        return static_cast<unsigned char>(c) < ' ' && c != '\t' && c != '\r' && c != '\n';
    });
    for (std::size_t cut = 0; !control && cut <= kLongestTail && cut < bytes.size(); ++cut) {
        if (is_utf8(bytes.substr(0, bytes.size() - cut))) {
            return true;
        }
    }
    return false;
}

/// True if the text begins with base64 of an archive or of a document that may be a report. Text
/// is told by what it decodes to, not by its first letters: "example" gives a `{` too.
bool starts_as_base64(std::string_view text) {
    text = trim_blanks(text.substr(0, kBeginning));
    const std::string bytes =
        decode_base64(text.substr(0, decode_base64(text).first_foreign.value_or(text.size())))
            .bytes;
    switch (sniff(bytes)) {
        case ContentKind::gzip:
            return bytes.starts_with("\x1F\x8B\x08");
        case ContentKind::zip:
            return bytes.starts_with("PK\x03\x04");
        case ContentKind::xml:
        case ContentKind::json: {
            const bool utf16 = bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF");
            return bytes.size() >= kLeastText && (utf16 || is_text(bytes));
        }
        case ContentKind::html:
        case ContentKind::empty:
        case ContentKind::other:
            break;
    }
    return false;
}

/// Foreign bytes in so much text are prose, not damage.
bool is_prose(std::size_t foreign, std::size_t size) {
    return foreign * 20 > size;
}

/// True if a blank stands between two words, as it does in no base64, however damaged.
bool has_words(std::string_view text) {
    const auto is_mark = [](char c) { return static_cast<unsigned char>(c) > ' '; };
    for (std::size_t i = 1; i + 1 < text.size(); ++i) {
        if (text[i] == ' ' && is_mark(text[i - 1]) && is_mark(text[i + 1])) {
            return true;
        }
    }
    return false;
}

/// Decodes a report in base64 without the footer that a list or a mail system put behind it, of
/// which it did not look at the encoding: prose from the first line on that holds a foreign byte.
Base64Result decode_without_footer(std::string_view encoded) {
    Base64Result result = decode_base64(encoded);
    if (!result.first_foreign || !starts_as_base64(encoded)) {
        return result;
    }
    const std::size_t line_end = encoded.substr(0, *result.first_foreign).find_last_of("\r\n");
    const std::size_t body = line_end == std::string_view::npos ? 0 : line_end + 1;
    const std::string_view rest = encoded.substr(body);
    if (body > 0 && is_prose(result.foreign, rest.size()) && has_words(rest)) {
        result = decode_base64(encoded.substr(0, body));
        result.trailing += rest.size();
    }
    return result;
}

void tell_trailing(const Base64Result& result, std::string_view section, Findings& findings) {
    if (result.trailing > 0) {
        add_finding(findings, kBase64Trailing, section, std::to_string(result.trailing) + " bytes");
    }
}

std::string from_plain(std::string encoded, std::string_view section, Findings& findings) {
    if (starts_as_base64(encoded)) {
        Base64Result result = decode_without_footer(encoded);
        if (result.foreign == 0) {
            add_finding(findings, kUndeclaredBase64, section);
            tell_trailing(result, section, findings);
            return std::move(result.bytes);
        }
    }
    return encoded;
}

std::string from_base64(std::string_view encoded, std::string_view section, Findings& findings) {
    if (starts_as_plain(trim_blanks(encoded.substr(0, kBeginning)))) {
        add_finding(findings, kNotBase64, section);
        return std::string(encoded);
    }
    Base64Result result = decode_without_footer(encoded);
    if (is_prose(result.foreign, encoded.size())) {
        add_finding(findings, kNotBase64, section);
        return std::string(encoded);
    }
    if (result.foreign > 0 || result.padding_missing) {
        add_finding(findings, kBase64Lenient, section,
                    result.foreign > 0 ? std::to_string(result.foreign) + " foreign bytes"
                                       : std::string("padding missing"));
    }
    tell_trailing(result, section, findings);
    return from_plain(std::move(result.bytes), section, findings);  // some encode twice
}

}  // namespace

bool is_plain_encoding(std::string_view transfer_encoding) {
    const std::string encoding = parse_parameterized(transfer_encoding).value;
    return encoding.empty() || encoding == "7bit" || encoding == "8bit" || encoding == "binary";
}

std::string decode_content(std::string_view encoded,
                           std::string_view transfer_encoding,
                           std::string_view section,
                           std::string& file_name,
                           Findings& findings) {
    const std::string encoding = parse_parameterized(transfer_encoding).value;
    if (encoding == "base64") {
        return from_base64(encoded, section, findings);
    }
    if (encoding == "quoted-printable") {
        QuotedPrintableResult result = decode_quoted_printable(encoded);
        if (result.invalid > 0) {
            add_finding(findings, kQuotedPrintableLenient, section,
                        std::to_string(result.invalid) + " times");
        }
        return from_plain(std::move(result.bytes), section, findings);
    }
    if (encoding == "x-uuencode" || encoding == "uuencode" || encoding == "x-uue" ||
        encoding == "uue") {
        auto files = find_encoded_files(encoded, 1);
        if (!files.empty() && !files.front().truncated) {
            if (file_name.empty()) {
                file_name = files.front().name;
            }
            return std::move(files.front().bytes);
        }
        if (!files.empty()) {
            add_finding(findings, kEncodedFileTruncated, section, encoding);
            return {};
        }
        add_finding(findings, kNotUuencode, section);
        return from_plain(std::string(encoded), section, findings);
    }
    if (!is_plain_encoding(transfer_encoding)) {
        add_finding(findings, kTransferEncodingUnknown, section, encoding);
    }
    return from_plain(std::string(encoded), section, findings);
}

}  // namespace dmarcbox::mime
