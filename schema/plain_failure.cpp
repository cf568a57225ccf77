#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "schema/failure_parser.hpp"
#include "schema/scalar_text.hpp"

// The text-only substitutes for a feedback report: a sentence, six labelled values, a line that
// announces a copy of the headers, the headers. Lists and people wrap, quote and indent them.

namespace dmarcbox::schema {
namespace {

// The form stands at the beginning of a part; in front of it there is a list's banner at most.
constexpr std::size_t kWindow = std::size_t{64} << 10U;

constexpr std::string_view kSentence =
    "message claiming to be from you has failed the published dmarc policy";
constexpr std::string_view kMarker = "copy of the headers";
constexpr std::string_view kMarkerEnd = "detected";
constexpr std::size_t kMarkerLength = 120;  // "copy of the headers that were received before ..."

constexpr std::array<std::string_view, 6> kLabels{"sender domain",  "sender ip address",
                                                  "received date",  "spf alignment",
                                                  "dkim alignment", "dmarc results"};

struct Line {
    std::string_view text;  ///< without quote marks and line end
    std::size_t begin;      ///< in the whole text
    std::size_t next;       ///< where the next line begins
    bool quoted;
};

Line line_at(std::string_view all, std::size_t begin) {
    const auto end = std::min(all.find_first_of("\r\n", begin), all.size());
    auto next = std::min(end + 1, all.size());
    if (end + 1 < all.size() && all[end] == '\r' && all[end + 1] == '\n') {
        ++next;
    }
    auto text = all.substr(begin, end - begin);
    bool quoted = false;
    while (text.starts_with('>')) {
        quoted = true;
        text.remove_prefix(text.starts_with("> ") ? 2 : 1);
    }
    return {text, begin, next, quoted};
}

/// Mail programs that quote or forward keep an indent as no-break spaces (U+00A0).
std::string with_plain_blanks(std::string_view line) {
    constexpr std::string_view kNoBreakSpace = "\xC2\xA0";
    std::string out;
    std::size_t from = 0;
    for (auto at = line.find(kNoBreakSpace); at != std::string_view::npos;
         at = line.find(kNoBreakSpace, from)) {
        out.append(line.substr(from, at - from)).append(1, ' ');
        from = at + kNoBreakSpace.size();
    }
    return out.append(line.substr(from));
}

/// The window as one text: blanks collapsed, lines joined by a blank, empty lines as a newline.
class FlatText {
  public:
    explicit FlatText(std::string_view all) {
        for (std::size_t at = 0; at < all.size() && at < kWindow;) {
            const auto line = line_at(all, at);
            append(line);
            at = line.next;
        }
        lower_ = lower_case(text_);
    }

    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] const std::string& lower() const { return lower_; }
    /// The line that a position of the flat text came from.
    [[nodiscard]] const Line& line_of(std::size_t position) const {
        const auto after = std::upper_bound(
            starts_.begin(), starts_.end(), position,
            [](std::size_t wanted, const Start& start) { return wanted < start.position; });
        return std::prev(after)->line;
    }

  private:
    struct Start {
        std::size_t position;
        Line line;
    };

    void append(const Line& line) {
        const auto words = collapse(with_plain_blanks(cut_text(line.text, kWindow)));
        if (words.empty()) {
            text_ += text_.ends_with('\n') ? "" : "\n";
            starts_.push_back({text_.size(), line});
            return;
        }
        text_ += text_.empty() || text_.ends_with('\n') ? "" : " ";
        starts_.push_back({text_.size(), line});
        text_ += words;
    }

    std::string text_;
    std::string lower_;
    std::vector<Start> starts_;
};

struct Label {
    std::size_t begin;
    std::size_t value;  ///< behind the colon
};

/// A label with a colon that begins a word, at or after `from`.
std::optional<Label> find_label(std::string_view lower, std::string_view label, std::size_t from) {
    for (auto at = lower.find(label, from); at != std::string_view::npos;
         at = lower.find(label, at + 1)) {
        auto end = at + label.size();
        while (end < lower.size() && lower[end] == ' ') {
            ++end;
        }
        const bool word = at == 0 || lower[at - 1] == ' ' || lower[at - 1] == '\n';
        if (word && end < lower.size() && lower[end] == ':') {
            return Label{at, end + 1};
        }
    }
    return std::nullopt;
}

std::vector<HeaderField> read_fields(const FlatText& flat, std::size_t from, std::size_t to) {
    const auto lower = std::string_view(flat.lower()).substr(0, to);
    std::vector<std::pair<Label, std::size_t>> labels;  // with the label's length
    for (const auto label : kLabels) {
        if (const auto found = find_label(lower, label, from)) {
            labels.emplace_back(*found, label.size());
        }
    }
    std::sort(labels.begin(), labels.end(),
              [](const auto& a, const auto& b) { return a.first.begin < b.first.begin; });
    std::vector<HeaderField> fields;
    for (std::size_t i = 0; i < labels.size(); ++i) {
        const auto& [label, size] = labels[i];
        const auto end = i + 1 < labels.size() ? labels[i + 1].first.begin : to;
        const auto raw = std::string_view(flat.text()).substr(label.value, end - label.value);
        auto value = trim(raw);
        value = trim(value.substr(0, value.find('\n')));  // an empty line ends a value
        while (value.ends_with('-')) {
            value.remove_suffix(1);  // the rule in front of the copied headers
        }
        value = trim(value);
        fields.push_back(
            {flat.text().substr(label.begin, size), std::string(value), " " + std::string(value)});
    }
    return fields;
}

bool is_rule(std::string_view text) {
    return text.find_first_not_of("-=_ \t") == std::string_view::npos;
}

/// From the first line after the marker that is no rule to the first empty line.
void copy_header(std::string_view all, const Line& marker, PlainFailure& failure) {
    auto at = marker.next;
    while (at < all.size() && is_rule(line_at(all, at).text)) {
        at = line_at(all, at).next;
    }
    const auto begin = at;
    std::string unquoted;
    while (at < all.size()) {
        const auto line = line_at(all, at);
        if (trim(line.text).empty()) {
            break;
        }
        if (marker.quoted) {
            unquoted.append(line.text).append("\n");
        }
        at = line.next;
    }
    failure.headers_text = marker.quoted ? unquoted : std::string(all.substr(begin, at - begin));
    failure.copy_begin = begin;
    failure.copy_end = at;
}

}  // namespace

std::optional<PlainFailure> find_plain_failure(std::string_view text) {
    const FlatText flat(text);
    const auto sentence = flat.lower().find(kSentence);
    if (sentence == std::string::npos) {
        return std::nullopt;
    }
    const auto begin = sentence + kSentence.size();
    const auto marker = flat.lower().find(kMarker, begin);
    PlainFailure failure;
    failure.fields = read_fields(flat, begin, std::min(marker, flat.text().size()));
    if (failure.fields.empty()) {
        return std::nullopt;
    }
    if (marker != std::string::npos) {
        const auto end = flat.lower().find(kMarkerEnd, marker);
        const bool near = end != std::string::npos && end - marker < kMarkerLength;
        copy_header(text, flat.line_of(near ? end : marker), failure);
    }
    return failure;
}

}  // namespace dmarcbox::schema
