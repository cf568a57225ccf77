#include "server/metrics.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <fstream>
#include <memory>

#include "server/version.hpp"

namespace dmarcbox {
namespace {

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double count_open_files() {
    const auto close = [](DIR* folder) { ::closedir(folder); };
    const std::unique_ptr<DIR, decltype(close)> folder(::opendir("/proc/self/fd"), close);
    double count = 0;
    while (folder && ::readdir(folder.get()) != nullptr) {
        ++count;
    }
    return count > 3 ? count - 3 : 0;  // `.`, `..` and the folder's own
}

}  // namespace

Metrics::Metrics() {
    build_info.set({version(), commit()}, 1);
    const auto now = static_cast<double>(std::time(nullptr));
    start_time.set({}, now);
    process_start.set({}, now);
    reload_success.set({}, 1);
    for (const auto result : {"ok", "failed"}) {
        reloads.declare({result});
    }
    for (const auto listener : {"smtp", "smtps", "lmtp"}) {
        connections.declare({listener});
    }
    for (const auto reason :
         {"connections", "address_connections", "address_rate", "proxy_header", "descriptors"}) {
        connections_refused.declare({reason});
    }
    for (const auto end :
         {"quit", "eof", "timeout", "violation", "shutdown", "limit", "tls", "error"}) {
        session_duration.declare({end});
    }
    for (const auto verb : {"helo", "ehlo", "lhlo", "mail", "rcpt", "data", "rset", "noop", "quit",
                            "starttls", "unknown"}) {
        commands.declare({verb});
    }
    for (const auto code : {"214", "220", "221", "250", "252", "354", "421", "451", "452", "500",
                            "501", "502", "503", "550", "552", "554", "555"}) {
        replies.declare({code});
    }
    for (const auto state : {"command", "data", "tls", "proxy", "write", "session", "rate"}) {
        timeouts.declare({state});
    }
    for (const auto kind :
         {"bare_newline", "starttls_injection", "non_smtp", "control_character", "line_too_long",
          "too_many_errors", "too_many_refused", "too_many_idle"}) {
        violations.declare({kind});
    }
    for (const auto version : {"TLSv1.2", "TLSv1.3"}) {
        handshakes.declare({version, "ok"});
    }
    handshakes.declare({"none", "failed"});
    for (const auto source : {"smtp", "lmtp"}) {
        for (const auto outcome : {"report", "duplicate", "other", "unreadable"}) {
            messages.declare({source, outcome});
        }
        message_bytes.declare({source});
    }
    for (const auto reason :
         {"unknown_recipient", "foreign_recipient", "too_many_recipients", "recipient_syntax",
          "sender", "size", "bare_newline", "no_space", "busy", "shutting_down", "failed"}) {
        messages_rejected.declare({reason});
    }
    for (const auto kind : {"aggregate", "failure", "tls"}) {
        reports.declare({kind});
        records.declare({kind});
        conflicts.declare({kind});
        parse_duration.declare({kind});
    }
    parse_duration.declare({"other"});
    for (const auto limit : {"size", "ratio", "members", "depth", "time"}) {
        unpack_refused.declare({limit});
    }
    for (const auto queue : {"parse", "write"}) {
        queue_messages.declare({queue});
        queue_messages_limit.declare({queue});
        queue_bytes.declare({queue});
        queue_bytes_limit.declare({queue});
    }
    for (const auto result : {"ok", "busy"}) {
        checkpoints.declare({result});
    }
    for (const auto code : {"busy", "full", "failed"}) {
        write_errors.declare({code});
    }
}

void Metrics::read_process() {
    rusage usage{};
    if (::getrusage(RUSAGE_SELF, &usage) == 0) {
        process_cpu.set({}, seconds(usage.ru_utime) + seconds(usage.ru_stime));
    }
    std::ifstream pages("/proc/self/statm");
    double virtual_pages = 0;
    double resident_pages = 0;
    if (pages >> virtual_pages >> resident_pages) {
        const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
        process_virtual.set({}, virtual_pages * page);
        process_memory.set({}, resident_pages * page);
    }
    process_open_fds.set({}, count_open_files());
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        process_max_fds.set({}, static_cast<double>(limit.rlim_cur));
    }
}

std::string Metrics::text() {
    read_process();
    std::string out;
    out.reserve(std::size_t{32} << 10U);
    for (const MetricFamily* family : std::to_array<const MetricFamily*>({&build_info,
                                                                          &start_time,
                                                                          &reloads,
                                                                          &reload_success,
                                                                          &connections,
                                                                          &connections_refused,
                                                                          &sessions,
                                                                          &session_duration,
                                                                          &commands,
                                                                          &replies,
                                                                          &timeouts,
                                                                          &violations,
                                                                          &handshakes,
                                                                          &certificate_expiry,
                                                                          &body_memory,
                                                                          &body_memory_limit,
                                                                          &messages,
                                                                          &messages_rejected,
                                                                          &message_bytes,
                                                                          &message_size,
                                                                          &reports,
                                                                          &records,
                                                                          &findings,
                                                                          &conflicts,
                                                                          &unpack_refused,
                                                                          &parse_duration,
                                                                          &queue_wait,
                                                                          &commit_duration,
                                                                          &commit_batch,
                                                                          &queue_messages,
                                                                          &queue_messages_limit,
                                                                          &queue_bytes,
                                                                          &queue_bytes_limit,
                                                                          &database_size,
                                                                          &database_wal,
                                                                          &database_free_disk,
                                                                          &checkpoints,
                                                                          &write_errors,
                                                                          &last_message,
                                                                          &last_report,
                                                                          &last_prune,
                                                                          &last_backup,
                                                                          &process_cpu,
                                                                          &process_memory,
                                                                          &process_virtual,
                                                                          &process_open_fds,
                                                                          &process_max_fds,
                                                                          &process_start})) {
        family->append_to(out);
    }
    return out;
}

}  // namespace dmarcbox
