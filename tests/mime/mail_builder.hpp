#pragma once

#include <string>
#include <string_view>

#include "mime/unpack.hpp"

namespace dmarcbox::mime {

/// The text with each LF replaced by another line end.
inline std::string with_line_ends(std::string_view text, std::string_view line_end) {
    std::string out;
    for (const char c : text) {
        if (c == '\n') {
            out += line_end;
        } else {
            out.push_back(c);
        }
    }
    return out;
}

/// section|media type|file name|S for a sample|content with line ends as LF, one part a line.
inline std::string listed(const Message& message) {
    std::string out;
    for (const Part& part : message.parts) {
        out += part.section + "|" + part.media_type + "|" + part.file_name + "|" +
               (part.sample ? "S" : "") + "|";
        for (std::size_t i = 0; i < part.content.size(); ++i) {
            const char c = part.content[i];
            if (c == '\r') {
                if (i + 1 >= part.content.size() || part.content[i + 1] != '\n') {
                    out.push_back('/');
                }
            } else {
                out.push_back(c == '\n' ? '/' : c);
            }
        }
        out += "\n";
    }
    return out;
}

}  // namespace dmarcbox::mime
