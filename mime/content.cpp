#include "mime/content.hpp"

#include <algorithm>
#include <array>

#include "mime/encoded_file.hpp"
#include "mime/finding_codes.hpp"
#include "mime/header.hpp"
#include "mime/lines.hpp"
#include "mime/transfer_encoding.hpp"

namespace dmarcbox::mime {

namespace {

/// Beginnings of gzip, zip, `<?xml`, `<feedback` and `{"` in base64.
constexpr std::array<std::string_view, 5> kBase64Beginnings{"H4sI", "UEsDB", "PD94bWw",
                                                            "PGZlZWRiYWNr", "eyJ"};

bool starts_as_plain(std::string_view text) {
    return text.starts_with('<') || text.starts_with('{') || text.starts_with("\x1F\x8B") ||
           text.starts_with("PK\x03\x04");
}

bool starts_as_base64(std::string_view text) {
    const std::string_view start = trim_blanks(text.substr(0, 64));
    return std::any_of(kBase64Beginnings.begin(), kBase64Beginnings.end(),
                       [start](std::string_view known) { return start.starts_with(known); });
}

std::string from_plain(std::string encoded, std::string_view section, Findings& findings) {
    if (starts_as_base64(encoded)) {
        Base64Result result = decode_base64(encoded);
        if (result.foreign == 0 && result.trailing == 0) {
            add_finding(findings, kUndeclaredBase64, section);
            return std::move(result.bytes);
        }
    }
    return encoded;
}

/// The lines in front of the first with another byte than base64's: a list or a mail system put its
/// footer behind a body of which it did not look at the encoding.
std::string_view without_footer(std::string_view encoded) {
    LineWalker lines(encoded);
    while (lines.next()) {
        if (decode_base64(lines.line()).foreign > 0) {
            return encoded.substr(0, lines.start());
        }
    }
    return encoded;
}

std::string from_base64(std::string_view encoded, std::string_view section, Findings& findings) {
    if (starts_as_plain(trim_blanks(encoded.substr(0, 1024)))) {
        add_finding(findings, kNotBase64, section);
        return std::string(encoded);
    }
    Base64Result result = decode_base64(encoded);
    // One foreign byte in twenty is prose, not damage.
    const bool prose = result.foreign * 20 > encoded.size();
    if (prose && starts_as_base64(encoded)) {
        const std::string_view body = without_footer(encoded);
        if (!body.empty()) {
            result = decode_base64(body);
            result.trailing += encoded.size() - body.size();
        }
    } else if (prose) {
        add_finding(findings, kNotBase64, section);
        return std::string(encoded);
    }
    if (result.foreign > 0 || result.padding_missing) {
        add_finding(findings, kBase64Lenient, section,
                    result.foreign > 0 ? std::to_string(result.foreign) + " foreign bytes"
                                       : std::string("padding missing"));
    }
    if (result.trailing > 0) {
        add_finding(findings, kBase64Trailing, section, std::to_string(result.trailing) + " bytes");
    }
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
