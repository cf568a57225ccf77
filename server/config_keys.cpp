#include "server/config_keys.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <type_traits>

#include "schema/ip_address.hpp"

namespace dmarcbox {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;
constexpr std::uint64_t kTiB = std::uint64_t{1} << 40U;
constexpr std::uint64_t kMaxDays = 36500;
constexpr std::uint64_t kDaySeconds = 86400;

std::string check_port(std::string_view port) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), value);
    if (port.empty() || error != std::errc{} || end != port.data() + port.size() || value > 65535) {
        return "has no port between 0 and 65535 at its end";
    }
    return {};
}

std::string check_listen(std::string_view value) {
    const std::size_t colon = value.rfind(':');
    if (colon == std::string_view::npos) {
        return "is not ADDRESS:PORT";
    }
    std::string_view address = value.substr(0, colon);
    if (address.starts_with('[') && address.ends_with(']')) {
        address = address.substr(1, address.size() - 2);
    } else if (address.find(':') != std::string_view::npos) {
        return "needs brackets around the IPv6 address, as in [::1]:25";
    }
    const auto ip = schema::parse_ip(address);
    if (!ip || !ip->exact) {
        return "has no IP address before the port";
    }
    return check_port(value.substr(colon + 1));
}

std::string check_optional_listen(std::string_view value) {
    return value.empty() ? std::string{} : check_listen(value);
}

std::string check_lmtp_listen(std::string_view value) {
    if (value.starts_with(kUnix)) {
        // sun_path of Linux holds 108 bytes with the final NUL.
        const std::size_t length = value.size() - kUnix.size();
        return length > 0 && length < 108 ? std::string{} : "has no socket path of 1 to 107 bytes";
    }
    return check_listen(value);
}

std::string check_accept(std::string_view value) {
    const std::size_t at = value.rfind('@');
    if (at == std::string_view::npos) {
        return "is neither an address nor @domain";
    }
    const std::string_view domain = value.substr(at + 1);
    if (domain.empty() || domain.find_first_of(" \t@<>") != std::string_view::npos ||
        value.find_first_of(" \t<>\r\n") < at) {
        return "is neither an address nor @domain";
    }
    return {};
}

std::string check_range(std::string_view value) {
    return schema::parse_ip_range(value) ? std::string{} : "is no address or CIDR range";
}

std::string check_hostname(std::string_view value) {
    return value.find_first_of(" \t\r\n") == std::string_view::npos && value.size() <= 255
               ? std::string{}
               : "is no host name";
}

std::string check_path(std::string_view value) {
    return value.empty() ? "is empty" : std::string{};
}

#define DMARCBOX_PLACE(member) [](Config& c) -> ConfigKey::Place { return &c.member; }

const std::vector<ConfigKey>& table() {
    static const std::vector<ConfigKey> keys{
        {"smtp.listen", DMARCBOX_PLACE(smtp.listen), 0, 0, {}, check_listen},
        {"smtp.hostname", DMARCBOX_PLACE(smtp.hostname), 0, 0, {}, check_hostname},
        {"smtp.accept", DMARCBOX_PLACE(smtp.accept), 0, 0, {}, check_accept},
        {"smtp.max_message_bytes", DMARCBOX_PLACE(smtp.max_message_bytes), 1, 4096 * kMiB - 1},
        {"smtp.max_recipients", DMARCBOX_PLACE(smtp.max_recipients), 1, 100000},
        {"smtp.max_connections", DMARCBOX_PLACE(smtp.max_connections), 1, 100000},
        {"smtp.max_connections_per_address", DMARCBOX_PLACE(smtp.max_connections_per_address), 1,
         100000},
        {"smtp.max_connections_per_minute_per_address",
         DMARCBOX_PLACE(smtp.max_connections_per_minute_per_address), 1, 1000000},
        {"smtp.limits_exempt", DMARCBOX_PLACE(smtp.limits_exempt), 0, 0, {}, check_range},
        {"smtp.idle_timeout_seconds", DMARCBOX_PLACE(smtp.idle_timeout_seconds), 1, kDaySeconds},
        {"smtp.idle_timeout_when_full_seconds", DMARCBOX_PLACE(smtp.idle_timeout_when_full_seconds),
         1, kDaySeconds},
        {"smtp.session_timeout_seconds", DMARCBOX_PLACE(smtp.session_timeout_seconds), 1,
         kDaySeconds},
        {"smtp.bare_newline", DMARCBOX_PLACE(smtp.bare_newline), 0, 0, {"keep", "reject"}},
        {"smtp.min_data_rate_bytes", DMARCBOX_PLACE(smtp.min_data_rate_bytes), 0, kMiB},
        {"smtp.max_errors", DMARCBOX_PLACE(smtp.max_errors), 1, 10000},
        {"smtp.max_refused_recipients", DMARCBOX_PLACE(smtp.max_refused_recipients), 1, 100000},
        {"smtp.max_idle_commands", DMARCBOX_PLACE(smtp.max_idle_commands), 1, 100000},
        {"smtp.max_body_memory_bytes", DMARCBOX_PLACE(smtp.max_body_memory_bytes), kMiB, kTiB},
        {"smtp.user", DMARCBOX_PLACE(smtp.user)},
        {"smtp.tls.certificate", DMARCBOX_PLACE(tls.certificate)},
        {"smtp.tls.key", DMARCBOX_PLACE(tls.key)},
        {"smtp.tls.min_version", DMARCBOX_PLACE(tls.min_version), 0, 0, {"1.2", "1.3"}},
        {"smtp.tls.listen", DMARCBOX_PLACE(tls.listen), 0, 0, {}, check_listen},
        {"lmtp.listen", DMARCBOX_PLACE(lmtp.listen), 0, 0, {}, check_lmtp_listen},
        {"proxy_protocol.trusted", DMARCBOX_PLACE(proxy_protocol.trusted), 0, 0, {}, check_range},
        {"storage.path", DMARCBOX_PLACE(storage.path), 0, 0, {}, check_path},
        {"storage.min_free_bytes", DMARCBOX_PLACE(storage.min_free_bytes), 0, kTiB},
        {"storage.max_other_bytes", DMARCBOX_PLACE(storage.max_other_bytes), 0, 1024 * kTiB},
        {"limits.max_unpacked_bytes", DMARCBOX_PLACE(limits.max_unpacked_bytes), 64 * kKiB,
         4096 * kMiB - 1},
        {"limits.max_parse_bytes", DMARCBOX_PLACE(limits.max_parse_bytes), kMiB, kTiB},
        {"limits.max_text_bytes", DMARCBOX_PLACE(limits.max_text_bytes), 256, 16 * kMiB},
        {"limits.max_header_fields", DMARCBOX_PLACE(limits.max_header_fields), 10, 1000000},
        {"limits.max_findings", DMARCBOX_PLACE(limits.max_findings), 1, 1000000},
        {"limits.max_unpack_depth", DMARCBOX_PLACE(limits.max_unpack_depth), 1, 100},
        {"limits.max_parts", DMARCBOX_PLACE(limits.max_parts), 1, 100000},
        {"limits.max_part_depth", DMARCBOX_PLACE(limits.max_part_depth), 1, 100},
        {"limits.max_records", DMARCBOX_PLACE(limits.max_records), 1, 100000000},
        {"limits.max_header_bytes", DMARCBOX_PLACE(limits.max_header_bytes), 4096, 16 * kMiB},
        {"limits.max_field_bytes", DMARCBOX_PLACE(limits.max_field_bytes), 1024, 16 * kMiB},
        {"limits.max_unpack_ratio", DMARCBOX_PLACE(limits.max_unpack_ratio), 2, 1000000},
        {"limits.max_members", DMARCBOX_PLACE(limits.max_members), 1, 1000000},
        {"limits.parse_seconds", DMARCBOX_PLACE(limits.parse_seconds), 1, 3600},
        {"limits.big_document_bytes", DMARCBOX_PLACE(limits.big_document_bytes), 64 * kKiB, kTiB},
        {"retention.originals_days", DMARCBOX_PLACE(retention.originals_days), 0, kMaxDays},
        {"retention.unreadable_days", DMARCBOX_PLACE(retention.unreadable_days), 0, kMaxDays},
        {"retention.failure_originals_days", DMARCBOX_PLACE(retention.failure_originals_days), 0,
         kMaxDays},
        {"retention.failure_reports_days", DMARCBOX_PLACE(retention.failure_reports_days), 0,
         kMaxDays},
        {"retention.other_days", DMARCBOX_PLACE(retention.other_days), 0, kMaxDays},
        {"retention.reports_days", DMARCBOX_PLACE(retention.reports_days), 0, kMaxDays},
        {"failure_reports.keep",
         DMARCBOX_PLACE(failure_reports.keep),
         0,
         0,
         {"headers", "full", "redacted"}},
        {"metrics.listen", DMARCBOX_PLACE(metrics.listen), 0, 0, {}, check_optional_listen},
        {"log.level", DMARCBOX_PLACE(log.level), 0, 0, {"debug", "info", "warn", "error"}},
        {"log.format", DMARCBOX_PLACE(log.format), 0, 0, {"text", "json"}},
        {"check.new_source_messages", DMARCBOX_PLACE(check.new_source_messages), 0, 1000000000},
        {"check.failure_rise_points", DMARCBOX_PLACE(check.failure_rise_points), 1, 100},
        {"check.failure_rise_critical", DMARCBOX_PLACE(check.failure_rise_critical), 1, 100},
        {"check.failure_rise_messages", DMARCBOX_PLACE(check.failure_rise_messages), 0, 1000000000},
        {"check.silent_days", DMARCBOX_PLACE(check.silent_days), 1, kMaxDays},
        {"check.all_silent_days", DMARCBOX_PLACE(check.all_silent_days), 1, kMaxDays},
        {"check.certificate_warn_days", DMARCBOX_PLACE(check.certificate_warn_days), 0, kMaxDays},
        {"check.certificate_critical_days", DMARCBOX_PLACE(check.certificate_critical_days), 0,
         kMaxDays},
        {"check.wal_warn_bytes", DMARCBOX_PLACE(check.wal_warn_bytes), 0, kTiB},
    };
    return keys;
}

#undef DMARCBOX_PLACE

std::string in_quotes(std::string_view text) {
    return '"' + std::string(text) + '"';
}

/// Puts one value in place. One object per value; throws ConfigError.
class Placing {
  public:
    Placing(const ConfigKey& key, const ConfigValue& value, const std::string& where)
        : key_(key), value_(value), where_(where) {}

    void operator()(std::string* place) const { *place = one_text(); }
    void operator()(std::filesystem::path* place) const { *place = one_text(); }
    void operator()(std::vector<std::string>* place) const {
        if (value_.form == ConfigValue::Form::integer) {
            fail("must be a list of texts");
        }
        for (const auto& text : value_.texts) {
            check(text);
        }
        *place = value_.texts;
    }
    void operator()(std::uint64_t* place) const { *place = number(); }
    void operator()(std::uint32_t* place) const { *place = static_cast<std::uint32_t>(number()); }
    void operator()(std::int64_t* place) const { *place = static_cast<std::int64_t>(number()); }
    void operator()(std::chrono::seconds* place) const {
        *place = std::chrono::seconds{static_cast<std::int64_t>(number())};
    }

  private:
    [[noreturn]] void fail(const std::string& what) const {
        throw ConfigError(where_ + ": " + std::string(key_.name) + " " + what);
    }
    [[nodiscard]] const std::string& one_text() const {
        if (value_.form == ConfigValue::Form::list || value_.form == ConfigValue::Form::integer ||
            value_.texts.size() != 1) {
            fail("must be one text");
        }
        check(value_.texts.front());
        return value_.texts.front();
    }
    void check(const std::string& text) const {
        if (!key_.choices.empty() &&
            std::find(key_.choices.begin(), key_.choices.end(), text) == key_.choices.end()) {
            std::string all;
            for (const auto choice : key_.choices) {
                all += (all.empty() ? "" : ", ") + in_quotes(choice);
            }
            fail("= " + in_quotes(text) + " is not one of " + all);
        }
        if (key_.check != nullptr) {
            if (const std::string wrong = key_.check(text); !wrong.empty()) {
                fail("= " + in_quotes(text) + " " + wrong);
            }
        }
    }
    [[nodiscard]] std::uint64_t number() const {
        const std::string range = "must be a whole number from " + std::to_string(key_.min) +
                                  " to " + std::to_string(key_.max);
        if (value_.texts.size() != 1 || value_.form == ConfigValue::Form::list ||
            value_.form == ConfigValue::Form::text) {
            fail(range);
        }
        const std::string& text = value_.texts.front();
        std::uint64_t number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (text.empty() || error != std::errc{} || end != text.data() + text.size() ||
            number < key_.min || number > key_.max) {
            fail("= " + text + " " + range);
        }
        return number;
    }

    const ConfigKey& key_;
    const ConfigValue& value_;
    const std::string& where_;
};

}  // namespace

std::string ConfigKey::environment_name() const {
    std::string out = "DMARCBOX_";
    for (const char c : name) {
        out += c == '.' ? '_' : (c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
    }
    return out;
}

std::string_view ConfigKey::section() const {
    return name.substr(0, name.rfind('.'));
}

std::string_view ConfigKey::last_name() const {
    return name.substr(name.rfind('.') + 1);
}

std::span<const ConfigKey> config_keys() {
    return table();
}

const ConfigKey* find_config_key(std::string_view name) {
    const auto keys = config_keys();
    const auto found = std::find_if(keys.begin(), keys.end(),
                                    [name](const ConfigKey& key) { return key.name == name; });
    return found == keys.end() ? nullptr : &*found;
}

void set_config_value(Config& config,
                      const ConfigKey& key,
                      const ConfigValue& value,
                      const std::string& where) {
    std::visit(Placing(key, value, where), key.place(config));
    config.origin[std::string(key.name)] = where;
}

}  // namespace dmarcbox
