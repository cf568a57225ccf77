#include "server/commands/check_machine.hpp"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cerrno>
#include <cstdio>
#include <ctime>
#include <memory>
#include <system_error>

#include "schema/date_time.hpp"
#include "server/net/disk_space.hpp"
#include "server/terminal.hpp"

namespace dmarcbox {
namespace {

constexpr std::int64_t kDay = 86400;
constexpr std::uint64_t kWarnTimes = 10;
constexpr std::uint64_t kCriticalTimes = 2;

struct CloseFile {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
struct FreeCertificate {
    void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};

std::string mebibytes(std::uint64_t bytes) {
    return with_commas(static_cast<std::int64_t>(bytes >> 20U)) + " MiB";
}

std::int64_t unix_time(const ASN1_TIME* time) {
    std::tm parts{};
    return time != nullptr && ASN1_TIME_to_tm(time, &parts) == 1 ? timegm(&parts) : 0;
}

std::string name_of(const std::filesystem::path& file) {
    return escape_for_terminal(file.filename().string());
}

void check_log_size(const Config& config, CheckResult& result) {
    std::filesystem::path log = config.storage.path;
    log += "-wal";
    std::error_code error;
    const std::uintmax_t size = std::filesystem::file_size(log, error);
    const std::uintmax_t bytes = error ? 0 : size;  // no log: no writer since the last checkpoint
    const auto limit = static_cast<std::uintmax_t>(config.check.wal_warn_bytes);
    result.values.push_back(
        {"wal_bytes", static_cast<std::int64_t>(bytes), "B", std::to_string(limit), ""});
    if (bytes > limit) {
        result.findings.push_back({Severity::warning, "wal",
                                   "write-ahead log is " + mebibytes(bytes) +
                                       ": a reader keeps it open, look for a long-running query"});
    }
}

}  // namespace

void check_free_space(std::uint64_t free_bytes, std::uint64_t min_free_bytes, CheckResult& result) {
    const std::uint64_t warn = min_free_bytes * kWarnTimes;
    const std::uint64_t critical = min_free_bytes * kCriticalTimes;
    result.values.push_back({"free_bytes", static_cast<std::int64_t>(free_bytes), "B",
                             std::to_string(warn) + ':', std::to_string(critical) + ':'});
    if (free_bytes < warn) {
        result.findings.push_back({free_bytes < critical ? Severity::critical : Severity::warning,
                                   "disk",
                                   "disk has " + mebibytes(free_bytes) + " free; below " +
                                       mebibytes(min_free_bytes) + " mail is refused"});
    }
}

void check_certificate(const std::filesystem::path& file,
                       const Config::Check& limits,
                       std::int64_t now,
                       CheckResult& result) {
    const auto add = [&](Severity severity, const std::string& words) {
        result.findings.push_back(
            {severity, "certificate", "certificate " + words + ": " + name_of(file)});
    };
    const std::unique_ptr<std::FILE, CloseFile> stream(std::fopen(file.c_str(), "re"));
    if (!stream) {
        add(Severity::critical, "cannot be read (" + std::generic_category().message(errno) + ")");
        return;
    }
    const std::unique_ptr<X509, FreeCertificate> certificate(
        PEM_read_X509(stream.get(), nullptr, nullptr, nullptr));
    if (!certificate) {
        add(Severity::critical, "cannot be read (holds no PEM certificate)");
        return;
    }
    const std::int64_t begin = unix_time(X509_get0_notBefore(certificate.get()));
    const std::int64_t left = unix_time(X509_get0_notAfter(certificate.get())) - now;
    result.values.push_back({"certificate_left", left, "s",
                             std::to_string(limits.certificate_warn_days * kDay) + ':',
                             std::to_string(limits.certificate_critical_days * kDay) + ':'});
    const std::int64_t days = left / kDay;
    if (left < 0) {
        add(Severity::critical, "expired on " + schema::day_of(now + left));
    } else if (begin > now) {
        add(Severity::critical, "is not valid before " + schema::day_of(begin));
    } else if (left < limits.certificate_warn_days * kDay) {
        add(left < limits.certificate_critical_days * kDay ? Severity::critical : Severity::warning,
            "expires in " + std::to_string(days) + (days == 1 ? " day" : " days"));
    }
}

void check_machine(const Config& config, std::int64_t now, CheckResult& result) {
    if (!config.tls.certificate.empty()) {
        check_certificate(config.tls.certificate, config.check, now, result);
    }
    if (config.storage.min_free_bytes != 0) {
        const auto folder = std::filesystem::absolute(config.storage.path).parent_path();
        net::DiskSpace space(folder, config.storage.min_free_bytes);
        check_free_space(space.free_bytes(), config.storage.min_free_bytes, result);
    }
    check_log_size(config, result);
}

}  // namespace dmarcbox
