#include "mime/header.hpp"

#include <algorithm>

#include "mime/charset.hpp"
#include "mime/encoded_word.hpp"
#include "mime/finding_codes.hpp"
#include "mime/header_block.hpp"
#include "mime/lines.hpp"
#include "mime/text_cut.hpp"

namespace dmarcbox::mime {

namespace {

/// Folds removed: each line end with the blanks after it becomes one blank (RFC 5322 section
/// 2.2.3).
std::string unfold(std::string_view raw) {
    std::string out;
    LineWalker lines(raw);
    while (lines.next()) {
        std::string_view line = lines.line();
        if (lines.start() > 0) {
            line = line.substr(std::min(line.find_first_not_of(" \t"), line.size()));
            if (!out.empty() && !line.empty()) {
                out.push_back(' ');
            }
        }
        out += line;
    }
    return out;
}

/// Whether the value carries RFC 2231 parameters, which RFC 2047 does not decode.
bool has_extended_parameter(std::string_view name, std::string_view raw) {
    return starts_ignoring_case(name, "content-") && raw.find('*') != std::string_view::npos &&
           raw.find(';') != std::string_view::npos;
}

std::string join_parameters(const ParameterizedValue& parsed) {
    std::string out = parsed.value;
    for (const Parameter& parameter : parsed.parameters) {
        out += "; " + parameter.name + "=\"";
        for (const char c : parameter.value) {
            if (c == '"' || c == '\\') {
                out.push_back('\\');
            }
            out.push_back(c);
        }
        out.push_back('"');
    }
    return out;
}

/// Fields of one kind of deviation, told as one finding.
struct Tally {
    std::size_t count = 0;
    std::string first;

    void add(std::string_view name) {
        if (count++ == 0) {
            first = name;
        }
    }
    void tell(Findings& findings, const FindingCode& code) const {
        if (count > 0) {
            add_finding(findings, code, "", std::to_string(count) + " fields, first: " + first);
        }
    }
};

}  // namespace

const Field* Header::find(std::string_view name) const {
    for (const Field& field : fields) {
        if (equals_ignoring_case(field.name, name)) {
            return &field;
        }
    }
    return nullptr;
}

Header parse_header(std::string_view block, const Limits& limits, std::string_view charset) {
    // A sample's header may stand behind an empty line too many.
    block = skip_blank_lines(block);
    const HeaderBlock scanned =
        scan_header(block, limits.max_header_bytes, limits.max_header_fields);
    Header header;
    if (scanned.too_big) {
        add_finding(header.findings, kHeaderCut, "", std::to_string(block.size()) + " bytes");
    }
    if (scanned.garbage_lines > 0) {
        add_finding(header.findings, kHeaderGarbage, "",
                    std::to_string(scanned.garbage_lines) +
                        " lines, first: " + std::string(scanned.first_garbage.substr(0, 100)));
    }
    if (scanned.field_count > limits.max_header_fields) {
        add_finding(header.findings, kFieldsCut, "",
                    std::to_string(scanned.field_count) + " fields");
    }
    Tally long_fields;
    Tally long_texts;
    Tally raw_8bit;
    std::string unknown_charset;
    header.fields.reserve(std::min(scanned.fields.size(), limits.max_header_fields));
    for (const RawField& scanned_field : scanned.fields) {
        if (header.fields.size() >= limits.max_header_fields) {
            break;
        }
        std::string_view raw = scanned_field.raw;
        if (raw.size() > limits.max_field_bytes) {
            raw = raw.substr(0, limits.max_field_bytes);
            long_fields.add(scanned_field.name);
        }
        WordNotes notes;
        std::string value = has_extended_parameter(scanned_field.name, raw)
                                ? join_parameters(parse_parameterized(raw))
                                : decode_words(trim_blanks(unfold(raw)), notes, charset);
        value = trim_blanks(value);
        if (cut_utf8(value, limits.max_text_bytes)) {
            long_texts.add(scanned_field.name);
        }
        if (notes.raw_8bit) {
            raw_8bit.add(scanned_field.name);
        }
        if (unknown_charset.empty()) {
            unknown_charset = notes.unknown_charset;
        }
        header.fields.push_back(
            {std::string(scanned_field.name), std::move(value), std::string(raw)});
    }
    long_fields.tell(header.findings, kFieldCut);
    long_texts.tell(header.findings, kTextCut);
    raw_8bit.tell(header.findings, kRaw8bit);
    if (!unknown_charset.empty()) {
        add_finding(header.findings, kCharsetUnknown, "", unknown_charset);
    }
    return header;
}

}  // namespace dmarcbox::mime
