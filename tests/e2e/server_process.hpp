#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace dmarcbox::test {

/// The program itself, `dmarcbox serve`, in a folder of its own, on ports of its own choice.
class ServerProcess {
  public:
    /// Starts it with this configuration (TOML, without [storage]) and waits until it listens.
    /// Throws std::runtime_error with its log if it does not.
    explicit ServerProcess(std::string_view configuration);
    ServerProcess(const ServerProcess&) = delete;
    ServerProcess& operator=(const ServerProcess&) = delete;
    ~ServerProcess();

    /// Port of the first listener of `protocol`: smtp, smtps, lmtp. 0: none.
    [[nodiscard]] std::uint16_t port(std::string_view protocol) const;
    [[nodiscard]] std::filesystem::path database() const { return folder_ / "reports.db"; }
    [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
    [[nodiscard]] std::string log() const;
    /// SIGTERM, then its exit code; 128 + signal if it was killed. Once.
    int stop();

  private:
    std::filesystem::path folder_;
    pid_t process_ = -1;
};

/// A self-signed certificate for mx.reports.example in `folder`: certificate.pem and key.pem.
void make_certificate(const std::filesystem::path& folder);

}  // namespace dmarcbox::test
