#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "server/ingest.hpp"
#include "server/limits.hpp"

namespace dmarcbox {

/// A setting that cannot be: one line that names file and line, environment variable or flag, what
/// is wrong and the nearest valid key. What would break the line is shown escaped.
class ConfigError : public std::runtime_error {
  public:
    explicit ConfigError(std::string_view text);
};

/// The effective configuration; members carry the key names of deploy/dmarcbox.toml, which gives
/// each its reason. Order: default, file, environment (DMARCBOX_SECTION_KEY), flag.
struct Config {
    struct Smtp {
        std::vector<std::string> listen{"[::]:25"};
        std::string hostname;  ///< default: the system's name
        std::vector<std::string> accept;
        std::uint64_t max_message_bytes = 52428800;
        std::uint32_t max_recipients = 100;
        std::uint32_t max_connections = 512;
        std::uint32_t max_connections_per_address = 20;
        std::uint32_t max_connections_per_minute_per_address = 120;
        std::vector<std::string> limits_exempt{"127.0.0.0/8", "::1/128"};
        std::chrono::seconds idle_timeout_seconds{300};
        std::chrono::seconds idle_timeout_when_full_seconds{10};
        std::chrono::seconds session_timeout_seconds{1800};
        std::string bare_newline = "keep";  ///< or "reject"
        std::uint32_t min_data_rate_bytes = 500;
        std::uint32_t max_errors = 10;
        std::uint32_t max_refused_recipients = 20;
        std::uint32_t max_idle_commands = 100;
        std::uint64_t max_body_memory_bytes = 268435456;
        std::string user;  ///< started as root: bind, then become this user
    } smtp;
    struct Tls {
        std::string certificate;
        std::string key;
        std::string min_version = "1.2";
        std::vector<std::string> listen;
    } tls;  ///< [smtp.tls]
    struct Lmtp {
        std::vector<std::string> listen;
    } lmtp;
    struct ProxyProtocol {
        std::vector<std::string> trusted;
    } proxy_protocol;
    struct Storage {
        std::filesystem::path path{"dmarcbox.db"};
        std::uint64_t min_free_bytes = 67108864;
        std::uint64_t max_other_bytes = 1073741824;
    } storage;
    Limits limits;
    struct Retention {
        std::int64_t originals_days = 90;
        std::int64_t unreadable_days = 365;
        std::int64_t failure_originals_days = 30;
        std::int64_t failure_reports_days = 365;
        std::int64_t other_days = 30;
        std::int64_t reports_days = 0;
    } retention;
    struct FailureReports {
        std::string keep = "headers";
    } failure_reports;
    struct Metrics {
        std::string listen;
    } metrics;
    struct Log {
        std::string level = "info";
        std::string format = "text";
    } log;
    struct Check {
        std::int64_t new_source_messages =
            100;  ///< failing messages in 7 days of a source never seen before
        std::int64_t failure_rise_points = 10;    ///< percent points above the mean of 7 days: WARN
        std::int64_t failure_rise_critical = 25;  ///< CRIT
        std::int64_t failure_rise_messages = 100;  ///< not below this volume
        std::int64_t silent_days = 3;              ///< a reporter, at least
        std::int64_t all_silent_days = 2;
        std::int64_t certificate_warn_days = 14;
        std::int64_t certificate_critical_days = 3;
        std::int64_t wal_warn_bytes = 1073741824;
    } check;

    /// Where each value came from: "smtp.listen" -> "default", "/etc/dmarcbox/dmarcbox.toml:3",
    /// "DMARCBOX_...", "--listen".
    std::map<std::string, std::string> origin;
    std::optional<std::filesystem::path> file;  ///< the file read, if any
};

/// Values given by flags, by key ("smtp.listen" -> values); they win over everything.
using Overrides = std::map<std::string, std::vector<std::string>>;

/// Reads file (must exist if given; else /etc/dmarcbox/dmarcbox.toml if there), `*.toml` of conf.d
/// beside it, the environment and overrides, checks every value. Throws ConfigError.
[[nodiscard]] Config load_config(const std::optional<std::filesystem::path>& file,
                                 const Overrides& overrides);

/// Valid TOML of the effective values, the origin of each as a comment.
[[nodiscard]] std::string to_toml(const Config& config);

}  // namespace dmarcbox
