#include "schema/date_time.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>

namespace dmarcbox::schema {
namespace {

// Hand-written: strptime and the time facets read the process's locale and time zone.

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
bool is_alpha(char c) {
    return lower(c) >= 'a' && lower(c) <= 'z';
}

struct Civil {
    int year = 0;
    unsigned month = 0;
    unsigned day = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;
    int offset_minutes = 0;
    bool zone_known = true;
};

std::optional<std::int64_t> to_unix(const Civil& civil) {
    const std::chrono::year_month_day date{std::chrono::year{civil.year},
                                           std::chrono::month{civil.month},
                                           std::chrono::day{civil.day}};
    // Second 60 is a leap second (RFC 5322 section 3.3) and counts as the next second, like POSIX.
    if (!date.ok() || civil.hour > 23 || civil.minute > 59 || civil.second > 60) {
        return std::nullopt;
    }
    const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
    const std::int64_t minutes =
        (days * 24 + civil.hour) * 60 + civil.minute - civil.offset_minutes;
    return minutes * 60 + civil.second;
}

/// Reads from the front of a text; every reader leaves the text alone where it does not match.
class Cursor {
  public:
    explicit Cursor(std::string_view text) : text_(text) {}

    [[nodiscard]] bool at_end() const { return text_.empty(); }
    [[nodiscard]] char peek() const { return text_.empty() ? '\0' : text_.front(); }

    bool skip(char c) {
        if (peek() != c || text_.empty()) {
            return false;
        }
        text_.remove_prefix(1);
        return true;
    }

    bool skip(std::string_view text) {
        if (!text_.starts_with(text)) {
            return false;
        }
        text_.remove_prefix(text.size());
        return true;
    }

    void skip_blanks() {
        while (!text_.empty() && is_blank(text_.front())) {
            text_.remove_prefix(1);
        }
    }

    /// Blanks and comments (RFC 5322 section 3.2.2), which nest and may stay open.
    void skip_comments() {
        std::size_t depth = 0;
        while (!text_.empty()) {
            const char c = text_.front();
            if (c == '(') {
                ++depth;
            } else if (c == ')' && depth > 0) {
                --depth;
            } else if (c == '\\' && depth > 0 && text_.size() > 1) {
                text_.remove_prefix(1);
            } else if (depth == 0 && !is_blank(c)) {
                return;
            }
            text_.remove_prefix(1);
        }
    }

    /// The same and commas.
    void skip_separators() {
        do {
            skip_comments();
        } while (skip(','));
    }

    std::string_view word() { return take(is_alpha); }
    std::string_view digits() { return take(is_digit); }

    /// A number of `least` to `most` digits.
    std::optional<int> number(std::size_t least, std::size_t most) {
        const auto before = text_;
        const auto text = digits();
        if (text.size() < least || text.size() > most) {
            text_ = before;
            return std::nullopt;
        }
        int value = 0;
        std::from_chars(text.data(), text.data() + text.size(), value);
        return value;
    }

  private:
    std::string_view take(bool (*wanted)(char)) {
        const auto* end = std::find_if_not(text_.begin(), text_.end(), wanted);
        const auto size = static_cast<std::size_t>(end - text_.begin());
        const auto taken = text_.substr(0, size);
        text_.remove_prefix(size);
        return taken;
    }

    std::string_view text_;
};

constexpr std::array<std::string_view, 12> kMonths{"jan", "feb", "mar", "apr", "may", "jun",
                                                   "jul", "aug", "sep", "oct", "nov", "dec"};

/// 1 to 12 by the first three letters, 0 for anything else.
unsigned month_of(std::string_view word) {
    if (word.size() < 3) {
        return 0;
    }
    const std::array<char, 3> start{lower(word[0]), lower(word[1]), lower(word[2])};
    const auto* found =
        std::find(kMonths.begin(), kMonths.end(), std::string_view(start.data(), start.size()));
    return found == kMonths.end() ? 0 : static_cast<unsigned>(found - kMonths.begin()) + 1;
}

/// RFC 5322 section 4.3: 00 to 49 are 2000 on, 50 to 99 and three digits count from 1900.
std::optional<int> read_year(Cursor& in) {
    const auto text = in.digits();
    if (text.size() < 2 || text.size() > 4) {
        return std::nullopt;
    }
    int year = 0;
    std::from_chars(text.data(), text.data() + text.size(), year);
    if (text.size() == 2) {
        year += year < 50 ? 2000 : 1900;
    } else if (text.size() == 3) {
        year += 1900;
    }
    return year < 1900 ? std::nullopt : std::optional(year);
}

/// `HH:MM`, `HH:MM:SS`, with a fraction that is dropped.
bool read_time(Cursor& in, Civil& civil) {
    const auto hour = in.number(1, 2);
    if (!hour || !in.skip(':')) {
        return false;
    }
    const auto minute = in.number(2, 2);
    if (!minute) {
        return false;
    }
    civil.hour = *hour;
    civil.minute = *minute;
    if (in.skip(':')) {
        const auto second = in.number(2, 2);
        if (!second) {
            return false;
        }
        civil.second = *second;
        if (in.skip('.') && in.digits().empty()) {
            return false;
        }
    }
    return true;
}

/// `HHMM`, `HH:MM` or `HH`.
bool read_hours_and_minutes(Cursor& in, Civil& civil, bool negative) {
    const auto text = in.digits();
    int hours = 0;
    int minutes = 0;
    if (text.size() == 4 || text.size() == 2) {
        std::from_chars(text.data(), text.data() + 2, hours);
        if (text.size() == 4) {
            std::from_chars(text.data() + 2, text.data() + 4, minutes);
        } else if (in.skip(':')) {
            const auto after = in.number(2, 2);
            if (!after) {
                return false;
            }
            minutes = *after;
        }
    } else {
        return false;
    }
    if (hours > 23 || minutes > 59) {
        return false;
    }
    civil.offset_minutes = (hours * 60 + minutes) * (negative ? -1 : 1);
    return true;
}

/// With its sign.
bool read_offset(Cursor& in, Civil& civil) {
    const bool negative = in.peek() == '-';
    return (in.skip('-') || in.skip('+')) && read_hours_and_minutes(in, civil, negative);
}

bool equals(std::string_view word, std::string_view lower_case) {
    return std::equal(word.begin(), word.end(), lower_case.begin(), lower_case.end(),
                      [](char a, char b) { return lower(a) == b; });
}

struct Zone {
    std::string_view name;
    int minutes;
};
// RFC 5322 section 4.3. Of the military letters it says that they were used with either sign, and
// are to be read as UTC.
constexpr std::array<Zone, 10> kObsoleteZones{{{"ut", 0},
                                               {"gmt", 0},
                                               {"est", -300},
                                               {"edt", -240},
                                               {"cst", -360},
                                               {"cdt", -300},
                                               {"mst", -420},
                                               {"mdt", -360},
                                               {"pst", -480},
                                               {"pdt", -420}}};
// No standard has them. Names that mean several offsets (IST, BST, AST ...) are not here.
constexpr std::array<Zone, 28> kOtherZones{{
    {"utc", 0},     {"wet", 0},     {"west", 60},  {"cet", 60},   {"cest", 120}, {"met", 60},
    {"mest", 120},  {"mez", 60},    {"mesz", 120}, {"eet", 120},  {"eest", 180}, {"msk", 180},
    {"sast", 120},  {"hkt", 480},   {"sgt", 480},  {"jst", 540},  {"kst", 540},  {"awst", 480},
    {"acst", 570},  {"acdt", 630},  {"aest", 600}, {"aedt", 660}, {"nzst", 720}, {"nzdt", 780},
    {"akst", -540}, {"akdt", -480}, {"hst", -600}, {"hdt", -540},
}};

template <std::size_t N>
const Zone* find_zone(const std::array<Zone, N>& zones, std::string_view name) {
    const auto* found = std::find_if(zones.begin(), zones.end(),
                                     [&](const Zone& zone) { return equals(name, zone.name); });
    return found == zones.end() ? nullptr : found;
}

std::optional<int> minutes_of_obsolete(std::string_view name) {
    if (name.size() == 1 && lower(name[0]) != 'j') {
        return 0;
    }
    const auto* zone = find_zone(kObsoleteZones, name);
    return zone == nullptr ? std::nullopt : std::optional(zone->minutes);
}

std::optional<int> minutes_of_zone(std::string_view name) {
    if (const auto minutes = minutes_of_obsolete(name)) {
        return minutes;
    }
    const auto* zone = find_zone(kOtherZones, name);
    return zone == nullptr ? std::nullopt : std::optional(zone->minutes);
}

/// `PM`, `p.m.`, `p. m.` of a twelve-hour clock, where it stands. False if it contradicts the hour.
bool read_half_of_day(Cursor& in, Civil& civil) {
    Cursor ahead = in;
    const char half = lower(ahead.peek());
    if (half != 'a' && half != 'p') {
        return true;
    }
    ahead.skip(ahead.peek());
    ahead.skip('.');
    ahead.skip_blanks();
    if (!equals(ahead.word(), "m")) {
        return true;
    }
    ahead.skip('.');
    in = ahead;
    if (civil.hour < 1 || civil.hour > 12) {
        return false;
    }
    civil.hour = civil.hour % 12 + (half == 'p' ? 12 : 0);
    return true;
}

bool read_mail_time(Cursor& in, Civil& civil) {
    if (!read_time(in, civil)) {
        return false;
    }
    in.skip_separators();
    if (!read_half_of_day(in, civil)) {
        return false;
    }
    in.skip_separators();
    return true;
}

/// `JST`, `GMT+0200`, `UTC +0900`: the number says more than the name.
bool read_named_zone(Cursor& in, Civil& civil) {
    constexpr std::string_view kEnds = " \t\r\n,;()[]\"'+-";
    const auto name = in.word();
    const bool whole = in.at_end() || kEnds.find(in.peek()) != std::string_view::npos;
    in.skip_separators();
    if (!name.empty() && (in.peek() == '+' || in.peek() == '-')) {
        return read_offset(in, civil);
    }
    const auto minutes = whole ? minutes_of_zone(name) : std::nullopt;
    civil.zone_known = minutes.has_value();
    civil.offset_minutes = minutes.value_or(0);
    return true;
}

bool read_mail_zone(Cursor& in, Civil& civil) {
    constexpr std::string_view kMinusSign = "\xE2\x88\x92";  // U+2212
    if (!in.skip('"')) {
        in.skip('[');
    }
    if (in.at_end()) {
        return true;
    }
    if (in.peek() == '+' || in.peek() == '-') {
        return read_offset(in, civil);
    }
    return in.skip(kMinusSign) ? read_hours_and_minutes(in, civil, true)
                               : read_named_zone(in, civil);
}

/// Day, month, year: `7 Apr 2025` or `07-Apr-2025`.
bool read_day_month_year(Cursor& in, Civil& civil) {
    const auto day = in.number(1, 2);
    in.skip('-');
    in.skip_separators();
    civil.month = month_of(in.word());
    in.skip('.');
    in.skip('-');
    in.skip_separators();
    const auto year = read_year(in);
    if (!day || civil.month == 0 || !year) {
        return false;
    }
    civil.day = static_cast<unsigned>(*day);
    civil.year = *year;
    in.skip_separators();
    return true;
}

/// asctime: month, day, time, zone where there is one, year: `Apr  7 23:16:09 2025`.
std::optional<Civil> read_asctime(Cursor in, Civil civil) {
    in.skip_separators();
    const auto day = in.number(1, 2);
    in.skip_separators();
    if (!day || !read_mail_time(in, civil)) {
        return std::nullopt;
    }
    if (!is_digit(in.peek()) && !read_mail_zone(in, civil)) {
        return std::nullopt;
    }
    in.skip_separators();
    const auto year = read_year(in);
    if (!year) {
        return std::nullopt;
    }
    civil.day = static_cast<unsigned>(*day);
    civil.year = *year;
    return civil;
}

std::optional<Civil> read_mail_civil(std::string_view text) {
    Cursor in(text);
    Civil civil;
    in.skip_separators();
    if (is_alpha(in.peek())) {
        const auto word = in.word();  // a weekday in whatever language, or the month of asctime
        in.skip('.');
        in.skip_separators();
        if (is_alpha(in.peek())) {
            civil.month = month_of(in.word());
            return civil.month == 0 ? std::nullopt : read_asctime(in, civil);
        }
        if (const auto month = month_of(word); month != 0) {
            civil.month = month;
            if (const auto read = read_asctime(in, civil); read && to_unix(*read)) {
                return read;
            }
        }
    }
    if (!read_day_month_year(in, civil) || !read_mail_time(in, civil) ||
        !read_mail_zone(in, civil)) {
        return std::nullopt;
    }
    return civil;
}

/// A number of `least` to `most` digits behind blanks and comments.
bool skip_number(Cursor& in, std::size_t least, std::size_t most) {
    in.skip_comments();
    return in.number(least, most).has_value();
}

constexpr std::array<std::string_view, 7> kWeekdays{"mon", "tue", "wed", "thu",
                                                    "fri", "sat", "sun"};

bool is_name(std::string_view word, const auto& names) {
    return std::any_of(names.begin(), names.end(),
                       [word](std::string_view name) { return equals(word, name); });
}

bool skip_standard_zone(Cursor& in) {
    in.skip_comments();
    if (in.skip('+') || in.skip('-')) {
        return in.number(4, 4).has_value();
    }
    return minutes_of_obsolete(in.word()).has_value();
}

/// Whether it is written as RFC 5322 section 3.3 says, the obsolete forms of section 4.3 included;
/// not whether there is such a time.
bool has_standard_form(std::string_view text) {
    Cursor in(text);
    in.skip_comments();
    if (is_alpha(in.peek())) {
        const bool weekday = is_name(in.word(), kWeekdays);
        in.skip_comments();
        if (!weekday || !in.skip(',')) {
            return false;
        }
    }
    if (!skip_number(in, 1, 2)) {
        return false;
    }
    in.skip_comments();
    if (!is_name(in.word(), kMonths) || !skip_number(in, 2, 4) || !skip_number(in, 2, 2)) {
        return false;
    }
    if (!in.skip(':') || !in.number(2, 2) || (in.skip(':') && !in.number(2, 2)) ||
        !skip_standard_zone(in)) {
        return false;
    }
    in.skip_comments();
    return in.at_end();
}

constexpr std::int64_t kDaySeconds = 86400;
// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z
constexpr std::int64_t kFirst = -62135596800;
constexpr std::int64_t kLast = 253402300799;

void append_padded(std::string& text, std::int64_t value, std::size_t width) {
    std::array<char, 20> digits{};
    const auto* end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    const auto size = static_cast<std::size_t>(end - digits.data());
    text.append(width > size ? width - size : 0, '0');
    text.append(digits.data(), size);
}

}  // namespace

std::optional<MailDate> read_mail_date(std::string_view text) {
    const auto civil = read_mail_civil(text);
    const auto time = civil ? to_unix(*civil) : std::nullopt;
    if (!time) {
        return std::nullopt;
    }
    return MailDate{*time, has_standard_form(text), civil->zone_known};
}

std::optional<std::int64_t> parse_mail_date(std::string_view text) {
    const auto date = read_mail_date(text);
    return date ? std::optional(date->time) : std::nullopt;
}

std::optional<std::int64_t> parse_rfc3339(std::string_view text) {
    Cursor in(text);
    Civil civil;
    in.skip_blanks();
    const auto year = in.number(4, 4);
    if (!year || *year < 1 || !in.skip('-')) {
        return std::nullopt;
    }
    const auto month = in.number(2, 2);
    if (!month || !in.skip('-')) {
        return std::nullopt;
    }
    const auto day = in.number(2, 2);
    if (!day || (!in.skip('T') && !in.skip('t') && !is_blank(in.peek()))) {
        return std::nullopt;
    }
    in.skip_blanks();
    civil.year = *year;
    civil.month = static_cast<unsigned>(*month);
    civil.day = static_cast<unsigned>(*day);
    if (!read_time(in, civil)) {
        return std::nullopt;
    }
    in.skip_blanks();
    if (!in.skip('Z') && !in.skip('z') && !in.at_end() && !read_offset(in, civil)) {
        return std::nullopt;
    }
    in.skip_blanks();
    return in.at_end() ? to_unix(civil) : std::nullopt;
}

std::string day_of(std::int64_t unix_seconds) {
    const auto seconds = std::clamp(unix_seconds, kFirst, kLast);
    const auto days = (seconds - (seconds < 0 ? kDaySeconds - 1 : 0)) / kDaySeconds;
    const std::chrono::year_month_day date{
        std::chrono::sys_days{std::chrono::days{static_cast<int>(days)}}};
    std::string text;
    append_padded(text, static_cast<int>(date.year()), 4);
    text += '-';
    append_padded(text, static_cast<unsigned>(date.month()), 2);
    text += '-';
    append_padded(text, static_cast<unsigned>(date.day()), 2);
    return text;
}

std::string format_utc(std::int64_t unix_seconds) {
    const auto clamped = std::clamp(unix_seconds, kFirst, kLast);
    const auto second_of_day = ((clamped % kDaySeconds) + kDaySeconds) % kDaySeconds;
    auto text = day_of(clamped);
    text += 'T';
    append_padded(text, second_of_day / 3600, 2);
    text += ':';
    append_padded(text, second_of_day / 60 % 60, 2);
    text += ':';
    append_padded(text, second_of_day % 60, 2);
    text += 'Z';
    return text;
}

}  // namespace dmarcbox::schema
