#include "server/terminal.hpp"

#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cwchar>
#include <utility>
#include <vector>

namespace dmarcbox {
namespace {

constexpr std::size_t kMinWidth = 40;
constexpr std::size_t kMaxWidth = 120;

/// Set by use_locale().
bool user_shows_utf8 = false;

struct Character {
    char32_t code = 0;
    std::size_t size = 1;
    bool valid = false;  ///< false: one byte that is not UTF-8
};

/// The first character of non-empty text (RFC 3629).
Character first_character(std::string_view text) {
    const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) {
        return {lead, 1, true};
    }
    std::size_t size = 0;
    char32_t code = 0;
    char32_t least = 0;
    if (lead >= 0xC2 && lead <= 0xDF) {
        size = 2, code = lead & 0x1FU, least = 0x80;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        size = 3, code = lead & 0x0FU, least = 0x800;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        size = 4, code = lead & 0x07U, least = 0x10000;
    }
    if (size == 0 || text.size() < size) {
        return {lead, 1, false};
    }
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xC0U) != 0x80) {
            return {lead, 1, false};
        }
        code = (code << 6U) | (byte(i) & 0x3FU);
    }
    const bool valid = code >= least && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
    return valid ? Character{code, size, true} : Character{lead, 1, false};
}

bool is_harmful(char32_t c) {
    return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x061C || c == 0x200E || c == 0x200F ||
           c == 0x2028 || c == 0x2029 || (c >= 0x202A && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF || (c >= 0xE0000 && c <= 0xE007F);
}

std::string visible(char form, char32_t code) {
    std::array<char, 16> buffer{};
    const int length = std::snprintf(buffer.data(), buffer.size(), "\\%c{%02x}", form,
                                     static_cast<unsigned>(code));
    return {buffer.data(), static_cast<std::size_t>(length)};
}

std::size_t width_of(char32_t code) {
    const int width = wcwidth(static_cast<wchar_t>(code));
    if (width >= 0) {
        return static_cast<std::size_t>(width);
    }
    return 1;  // unknown to this locale: the terminal shows something
}

std::string_view environment(const char* name) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): commands read it before they start threads
    const char* value = std::getenv(name);
    return value == nullptr ? std::string_view{} : std::string_view(value);
}

std::size_t width_of_terminal(int fd) {
    const std::string_view columns = environment("COLUMNS");
    std::size_t width = 0;
    std::from_chars(columns.data(), columns.data() + columns.size(), width);
    if (width == 0) {
        winsize size{};
        if (ioctl(fd, TIOCGWINSZ, &size) == 0) {
            width = size.ws_col;
        }
    }
    return width == 0 ? 80 : std::clamp(width, kMinWidth, kMaxWidth);
}

}  // namespace

void use_locale() {
    if (std::setlocale(LC_CTYPE, "") != nullptr) {
        user_shows_utf8 = std::string_view(nl_langinfo(CODESET)) == "UTF-8";
    }
    std::setlocale(LC_CTYPE, "C.UTF-8");
}

Terminal terminal_of(int fd, ColourChoice colour) {
    Terminal terminal;
    terminal.is_terminal = isatty(fd) == 1;
    terminal.colour = colour == ColourChoice::always ||
                      (colour == ColourChoice::automatic && terminal.is_terminal &&
                       environment("NO_COLOR").empty() && environment("TERM") != "dumb");
    terminal.unicode = user_shows_utf8;
    if (terminal.is_terminal || !environment("COLUMNS").empty()) {
        terminal.width = width_of_terminal(fd);
    }
    return terminal;
}

std::string escape_for_terminal(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const Character c = first_character(text);
        if (!c.valid) {
            out += visible('x', c.code);
        } else if (is_harmful(c.code)) {
            out += visible('u', c.code);
        } else {
            out += text.substr(0, c.size);
        }
        text.remove_prefix(c.size);
    }
    return out;
}

std::string escape_for_csv(std::string_view text) {
    std::string cell = escape_for_terminal(text);
    // What was a tab or CR in front is `\u{09}` by now; the apostrophe is for readers that undo it.
    const bool formula = !text.empty() && std::string_view("=+-@\t\r\n").find(text.front()) !=
                                              std::string_view::npos;
    if (formula) {
        cell.insert(0, 1, '\'');
    }
    if (cell.find_first_of(",\"") == std::string::npos && !cell.starts_with(' ') &&
        !cell.ends_with(' ')) {
        return cell;
    }
    std::string out = "\"";
    for (const char c : cell) {
        out += c;
        if (c == '"') {
            out += '"';
        }
    }
    return out + '"';
}

std::string escape_for_html(std::string_view text, bool bdi) {
    const std::string safe = escape_for_terminal(text);
    std::string out = bdi ? "<bdi>" : "";
    for (const char c : safe) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            case '\'':
                out += "&#39;";
                break;
            default:
                out += c;
        }
    }
    return bdi ? out + "</bdi>" : out;
}

std::string shell_word(std::string_view text) {
    constexpr std::string_view kPlain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@%,";
    if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) {
        return std::string(text);
    }
    std::string quoted = "'";
    for (const char c : text) {
        quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    }
    return quoted + '\'';
}

std::string with_commas(std::int64_t number) {
    std::string digits = std::to_string(number);
    const std::size_t first = number < 0 ? 1 : 0;
    for (std::size_t i = digits.size(); i > first + 3;) {
        i -= 3;
        digits.insert(i, 1, ',');
    }
    return digits;
}

std::size_t columns_of(std::string_view text) {
    std::size_t columns = 0;
    while (!text.empty()) {
        const Character c = first_character(text);
        columns += c.valid ? width_of(c.code) : 1;
        text.remove_prefix(c.size);
    }
    return columns;
}

std::string cut_middle(std::string_view text, std::size_t columns, bool unicode) {
    if (columns_of(text) <= columns) {
        return std::string(text);
    }
    const std::string_view mark = unicode ? "…" : "...";
    const std::size_t mark_columns = unicode ? 1 : 3;
    if (columns <= mark_columns) {
        std::string dots(columns, '.');
        return dots;
    }
    std::vector<std::pair<std::size_t, std::size_t>> characters;  // start, columns
    for (std::size_t i = 0; i < text.size();) {
        const Character c = first_character(text.substr(i));
        characters.emplace_back(i, c.valid ? width_of(c.code) : 1);
        i += c.size;
    }
    const std::size_t room = columns - mark_columns;
    std::size_t head = 0;
    std::size_t used = 0;
    while (head < characters.size() && used + characters[head].second <= (room + 1) / 2) {
        used += characters[head++].second;
    }
    std::size_t tail = characters.size();
    while (tail > head && used + characters[tail - 1].second <= room) {
        used += characters[--tail].second;
    }
    const std::size_t head_end = head < characters.size() ? characters[head].first : text.size();
    const std::size_t tail_start = tail < characters.size() ? characters[tail].first : text.size();
    return std::string(text.substr(0, head_end)) + std::string(mark) +
           std::string(text.substr(tail_start));
}

std::string pad_right(std::string_view text, std::size_t columns) {
    const std::size_t width = columns_of(text);
    return std::string(text) + std::string(width < columns ? columns - width : 0, ' ');
}

std::string pad_left(std::string_view text, std::size_t columns) {
    const std::size_t width = columns_of(text);
    return std::string(width < columns ? columns - width : 0, ' ') + std::string(text);
}

}  // namespace dmarcbox
