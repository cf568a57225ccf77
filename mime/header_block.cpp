#include "mime/header_block.hpp"

#include <algorithm>
#include <array>

#include "mime/lines.hpp"

namespace dmarcbox::mime {

namespace {

bool is_blank_line(std::string_view line) {
    return line.find_first_not_of(" \t") == std::string_view::npos;
}

bool is_continuation(std::string_view line) {
    return line.front() == ' ' || line.front() == '\t';
}

/// Length of the field name, blanks before the colon not counted; 0 if the line is no field.
std::size_t name_length(std::string_view line) {
    std::size_t length = 0;
    while (length < line.size() && line[length] > ' ' && line[length] < '\x7f' &&
           line[length] != ':') {
        ++length;
    }
    const std::size_t colon = line.find_first_not_of(" \t", length);
    return colon != std::string_view::npos && line[colon] == ':' ? length : 0;
}

std::string letters_of(std::string_view name) {
    std::string out;
    for (const char c : name) {
        if (c != '-' && c != '_') {
            out.push_back(c);
        }
    }
    return to_lower(out);
}

/// MIME fields whose misspelling was met (`ContentType:` by Trustwave) or is of that kind.
constexpr std::array<std::string_view, 3> kMimeFields{"content-type", "content-transfer-encoding",
                                                      "content-disposition"};

bool is_misspelt_as(std::string_view written, std::string_view meant) {
    return written.size() >= 11 && written.size() <= meant.size() + 1 &&
           starts_ignoring_case(written, "content") && !equals_ignoring_case(written, meant) &&
           letters_of(written) == letters_of(meant);
}

}  // namespace

bool is_field_line(std::string_view line) {
    return name_length(line) > 0;
}

std::string_view HeaderBlock::find(std::string_view name) const {
    for (const RawField& field : fields) {
        if (equals_ignoring_case(field.name, name)) {
            return field.raw;
        }
    }
    if (!misspelt.empty()) {
        for (const RawField& field : fields) {
            if (is_misspelt_as(field.name, name)) {
                return field.raw;
            }
        }
    }
    return {};
}

HeaderBlock scan_header(std::string_view text, std::size_t max_bytes, std::size_t max_fields) {
    constexpr std::size_t kMimeFieldsBehind = 20;
    HeaderBlock block;
    const std::string_view window = text.substr(0, max_bytes);
    LineWalker lines(window);
    bool skipping = false;  // continuation lines belong to no field that is kept
    while (lines.next()) {
        const std::string_view line = lines.line();
        if (is_blank_line(line)) {
            block.blank_separator = !line.empty();
            block.text_size = lines.start();
            block.size = lines.end();
            return block;
        }
        if (is_continuation(line) && (skipping || !block.fields.empty())) {
            if (!skipping) {
                RawField& field = block.fields.back();
                field.raw = std::string_view(
                    field.raw.data(),
                    static_cast<std::size_t>(line.data() + line.size() - field.raw.data()));
            }
            continue;
        }
        const std::size_t length = name_length(line);
        if (length > 0) {
            ++block.field_count;
            const std::size_t behind = std::max(block.fields.size(), max_fields) - max_fields;
            skipping = block.fields.size() >= max_fields &&
                       (behind >= kMimeFieldsBehind || !starts_ignoring_case(line, "content"));
            if (skipping) {
                continue;
            }
            const std::size_t colon = line.find(':', length);
            block.fields.push_back({line.substr(0, length), line.substr(colon + 1)});
            if (block.misspelt.empty()) {
                for (const std::string_view meant : kMimeFields) {
                    if (is_misspelt_as(line.substr(0, length), meant)) {
                        block.misspelt = line.substr(0, length);
                    }
                }
            }
            continue;
        }
        // One odd line among fields (a stray `>From `, a line cut in two) is skipped; a boundary,
        // or an odd line that no field follows, is the body after a missing separator line.
        LineWalker following = lines;
        const bool field_follows = following.next() && is_field_line(following.line());
        if (line.starts_with("--") || !field_follows) {
            block.no_separator = true;
            block.text_size = lines.start();
            block.size = lines.start();
            return block;
        }
        skipping = true;
        if (block.garbage_lines++ == 0) {
            block.first_garbage = line;
        }
    }
    block.too_big = text.size() > window.size();
    block.text_size = window.size();
    block.size = window.size();
    return block;
}

}  // namespace dmarcbox::mime
