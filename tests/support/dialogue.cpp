#include "tests/support/dialogue.hpp"

#include <cstdint>

namespace dmarcbox::test {
namespace {

using Kind = Step::Kind;

std::string wanted_got(std::string_view wanted, const std::optional<std::string>& got) {
    return "expected `" + printable(wanted) + "`, got " +
           (got ? "`" + printable(*got) + "`" : std::string("nothing"));
}

using Fault = std::optional<std::string>;

Fault check_text(const std::string& wanted, const std::string& got) {
    return wanted == got ? Fault() : wanted_got(wanted, got);
}

Fault check_number(std::size_t wanted, std::size_t got) {
    return check_text(std::to_string(wanted), std::to_string(got));
}

Fault check_message(const Step& step, const std::vector<StoredMessage>& stored) {
    const auto index = step.index == 0 ? stored.size() : step.index;
    if (index == 0 || index > stored.size()) {
        return "no such message";
    }
    const auto& message = stored[index - 1];
    if (step.kind == Kind::size) {
        return check_number(step.number, message.bytes.size());
    }
    return check_text(step.text, step.kind == Kind::message ? message.bytes
                                 : step.kind == Kind::from  ? message.from
                                 : step.kind == Kind::to    ? message.to
                                                            : message.helo);
}

Fault check_line(const Step& step, DialogueDriver& driver) {
    const auto line = driver.read_line();
    const bool fits =
        line && (step.kind == Kind::line ? *line == step.text : line->starts_with(step.text));
    return fits ? Fault() : wanted_got(step.text, line);
}

Fault run_step(const Step& step, DialogueDriver& driver) {
    switch (step.kind) {
        case Kind::send:
            driver.send(step.text);
            return {};
        case Kind::line:
        case Kind::prefix:
            return check_line(step, driver);
        case Kind::close:
            return driver.closed() ? Fault() : wanted_got("close", driver.read_line());
        case Kind::silence:
            return driver.silent() ? Fault() : wanted_got("silence", driver.read_line());
        case Kind::timeout:
            driver.timeout();
            return {};
        case Kind::eof:
            driver.eof();
            return {};
        case Kind::starttls:
            driver.starttls();
            return {};
        case Kind::stored:
            return check_number(step.number, driver.stored().size());
        case Kind::message:
        case Kind::size:
        case Kind::from:
        case Kind::to:
        case Kind::helo:
            return check_message(step, driver.stored());
        case Kind::verdict:
        case Kind::admission:
        case Kind::room:
        case Kind::hold:
        case Kind::release:
        case Kind::shutdown:
            driver.steer(step);
            return {};
    }
    return "unknown step";
}

Fault at_line(const Dialogue& dialogue, const Step& step, const Fault& fault) {
    if (!fault) {
        return {};
    }
    return dialogue.name + ".smtp:" + std::to_string(step.source_line) + ": " + *fault;
}

}  // namespace

std::optional<std::string> run_dialogue(const Dialogue& dialogue, DialogueDriver& driver) {
    Step turn;
    turn.kind = Kind::send;
    for (const auto& step : dialogue.steps) {
        if (step.kind == Kind::send) {
            turn.text += step.text;
            continue;
        }
        if (!turn.text.empty()) {
            driver.send(turn.text);
            turn.text.clear();
        }
        if (const auto fault = at_line(dialogue, step, run_step(step, driver))) {
            return fault;
        }
    }
    if (!turn.text.empty()) {
        return dialogue.name + ".smtp: ends with the client's turn";
    }
    if (driver.silent() || driver.closed()) {
        return {};
    }
    const auto rest = driver.read_line();
    return rest ? Fault(dialogue.name + ".smtp: unexpected `" + printable(*rest) + "` at the end")
                : Fault();
}

std::string printable(std::string_view bytes) {
    constexpr std::size_t kShown = 200;
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string text;
    for (const char c : bytes.substr(0, kShown)) {
        const auto byte = static_cast<std::uint8_t>(c);
        if (byte >= 0x20 && byte < 0x7F) {
            text += c;
        } else {
            text += "\\x";
            text += kHex[byte >> 4U];
            text += kHex[byte & 15U];
        }
    }
    return bytes.size() > kShown ? text + "..." : text;
}

}  // namespace dmarcbox::test
