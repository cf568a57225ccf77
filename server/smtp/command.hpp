#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace dmarcbox::smtp {

/// What a command line asks for. Everything from `auth` on is refused.
enum class Verb : std::uint8_t {
    unknown,
    helo,
    ehlo,
    lhlo,
    mail,
    rcpt,
    data,
    rset,
    noop,
    vrfy,
    help,
    starttls,
    quit,
    bdat,  ///< RFC 3030: its payload is unframed once the command is refused
    auth,  ///< 502: known, never offered
    expn,
    etrn,
    turn,
    xclient,
    xforward,
    send,
    soml,
    saml,
    debug,
    wiz,
    proxy,  ///< 554: from here on another protocol talks to us
    http,
};
constexpr std::size_t kVerbs = static_cast<std::size_t>(Verb::http) + 1;

/// In lower case, for counters.
[[nodiscard]] std::string_view verb_name(Verb verb);

struct Command {
    Verb verb = Verb::unknown;
    std::string_view argument;  ///< blanks around it removed
};

/// Verbs in any case, from the line without CRLF.
[[nodiscard]] Command parse_command(std::string_view line);

/// `FROM:<path> parameters` or `TO:<path> parameters` of MAIL and RCPT.
struct PathArgument {
    std::string_view path;        ///< as sent; without angle brackets if the client left them out
    std::string_view parameters;  ///< blanks around them removed
};

/// `keyword` is `FROM:` or `TO:`, any case. Blanks before the path are taken, as every anchor does.
/// nullopt: no keyword, no path, or text hanging on to it. The path is not checked here.
[[nodiscard]] std::optional<PathArgument> split_path_argument(std::string_view argument,
                                                              std::string_view keyword);

}  // namespace dmarcbox::smtp
