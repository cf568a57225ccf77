#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "tests/support/dialogue.hpp"

namespace dmarcbox::test {
namespace {

using Kind = Step::Kind;

std::size_t parse_number(std::string_view text) {
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) {
        throw std::runtime_error("not a number: " + std::string(text));
    }
    return number;
}

/// \r \n \t \0 \\ \xHH
std::string unescape(std::string_view text) {
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            bytes += text[i];
            continue;
        }
        if (++i == text.size()) {
            throw std::runtime_error("escape cut short");
        }
        switch (text[i]) {
            case 'r':
                bytes += '\r';
                break;
            case 'n':
                bytes += '\n';
                break;
            case 't':
                bytes += '\t';
                break;
            case '0':
                bytes += '\0';
                break;
            case '\\':
                bytes += '\\';
                break;
            case 'x': {
                const auto digits = text.substr(i + 1, 2);
                unsigned value = 0;
                const auto [end, error] =
                    std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
                if (error != std::errc() || end != digits.data() + 2) {
                    throw std::runtime_error("\\x needs two hex digits");
                }
                bytes += static_cast<char>(value);
                i += 2;
                break;
            }
            default:
                throw std::runtime_error("unknown escape");
        }
    }
    return bytes;
}

const std::map<std::string, Kind, std::less<>> kPlainSteps = {
    {"close", Kind::close},     {"silence", Kind::silence},   {"timeout", Kind::timeout},
    {"eof", Kind::eof},         {"starttls", Kind::starttls}, {"hold", Kind::hold},
    {"release", Kind::release}, {"shutdown", Kind::shutdown},
};

const std::map<std::string, Kind, std::less<>> kTextSteps = {
    {"from", Kind::from},           {"to", Kind::to},
    {"helo", Kind::helo},           {"verdict", Kind::verdict},
    {"admission", Kind::admission},
};

const std::vector<std::string> kConfigKeys = {
    "max_message_bytes", "max_recipients",       "max_errors",   "max_refused_recipients",
    "max_idle_commands", "idle_timeout_seconds", "bare_newline", "starttls",
};

bool needs_machine(Kind kind) {
    return kind >= Kind::verdict;
}

class Parser {
  public:
    explicit Parser(Dialogue& dialogue) : dialogue_(dialogue) {}

    void parse_line(std::string_view line, std::size_t number) {
        line_ = number;
        if (line.empty() || line.front() == '#') {
            return;
        }
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) {
            parse_word(line);
            return;
        }
        auto value = line.substr(colon + 1);
        if (value.starts_with(' ')) {
            value.remove_prefix(1);
        }
        const auto key = line.substr(0, colon);
        if (key.front() == 'C' || key.front() == 'S') {
            parse_turn(key, value);
        } else {
            parse_directive(std::string(key), value);
        }
    }

  private:
    Step& add(Kind kind, std::string text = {}) {
        if (needs_machine(kind) && !dialogue_.machine_only) {
            throw std::runtime_error("this step needs `only: machine` above it");
        }
        return dialogue_.steps.emplace_back(Step{kind, std::move(text), 0, 0, line_});
    }

    void say(std::string_view command, std::string_view answer) {
        add(Kind::send, std::string(command) + "\r\n");
        add(Kind::line, std::string(answer));
    }

    void parse_word(std::string_view word) {
        if (const auto found = kPlainSteps.find(word); found != kPlainSteps.end()) {
            add(found->second);
        } else if (word == "hello") {
            hello();
        } else if (word == "envelope") {
            say("MAIL FROM:<noreply@reporter.example>", "250 2.1.0 Sender OK");
            say("RCPT TO:<rua@reports.example>", "250 2.1.5 Recipient OK");
        } else if (word == "data") {
            say("DATA", "354 End data with <CR><LF>.<CR><LF>");
        } else if (word == "accepted") {
            add(Kind::prefix, "250 2.0.0 ");
        } else {
            throw std::runtime_error("unknown word: " + std::string(word));
        }
    }

    [[nodiscard]] std::string setting(const std::string& key, const std::string& otherwise) const {
        const auto found = dialogue_.config.find(key);
        return found == dialogue_.config.end() ? otherwise : found->second;
    }

    void hello() {
        const std::string host(kDialogueHostname);
        add(Kind::line, "220 " + host + (dialogue_.lmtp ? " LMTP" : " ESMTP"));
        add(Kind::send, dialogue_.lmtp ? "LHLO client.example\r\n" : "EHLO client.example\r\n");
        std::vector<std::string> lines = {
            host,
            "PIPELINING",
            "SIZE " + setting("max_message_bytes", "52428800"),
            "8BITMIME",
            "SMTPUTF8",
            "ENHANCEDSTATUSCODES",
            "LIMITS RCPTMAX=" + setting("max_recipients", "100"),
        };
        if (setting("starttls", "no") == "yes") {
            lines.emplace_back("STARTTLS");
        }
        for (const auto& line : lines) {
            add(Kind::line, (&line == &lines.back() ? "250 " : "250-") + line);
        }
    }

    /// `C`, `C\`, `C*`, `C\*`, `S`, `S~`, `S*`.
    void parse_turn(std::string_view key, std::string_view value) {
        const bool client = key.front() == 'C';
        const auto marks = key.substr(1);
        std::size_t times = 1;
        if (marks.ends_with('*')) {
            const auto blank = value.find(' ');
            times = parse_number(value.substr(0, blank));
            value = blank == std::string_view::npos ? "" : value.substr(blank + 1);
        }
        const auto mark = marks.substr(0, marks.find('*'));
        std::string text(value);
        Kind kind = client ? Kind::send : Kind::line;
        if (client && mark == "\\") {
            text = unescape(value);
        } else if (client && mark.empty()) {
            text += "\r\n";
        } else if (!client && mark == "~") {
            kind = Kind::prefix;
        } else if (!mark.empty()) {
            throw std::runtime_error("unknown mark: " + std::string(key));
        }
        for (std::size_t i = 0; i < times; ++i) {
            add(kind, text);
        }
    }

    void parse_directive(const std::string& key, std::string_view value) {
        if (key == "config") {
            const auto equals = value.find('=');
            const std::string name(value.substr(0, equals));
            if (equals == std::string_view::npos ||
                std::find(kConfigKeys.begin(), kConfigKeys.end(), name) == kConfigKeys.end()) {
                throw std::runtime_error("unknown configuration: " + std::string(value));
            }
            dialogue_.config[name] = value.substr(equals + 1);
        } else if (key == "protocol" && value == "lmtp") {
            dialogue_.lmtp = true;
        } else if (key == "only" && value == "machine") {
            dialogue_.machine_only = true;
        } else if (key == "accept") {
            dialogue_.accept.emplace_back(value);
        } else if (key == "stored") {
            add(Kind::stored).number = parse_number(value);
        } else if (key == "room") {
            add(Kind::room).number = parse_number(value);
        } else if (const auto found = kTextSteps.find(key); found != kTextSteps.end()) {
            add(found->second, std::string(value));
        } else {
            parse_message(key, value);
        }
    }

    /// `message: bytes`, `message 2: bytes`, `size: 17`, `size 2: 17`.
    void parse_message(std::string_view key, std::string_view value) {
        const auto blank = key.find(' ');
        const auto word = key.substr(0, blank);
        const auto index =
            blank == std::string_view::npos ? 0 : parse_number(key.substr(blank + 1));
        if (word == "message") {
            add(Kind::message, unescape(value)).index = index;
        } else if (word == "size") {
            auto& step = add(Kind::size);
            step.index = index;
            step.number = parse_number(value);
        } else {
            throw std::runtime_error("unknown directive: " + std::string(key));
        }
    }

    Dialogue& dialogue_;
    std::size_t line_ = 0;
};

}  // namespace

Dialogue parse_dialogue(std::string_view text, const std::string& name) {
    Dialogue dialogue;
    dialogue.name = name;
    Parser parser(dialogue);
    for (std::size_t number = 1; !text.empty(); ++number) {
        const auto end = text.find('\n');
        try {
            parser.parse_line(text.substr(0, end), number);
        } catch (const std::runtime_error& error) {
            throw std::runtime_error(name + ".smtp:" + std::to_string(number) + ": " +
                                     error.what());
        }
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    if (dialogue.accept.empty()) {
        dialogue.accept = {"rua@reports.example", "ruf@reports.example", "@example.org"};
    }
    return dialogue;
}

std::vector<Dialogue> load_dialogues(const std::string& folder) {
    std::vector<Dialogue> dialogues;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() == ".smtp") {
            std::ifstream file(entry.path(), std::ios::binary);
            std::ostringstream text;
            text << file.rdbuf();
            dialogues.push_back(parse_dialogue(text.str(), entry.path().stem().string()));
        }
    }
    std::sort(dialogues.begin(), dialogues.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    return dialogues;
}

}  // namespace dmarcbox::test
