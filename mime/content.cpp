#include "mime/content.hpp"

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

std::string from_plain(std::string encoded, std::string_view section, Findings& findings) {
    const std::string_view start = trim_blanks(std::string_view(encoded).substr(0, 64));
    for (const std::string_view beginning : kBase64Beginnings) {
        if (start.starts_with(beginning)) {
            Base64Result result = decode_base64(encoded);
            if (result.foreign == 0 && result.trailing == 0) {
                add_finding(findings, kUndeclaredBase64, section);
                return std::move(result.bytes);
            }
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
    if (result.foreign * 20 > encoded.size()) {
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
