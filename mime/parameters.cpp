#include <algorithm>
#include <map>
#include <optional>

#include "mime/charset.hpp"
#include "mime/encoded_word.hpp"
#include "mime/header.hpp"
#include "mime/lines.hpp"
#include "mime/transfer_encoding.hpp"

namespace dmarcbox::mime {

namespace {

/// Honest fields have under 10; more are ignored.
constexpr std::size_t kMaxParameters = 100;

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// Reads the text of one structured field from left to right.
class Scanner {
  public:
    explicit Scanner(std::string_view text) : text_(text) {}

    [[nodiscard]] bool at_end() const { return position_ >= text_.size(); }
    [[nodiscard]] char peek() const { return text_[position_]; }
    void skip() { ++position_; }

    /// White space and comments (RFC 5322 section 3.2.2).
    void skip_space() {
        while (!at_end()) {
            if (peek() == '(') {
                skip_comment();
            } else if (is_space(peek())) {
                skip();
            } else {
                return;
            }
        }
    }

    std::string_view until(std::string_view stops) {
        const std::size_t end = std::min(text_.find_first_of(stops, position_), text_.size());
        const std::string_view found = text_.substr(position_, end - position_);
        position_ = end;
        return found;
    }

    /// Quoted string, the opening quote being next; an unclosed one ends with the text. Folds are
    /// dropped.
    std::string quoted() {
        std::string out;
        skip();
        while (!at_end() && peek() != '"') {
            if (peek() == '\\' && position_ + 1 < text_.size()) {
                skip();
            }
            if (peek() != '\r' && peek() != '\n') {
                out.push_back(peek());
            }
            skip();
        }
        if (!at_end()) {
            skip();
        }
        return out;
    }

  private:
    void skip_comment() {
        int depth = 0;
        while (!at_end()) {
            const char c = peek();
            skip();
            if (c == '\\' && !at_end()) {
                skip();
            } else if (c == '(') {
                ++depth;
            } else if (c == ')' && --depth == 0) {
                return;
            }
        }
    }

    std::string_view text_;
    std::size_t position_ = 0;
};

std::string percent_decode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 &&
            hex_value(text[i + 2]) >= 0) {
            out.push_back(static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])));
            i += 2;
        } else {
            out.push_back(text[i]);
        }
    }
    return out;
}

/// One segment of a parameter: `name*2*=value` is segment 2, extended.
struct Segment {
    int number = 0;
    bool extended = false;
    std::string value;
};

struct Raw {
    std::string name;
    std::optional<std::string> plain;
    std::vector<Segment> segments;
};

/// `name*2*` into base name and segment; nullopt for a plain name.
std::optional<Segment> split_name(std::string& name) {
    const std::size_t star = name.find('*');
    if (star == std::string::npos) {
        return std::nullopt;
    }
    Segment segment;
    std::string_view rest = std::string_view(name).substr(star + 1);
    int digits = 0;
    while (!rest.empty() && rest.front() >= '0' && rest.front() <= '9' && digits++ < 3) {
        segment.number = segment.number * 10 + (rest.front() - '0');
        rest.remove_prefix(1);
    }
    segment.extended = rest == "*" || (digits == 0 && rest.empty());
    name.resize(star);
    return segment;
}

std::string join(Raw& raw) {
    if (raw.segments.empty()) {
        WordNotes notes;
        return decode_words(*raw.plain, notes);
    }
    std::stable_sort(raw.segments.begin(), raw.segments.end(),
                     [](const Segment& a, const Segment& b) { return a.number < b.number; });
    std::string charset;
    std::string bytes;
    for (std::size_t i = 0; i < raw.segments.size(); ++i) {
        std::string_view value = raw.segments[i].value;
        if (!raw.segments[i].extended) {
            bytes += value;
            continue;
        }
        if (i == 0) {
            const std::size_t first = value.find('\'');
            const std::size_t second =
                first == std::string_view::npos ? first : value.find('\'', first + 1);
            if (second != std::string_view::npos) {
                charset = value.substr(0, first);
                value.remove_prefix(second + 1);
            }
        }
        bytes += percent_decode(value);
    }
    if (!charset.empty()) {
        if (auto text = to_utf8(bytes, charset)) {
            return *text;
        }
    }
    WordNotes notes;
    return decode_words(bytes, notes);
}

/// The value behind an equals sign: quoted, or whatever comes before the next semicolon.
std::string read_value(Scanner& scanner) {
    std::string value;
    if (!scanner.at_end() && scanner.peek() == '"') {
        value = scanner.quoted();
        scanner.skip_space();
    } else {
        std::string_view token = trim_blanks(scanner.until(";"));
        if (token.ends_with(')')) {
            token = trim_blanks(token.substr(0, token.find(" (")));
        }
        value = token;
        std::erase_if(value, [](char c) { return c == '\r' || c == '\n'; });
    }
    return value;
}

}  // namespace

std::string_view ParameterizedValue::parameter(std::string_view name) const {
    for (const Parameter& candidate : parameters) {
        if (candidate.name == name) {
            return candidate.value;
        }
    }
    return {};
}

ParameterizedValue parse_parameterized(std::string_view raw) {
    ParameterizedValue result;
    Scanner scanner(raw);
    scanner.skip_space();
    if (!scanner.at_end() && scanner.peek() == '"') {
        result.value = to_lower(scanner.quoted());
    }
    while (!scanner.at_end() && scanner.peek() != ';') {
        result.value += to_lower(scanner.until("; \t\r\n("));
        scanner.skip_space();
    }
    std::erase_if(result.value, is_space);
    result.value = guess_utf8(result.value);

    std::map<std::string, std::size_t> index;
    std::vector<Raw> raws;
    std::size_t segments = 0;
    while (!scanner.at_end() && segments < kMaxParameters) {
        if (scanner.peek() == ';') {
            scanner.skip();
        }
        scanner.skip_space();
        std::string name = to_lower(trim_blanks(scanner.until(";=")));
        if (scanner.at_end() || scanner.peek() == ';') {
            continue;
        }
        scanner.skip();
        scanner.skip_space();
        std::string value = read_value(scanner);
        const auto segment = split_name(name);
        if (name.empty()) {
            continue;
        }
        ++segments;
        const auto [place, fresh] = index.try_emplace(name, raws.size());
        if (fresh) {
            raws.push_back({name, std::nullopt, {}});
        }
        Raw& entry = raws[place->second];
        if (segment) {
            entry.segments.push_back({segment->number, segment->extended, std::move(value)});
        } else if (!entry.plain) {
            entry.plain = std::move(value);
        }
    }
    result.parameters.reserve(raws.size());
    for (Raw& entry : raws) {
        std::string value = join(entry);
        result.parameters.push_back({guess_utf8(entry.name), std::move(value)});
    }
    return result;
}

}  // namespace dmarcbox::mime
