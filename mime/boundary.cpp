#include "mime/boundary.hpp"

#include <algorithm>

#include "mime/header_block.hpp"
#include "mime/lines.hpp"

namespace dmarcbox::mime {

namespace {

constexpr std::size_t kGuessWindow = 65536;

bool is_line_end(char c) {
    return c == '\r' || c == '\n';
}

/// Bytes of a line end at the beginning.
std::size_t line_end_size(std::string_view text) {
    if (text.starts_with("\r\r\n")) {
        return 3;
    }
    return text.starts_with("\r\n") ? 2 : (!text.empty() && is_line_end(text.front()) ? 1 : 0);
}

/// Where the content in front of a boundary line ends.
std::size_t content_end_before(std::string_view text, std::size_t start, std::size_t line_start) {
    std::size_t end = line_start;
    if (end > start && is_line_end(text[end - 1])) {
        const bool line_feed = text[end - 1] == '\n';
        --end;
        if (line_feed && end > start && text[end - 1] == '\r') {
            --end;
            if (end > start && text[end - 1] == '\r') {
                --end;
            }
        }
    }
    return end;
}

enum class Match { none, part, closing, closing_with_text };

/// What follows the boundary text decides: nothing but blanks is a boundary, two hyphens close.
Match match(std::string_view line, std::string_view boundary) {
    if (!line.starts_with(boundary)) {
        return Match::none;
    }
    std::string_view rest = line.substr(boundary.size());
    const bool closing = rest.starts_with("--");
    if (closing) {
        rest.remove_prefix(2);
    }
    if (rest.find_first_not_of(" \t") == std::string_view::npos) {
        return closing ? Match::closing : Match::part;
    }
    return closing ? Match::closing_with_text : Match::none;
}

std::size_t line_end_after(std::string_view text, std::size_t position) {
    while (position < text.size() && !is_line_end(text[position])) {
        ++position;
    }
    return position;
}

}  // namespace

std::optional<BoundaryLine> find_boundary(std::string_view text,
                                          std::size_t position,
                                          const std::list<std::string>& boundaries) {
    if (boundaries.empty()) {
        return std::nullopt;
    }
    std::size_t at = position;
    while ((at = text.find("--", at)) != std::string_view::npos) {
        if (at > position && !is_line_end(text[at - 1])) {
            // Not at the start of a line: skip the whole run of hyphens.
            at = std::min(text.find_first_not_of('-', at), text.size());
            continue;
        }
        const std::size_t end = line_end_after(text, at);
        const std::string_view line = text.substr(at, end - at);
        BoundaryLine found{0, at, 0, 0, false};
        Match best = Match::none;
        std::size_t level = 0;
        for (const std::string& boundary : boundaries) {
            // `--b--text` closes b, unless it is the boundary of a multipart further out.
            const Match here = match(line, boundary);
            const bool exact = here == Match::part || here == Match::closing;
            if (exact || (here != Match::none && best == Match::none)) {
                best = here;
                found.level = level;
            }
            if (exact) {
                break;
            }
            ++level;
        }
        if (best != Match::none) {
            found.closing = best != Match::part;
            found.content_end = content_end_before(text, position, at);
            found.line_end = end + line_end_size(text.substr(end));
            return found;
        }
        at = end;
    }
    return std::nullopt;
}

std::string guess_boundary(std::string_view body) {
    LineWalker lines(body.substr(0, kGuessWindow));
    while (lines.next()) {
        const std::string_view line = trim_blanks(lines.line());
        if (line.size() <= 2 || !line.starts_with("--") ||
            line.find_first_not_of('-') == std::string_view::npos) {
            continue;
        }
        LineWalker following = lines;
        if (following.next() &&
            (trim_blanks(following.line()).empty() || is_field_line(following.line()))) {
            return std::string(line.substr(2));
        }
    }
    return {};
}

}  // namespace dmarcbox::mime
