#include "server/startup_log.hpp"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string_view>

#include "server/version.hpp"

namespace dmarcbox {

StartupLog::StartupLog(Log& log, const Config& config) : log_(log) {
    log_.write(LogLevel::info, LogLine("start")
                                   .words("version", version())
                                   .words("commit", commit())
                                   .words("sqlite", sqlite_version())
                                   .words("openssl", openssl_version())
                                   .words("config", config.file ? config.file->string() : "none"));
}

void StartupLog::tell(const Config& config) const {
    const auto& accept = config.smtp.accept;
    if (accept.empty()) {
        log_.write(LogLevel::warn,
                   LogLine("accept")
                       .number("addresses", 0)
                       .words("next", "set smtp.accept; until then every recipient is refused"));
    } else {
        std::set<std::string_view> domains;
        for (const std::string_view entry : accept) {
            domains.insert(entry.substr(entry.rfind('@') + 1));
        }
        log_.write(LogLevel::info,
                   LogLine("accept")
                       .number("addresses", static_cast<std::int64_t>(accept.size()))
                       .number("domains", static_cast<std::int64_t>(domains.size()))
                       .words("first", accept.front()));
    }
    if (config.tls.certificate.empty()) {
        log_.write(LogLevel::warn,
                   LogLine("tls")
                       .words("certificate", "none")
                       .words("hint",
                              "STARTTLS is not offered; reporters deliver in the clear, see "
                              "[smtp.tls]"));
    }
}

void StartupLog::ready() const {
    const auto took = std::chrono::steady_clock::now() - began_;
    log_.write(LogLevel::info,
               LogLine("ready").number(
                   "took_ms", std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
}

}  // namespace dmarcbox
