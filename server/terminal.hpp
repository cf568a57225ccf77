#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace dmarcbox {

/// What an output stream can show.
struct Terminal {
    bool is_terminal = false;
    bool colour = false;     ///< a terminal, NO_COLOR unset or empty, TERM not `dumb`
    bool unicode = false;    ///< the locale is UTF-8
    std::size_t width = 80;  ///< columns, 40 to 120; 80 when unknown
};

enum class ColourChoice { automatic, always, never };

/// Takes the user's locale for what the terminal shows, then UTF-8 for the program itself (names in
/// zip archives, widths of characters), whatever the user's is. Call once, before threads start.
void use_locale();

/// Looks at the stream's file descriptor and the environment. COLUMNS wins over the terminal's
/// word.
[[nodiscard]] Terminal terminal_of(int fd, ColourChoice colour = ColourChoice::automatic);

// One function per output form. Every string from a report or a session goes through one of them:
// it may hold terminal escapes, markup, formulas or characters that turn text around. Invalid UTF-8
// becomes visible byte by byte.

/// For a terminal: C0, DEL, C1, U+2028, U+2029 and the bidirectional controls U+061C, U+200E/F,
/// U+202A-E, U+2066-9 become `\u{1b}`, invalid bytes `\x{ff}`. Line feeds and tabs too: one value
/// never makes two lines.
[[nodiscard]] std::string escape_for_terminal(std::string_view text);

/// A CSV cell (RFC 4180): as escape_for_terminal, with `'` before a first = + - @ that spreadsheets
/// would take for a formula, quoted where needed. Numbers need no cell function.
[[nodiscard]] std::string escape_for_csv(std::string_view text);

/// HTML text inside `<bdi>`, safe in attribute values too if `bdi` is false: as
/// escape_for_terminal, with & < > " ' as entities.
[[nodiscard]] std::string escape_for_html(std::string_view text, bool bdi = true);

/// One word of a shell's command line, quoted where it must be. For a terminal it still needs
/// escape_for_terminal.
[[nodiscard]] std::string shell_word(std::string_view text);

/// `1,102,418`.
[[nodiscard]] std::string with_commas(std::int64_t number);

/// Columns that UTF-8 text takes on a terminal: wide East Asian characters and emoji two, combining
/// marks none.
[[nodiscard]] std::size_t columns_of(std::string_view text);

/// Cut in the middle with `…` (or `...` without unicode) to at most `columns`. Not for ids,
/// addresses and numbers, which must stay whole.
[[nodiscard]] std::string cut_middle(std::string_view text, std::size_t columns, bool unicode);

/// Blanks after (or before) the text up to `columns`.
[[nodiscard]] std::string pad_right(std::string_view text, std::size_t columns);
[[nodiscard]] std::string pad_left(std::string_view text, std::size_t columns);

}  // namespace dmarcbox
