#include "server/report_name.hpp"

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <system_error>

#include "schema/domain_name.hpp"

namespace dmarcbox {
namespace {

/// Cuts off what stands before the next `!`; all of it where there is none.
std::string_view next_field(std::string_view& text) {
    const std::size_t end = text.find('!');
    const std::string_view field = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return field;
}

bool is_time(std::string_view text, std::optional<std::int64_t> expected, std::int64_t tolerance) {
    std::int64_t time = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), time);
    if (error != std::errc() || end != text.data() + text.size() || time < 0) {
        return false;
    }
    return !expected || std::abs(time - *expected) <= tolerance;
}

}  // namespace

bool is_report_name(std::string_view file_name, const schema::AggregateReport& report) {
    std::string_view rest = file_name;
    const std::string_view receiver = next_field(rest);
    const std::string_view domain = next_field(rest);
    const std::string_view begin = next_field(rest);
    const std::string_view end = rest.substr(0, rest.find_first_of("!."));
    return !receiver.empty() && !domain.empty() &&
           (report.domain.empty() || schema::normalize_domain(domain) == report.domain) &&
           is_time(begin, report.begin_at, 0) && is_time(end, report.end_at, 1);
}

}  // namespace dmarcbox
