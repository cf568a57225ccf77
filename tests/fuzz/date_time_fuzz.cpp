#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "schema/date_time.hpp"
#include "schema/ip_address.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace dmarcbox::schema;  // NOLINT(google-build-using-namespace)
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto mail = parse_mail_date(text);
    const auto date = read_mail_date(text);
    // One reader, and the standard leaves no zone open.
    if (date.has_value() != mail.has_value() ||
        (date && (date->time != *mail || (date->standard && !date->zone_known)))) {
        std::abort();
    }
    const auto rfc3339 = parse_rfc3339(text);
    // What was read is written in a form that reads the same.
    if ((mail && parse_rfc3339(format_utc(*mail)) != mail) ||
        (rfc3339 && *rfc3339 >= -62135596800 && *rfc3339 <= 253402300799 &&
         parse_rfc3339(format_utc(*rfc3339)) != rfc3339)) {
        std::abort();
    }
    const auto ip = parse_ip(text);
    if (ip && parse_ip(ip->address.text())->address != ip->address) {
        std::abort();
    }
    static_cast<void>(parse_ip_range(text));
    return 0;
}
