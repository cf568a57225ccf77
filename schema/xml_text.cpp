#include "schema/xml_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

#include "schema/finding_codes_aggregate.hpp"
#include "schema/scalar_text.hpp"

namespace dmarcbox::schema {
namespace {

bool is_bad_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r';
}

bool is_name_start(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' ||
           byte == ':' || byte >= 0x80;
}

bool is_name_char(char c) {
    return is_name_start(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

/// What may follow the name of a start tag; in `<feedback@example.org>` something else does.
bool ends_name(char c) {
    return c == '>' || c == '/' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD
constexpr std::uint32_t kBeyondUnicode = 0x110000;
/// Details of a few show the habit; counting them all helps nobody.
constexpr int kEnough = 20;
constexpr std::size_t kShown = 20;  ///< of a text in a finding

/// `&#65;` or `&#x41;` (XML 1.0 section 4.1).
struct CharacterReference {
    std::size_t length = 0;       ///< without the `&`; 0 if there is none
    std::uint32_t character = 0;  ///< at most kBeyondUnicode
};

/// The one at the beginning of the text, which follows a `&`.
CharacterReference read_reference(std::string_view text) {
    if (!text.starts_with('#')) {
        return {};
    }
    const bool hex = text.substr(1).starts_with('x');
    const std::size_t begin = hex ? 2 : 1;
    const auto end = text.find_first_not_of(hex ? "0123456789abcdefABCDEF" : "0123456789", begin);
    if (end == begin || end == std::string_view::npos || text[end] != ';') {
        return {};
    }
    std::uint32_t character = kBeyondUnicode;  // stays if the number has more than 32 bits
    std::from_chars(text.data() + begin, text.data() + end, character, hex ? 16 : 10);
    return {end + 1, std::min(character, kBeyondUnicode)};
}

/// XML 1.0 section 2.2.
bool is_allowed(std::uint32_t character) {
    const bool surrogate = character >= 0xd800 && character <= 0xdfff;
    return character < 0x20 ? character == '\t' || character == '\n' || character == '\r'
                            : !surrogate && character != 0xfffe && character != 0xffff &&
                                  character < kBeyondUnicode;
}

/// True if the text after `&` is one that the tree resolves.
bool is_reference(std::string_view text) {
    constexpr std::array<std::string_view, 5> kPredefined{"lt;", "gt;", "amp;", "quot;", "apos;"};
    if (std::any_of(kPredefined.begin(), kPredefined.end(),
                    [text](std::string_view name) { return text.starts_with(name); })) {
        return true;
    }
    return read_reference(text).length != 0;
}

/// Where references are not read: CDATA sections and comments. One that stays open is none, as for
/// the repair. To be asked of growing positions.
class Sections {
  public:
    explicit Sections(std::string_view text) : text_(text) {}

    /// The end of the section that holds the position, else the position.
    [[nodiscard]] std::size_t skip(std::size_t position) {
        while (end_ <= position && begin_ != std::string_view::npos) {
            find_next();
        }
        return begin_ < position ? end_ : position;
    }

  private:
    struct Kind {
        std::string_view open;
        std::string_view close;
        std::size_t begin = 0;  ///< of the next one; npos if there is none
    };

    void find_next() {
        for (auto& kind : kinds_) {
            if (kind.begin <= end_) {  // at first too: most texts hold nothing to ask about
                kind.begin = text_.find(kind.open, end_);
            }
        }
        auto& next = kinds_[0].begin < kinds_[1].begin ? kinds_[0] : kinds_[1];
        begin_ = next.begin;
        if (begin_ == std::string_view::npos) {
            return;
        }
        const auto close = text_.find(next.close, begin_ + next.open.size());
        if (close == std::string_view::npos) {
            next.begin = close;  // nor do later ones close
            begin_ = end_;
            return;
        }
        end_ = close + next.close.size();
    }

    std::string_view text_;
    std::array<Kind, 2> kinds_{{{"<![CDATA[", "]]>"}, {"<!--", "-->"}}};
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

/// Length of the UTF-8 sequence at the beginning, 0 if there is none.
std::size_t sequence_length(std::string_view text) {
    const auto byte = [text](std::size_t i) {
        return i < text.size() ? static_cast<std::uint8_t>(text[i]) : std::uint8_t{0};
    };
    const auto continues = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
    const std::uint8_t lead = byte(0);
    if (lead < 0x80) {
        return 1;
    }
    if (lead >= 0xc2 && lead <= 0xdf) {
        return continues(1) ? 2 : 0;
    }
    if (lead >= 0xe0 && lead <= 0xef) {
        const bool overlong = lead == 0xe0 && byte(1) < 0xa0;
        const bool surrogate = lead == 0xed && byte(1) > 0x9f;
        return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        const bool overlong = lead == 0xf0 && byte(1) < 0x90;
        const bool too_high = lead == 0xf4 && byte(1) > 0x8f;
        return continues(1) && continues(2) && continues(3) && !overlong && !too_high ? 4 : 0;
    }
    return 0;
}

}  // namespace

bool blank_controls(std::string& text) {
    // Blocks of a fixed size, so that the compiler vectorises what nearly always finds nothing.
    constexpr std::size_t kBlock = 256;
    bool any = false;
    for (std::size_t begin = 0; begin < text.size(); begin += kBlock) {
        char* block = text.data() + begin;
        const std::size_t size = std::min(kBlock, text.size() - begin);
        unsigned bad = 0;
        if (size == kBlock) {
            for (std::size_t i = 0; i < kBlock; ++i) {
                bad |= static_cast<unsigned>(is_bad_control(block[i]));
            }
        } else {
            bad = 1;
        }
        if (bad != 0) {
            for (std::size_t i = 0; i < size; ++i) {
                if (is_bad_control(block[i])) {
                    block[i] = ' ';
                    any = true;
                }
            }
        }
    }
    return any;
}

void replace_bad_references(std::string& text, FindingList& findings) {
    const std::string_view sent = text;
    Sections sections(sent);
    std::string out;
    std::size_t copied = 0;
    int noted = 0;
    for (auto at = sent.find("&#"); at != std::string_view::npos; at = sent.find("&#", at + 1)) {
        const auto reference = read_reference(sent.substr(at + 1));
        if (reference.length == 0 || is_allowed(reference.character) || sections.skip(at) != at) {
            continue;
        }
        if (noted == 0) {
            out.reserve(sent.size());
        }
        if (noted < kEnough) {
            findings.add(xml::kBadCharacter,
                         cut_text(sent.substr(at, reference.length + 1), kShown));
            ++noted;
        }
        out.append(sent.substr(copied, at - copied)).append(kReplacement);
        copied = at + 1 + reference.length;
    }
    if (copied > 0) {
        out.append(sent.substr(copied));
        text = std::move(out);
    }
}

void note_raw_ampersands(std::string_view text, FindingList& findings) {
    Sections sections(text);
    int noted = 0;
    auto next = std::size_t{0};
    for (auto at = text.find('&'); at != std::string_view::npos && noted < kEnough;
         at = text.find('&', next)) {
        next = at + 1;
        const auto rest = text.substr(next);
        if (is_reference(rest)) {
            continue;
        }
        if (const auto end = sections.skip(at); end > at) {
            next = end;
            continue;
        }
        findings.add(xml::kRawAmpersand,
                     cut_text(rest.substr(0, rest.find_first_of("<>&\r\n")), kShown));
        ++noted;
    }
}

std::size_t name_length(std::string_view text) {
    if (text.empty() || !is_name_start(text.front())) {
        return 0;
    }
    const auto* end = std::find_if_not(text.begin(), text.end(), is_name_char);
    return static_cast<std::size_t>(end - text.begin());
}

std::string_view local_part(std::string_view name) {
    return name.substr(name.find_last_of(':') + 1);
}

TagStart find_start_tag(std::string_view text, std::string_view local_name) {
    for (auto at = text.find(local_name); at != std::string_view::npos;
         at = text.find(local_name, at + 1)) {
        const auto end = at + local_name.size();
        if (end < text.size() && !ends_name(text[end])) {
            continue;
        }
        std::size_t begin = at;
        if (begin > 0 && text[begin - 1] == ':') {
            --begin;
            // A prefix longer than this is none; also keeps the search linear.
            const std::size_t lowest = begin - std::min<std::size_t>(begin, 64);
            while (begin > lowest && is_name_char(text[begin - 1]) && text[begin - 1] != ':') {
                --begin;
            }
        }
        if (begin > 0 && text[begin - 1] == '<') {
            return {begin - 1, text.substr(begin, end - begin)};
        }
    }
    return {std::string_view::npos, {}};
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const auto length = sequence_length(text);
        if (length == 0) {
            return false;
        }
        text.remove_prefix(length);
    }
    return true;
}

std::string replace_bad_utf8(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const auto length = sequence_length(text);
        if (length == 0) {
            out += kReplacement;
        } else {
            out += text.substr(0, length);
        }
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return out;
}

}  // namespace dmarcbox::schema
