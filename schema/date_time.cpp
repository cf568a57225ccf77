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

    void skip_blanks() {
        while (!text_.empty() && is_blank(text_.front())) {
            text_.remove_prefix(1);
        }
    }

    /// Blanks, commas and comments (RFC 5322 section 3.2.2), which nest and may stay open.
    void skip_separators() {
        std::size_t depth = 0;
        while (!text_.empty()) {
            const char c = text_.front();
            if (c == '(') {
                ++depth;
            } else if (c == ')' && depth > 0) {
                --depth;
            } else if (c == '\\' && depth > 0 && text_.size() > 1) {
                text_.remove_prefix(1);
            } else if (depth == 0 && !is_blank(c) && c != ',') {
                return;
            }
            text_.remove_prefix(1);
        }
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

/// `+HHMM`, `+HH:MM` or `+HH`, positive or negative.
bool read_offset(Cursor& in, Civil& civil) {
    const bool negative = in.peek() == '-';
    if (!in.skip('-') && !in.skip('+')) {
        return false;
    }
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

bool equals(std::string_view word, std::string_view lower_case) {
    return std::equal(word.begin(), word.end(), lower_case.begin(), lower_case.end(),
                      [](char a, char b) { return lower(a) == b; });
}

struct Zone {
    std::string_view name;
    int hours;
};
constexpr std::array<Zone, 8> kZones{{{"est", -5},
                                      {"edt", -4},
                                      {"cst", -6},
                                      {"cdt", -5},
                                      {"mst", -7},
                                      {"mdt", -6},
                                      {"pst", -8},
                                      {"pdt", -7}}};

/// RFC 5322 section 4.3: the names of RFC 822; any other name, military letters too, tells nothing
/// and is read as UTC.
int hours_of_zone(std::string_view name) {
    const auto* found = std::find_if(kZones.begin(), kZones.end(),
                                     [&](const Zone& zone) { return equals(name, zone.name); });
    return found == kZones.end() ? 0 : found->hours;
}

bool read_mail_zone(Cursor& in, Civil& civil) {
    in.skip_separators();
    if (in.at_end()) {
        return true;
    }
    if (in.peek() == '+' || in.peek() == '-') {
        return read_offset(in, civil);
    }
    const auto name = in.word();
    if (equals(name, "am") || equals(name, "pm")) {
        return false;  // a twelve-hour clock, which no mail has: better no time than a wrong one
    }
    if (!name.empty() && (in.peek() == '+' || in.peek() == '-')) {  // GMT+0200
        return read_offset(in, civil);
    }
    civil.offset_minutes = hours_of_zone(name) * 60;
    return true;
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
std::optional<std::int64_t> read_asctime(Cursor in, Civil civil) {
    in.skip_separators();
    const auto day = in.number(1, 2);
    in.skip_separators();
    if (!day || !read_time(in, civil)) {
        return std::nullopt;
    }
    in.skip_separators();
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
    return to_unix(civil);
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

std::optional<std::int64_t> parse_mail_date(std::string_view text) {
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
            if (const auto time = read_asctime(in, civil)) {
                return time;
            }
        }
    }
    if (!read_day_month_year(in, civil) || !read_time(in, civil) || !read_mail_zone(in, civil)) {
        return std::nullopt;
    }
    return to_unix(civil);
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
