#include "server/smtp/command.hpp"

#include <algorithm>

#include "server/smtp/ascii.hpp"

namespace dmarcbox::smtp {
namespace {

struct Name {
    std::string_view text;
    Verb verb;
};

/// In the order of Verb up to http, whose methods follow (RFC 9110, RFC 5789; PRI opens HTTP/2).
constexpr auto kNames = std::to_array<Name>({
    {"unknown", Verb::unknown}, {"helo", Verb::helo},         {"ehlo", Verb::ehlo},
    {"lhlo", Verb::lhlo},       {"mail", Verb::mail},         {"rcpt", Verb::rcpt},
    {"data", Verb::data},       {"rset", Verb::rset},         {"noop", Verb::noop},
    {"vrfy", Verb::vrfy},       {"help", Verb::help},         {"starttls", Verb::starttls},
    {"quit", Verb::quit},       {"bdat", Verb::bdat},         {"auth", Verb::auth},
    {"expn", Verb::expn},       {"etrn", Verb::etrn},         {"turn", Verb::turn},
    {"xclient", Verb::xclient}, {"xforward", Verb::xforward}, {"send", Verb::send},
    {"soml", Verb::soml},       {"saml", Verb::saml},         {"debug", Verb::debug},
    {"wiz", Verb::wiz},         {"proxy", Verb::proxy},       {"http", Verb::http},
    {"get", Verb::http},        {"post", Verb::http},         {"put", Verb::http},
    {"head", Verb::http},       {"connect", Verb::http},      {"options", Verb::http},
    {"delete", Verb::http},     {"patch", Verb::http},        {"trace", Verb::http},
    {"pri", Verb::http},
});

constexpr bool follows_enumeration() {
    for (std::size_t i = 0; i < kVerbs; ++i) {
        if (kNames[i].verb != static_cast<Verb>(i)) {
            return false;
        }
    }
    return true;
}
static_assert(follows_enumeration());

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(' ');
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

/// Length of `<...>`, minding quoted strings in which `>` is text; npos if it never closes.
std::size_t bracketed_length(std::string_view text) {
    bool quoted = false;
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (quoted && text[i] == '\\') {
            ++i;
        } else if (text[i] == '"') {
            quoted = !quoted;
        } else if (!quoted && text[i] == '>') {
            return i + 1;
        }
    }
    return std::string_view::npos;
}

}  // namespace

std::string_view verb_name(Verb verb) {
    return kNames[static_cast<std::size_t>(verb)].text;
}

Command parse_command(std::string_view line) {
    const auto word = line.substr(0, line.find(' '));
    Command command;
    command.argument = trim(line.substr(word.size()));
    const auto* const found = std::find_if(kNames.begin(), kNames.end(), [&](const Name& name) {
        return equal_ignoring_case(name.text, word);
    });
    // `unknown` and `http` are names of counters, not commands.
    if (found != kNames.end() && found->text != "http") {
        command.verb = found->verb;
    }
    return command;
}

std::optional<PathArgument> split_path_argument(std::string_view argument,
                                                std::string_view keyword) {
    if (!equal_ignoring_case(argument.substr(0, keyword.size()), keyword)) {
        return std::nullopt;
    }
    const auto text = trim(argument.substr(keyword.size()));
    if (text.empty()) {
        return std::nullopt;
    }
    // An unclosed bracket takes the whole text: parse_path() refuses it as an address.
    const auto length = text.front() == '<' ? bracketed_length(text) : text.find(' ');
    const auto path = text.substr(0, length);
    const auto rest = text.substr(path.size());
    if (!rest.empty() && rest.front() != ' ') {
        return std::nullopt;
    }
    return PathArgument{path, trim(rest)};
}

}  // namespace dmarcbox::smtp
