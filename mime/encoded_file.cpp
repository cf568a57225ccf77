#include "mime/encoded_file.hpp"

#include <optional>

#include "mime/charset.hpp"
#include "mime/lines.hpp"

namespace dmarcbox::mime {

namespace {

bool is_uu_begin(std::string_view line) {
    if (!line.starts_with("begin ") || line.size() < 11) {
        return false;
    }
    const std::size_t mode_end = line.find(' ', 6);
    const std::string_view mode = line.substr(6, mode_end - 6);
    return mode_end != std::string_view::npos && mode_end + 1 < line.size() &&
           (mode.size() == 3 || mode.size() == 4) &&
           mode.find_first_not_of("01234567") == std::string_view::npos;
}

/// Whether the line is as long as its first character says; relays take blanks away from the end,
/// some encoders add a checksum character.
bool is_uu_line(std::string_view line) {
    if (line.empty() || line.front() < ' ' || line.front() > '`') {
        return false;
    }
    const std::size_t length = (static_cast<unsigned char>(line.front()) - 32U) & 0x3FU;
    const std::size_t expected = (length + 2) / 3 * 4;
    return line.size() - 1 <= expected + 2 && line.size() + 8 > expected &&
           line.find_first_of("abcdefghijklmnopqrstuvwxyz{|}~") == std::string_view::npos;
}

/// One line of uuencode: its length, then groups of four characters. Missing characters at the end
/// are the blanks that a relay took away.
void append_uu_line(std::string_view line, std::string& out) {
    const auto value = [&](std::size_t i) -> unsigned {
        return i < line.size() ? (static_cast<unsigned char>(line[i]) - 32U) & 0x3FU : 0U;
    };
    const std::size_t length = value(0);
    for (std::size_t i = 0; i < length; i += 3) {
        const std::size_t at = 1 + i / 3 * 4;
        const unsigned bits =
            (value(at) << 18U) | (value(at + 1) << 12U) | (value(at + 2) << 6U) | value(at + 3);
        for (std::size_t byte = 0; byte < 3 && i + byte < length; ++byte) {
            out.push_back(static_cast<char>(bits >> (16U - 8U * byte)));
        }
    }
}

void append_yenc_line(std::string_view line, std::string& out) {
    for (std::size_t i = 0; i < line.size(); ++i) {
        unsigned byte = static_cast<unsigned char>(line[i]);
        if (line[i] == '=' && i + 1 < line.size()) {
            byte = static_cast<unsigned char>(line[++i]) - 64U;
        }
        out.push_back(static_cast<char>(byte - 42U));
    }
}

std::string yenc_name(std::string_view line) {
    const std::size_t at = line.find(" name=");
    return at == std::string_view::npos ? std::string()
                                        : guess_utf8(trim_blanks(line.substr(at + 6)));
}

/// The file that begins at this line, truncated until its end is seen.
std::optional<EncodedFile> begin_file(std::string_view line) {
    if (is_uu_begin(line)) {
        const std::string_view name = line.substr(line.find(' ', 6) + 1);
        return EncodedFile{guess_utf8(trim_blanks(name)), {}, false, true};
    }
    if (line.starts_with("=ybegin ") && line.find(" name=") != std::string_view::npos) {
        return EncodedFile{yenc_name(line), {}, true, true};
    }
    return std::nullopt;
}

}  // namespace

std::vector<EncodedFile> find_encoded_files(std::string_view text, std::size_t max_files) {
    std::vector<EncodedFile> files;
    if (text.find("begin ") == std::string_view::npos) {
        return files;
    }
    bool inside = false;
    LineWalker lines(text);
    while (lines.next()) {
        const std::string_view line = lines.line();
        if (!inside) {
            auto file = begin_file(line);
            if (file && files.size() >= max_files) {
                break;
            }
            if (file) {
                inside = true;
                files.push_back(std::move(*file));
            }
            continue;
        }
        EncodedFile& file = files.back();
        if (file.yenc ? line.starts_with("=yend") : trim_blanks(line) == "end") {
            file.truncated = false;
            inside = false;
        } else if (file.yenc) {
            if (!line.starts_with("=ypart ")) {
                append_yenc_line(line, file.bytes);
            }
        } else if (is_uu_line(line)) {
            append_uu_line(line, file.bytes);
        } else {
            inside = false;
            if (file.bytes.empty()) {
                files.pop_back();  // someone writes about uuencode
            }
        }
    }
    return files;
}

}  // namespace dmarcbox::mime
