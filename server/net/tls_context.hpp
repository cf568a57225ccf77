#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

using SSL_CTX = struct ssl_ctx_st;

namespace dmarcbox::net {

/// Certificate, key and TLS settings of the listeners: TLS 1.2 or newer, no client certificates, no
/// renegotiation, no session tickets, buffers given back while idle. Not thread-safe.
class TlsContext {
  public:
    struct Settings {
        std::filesystem::path certificate;  ///< PEM, the chain behind it
        std::filesystem::path key;          ///< PEM, without a passphrase
        bool only_tls13 = false;
    };

    /// Throws ConfigError naming key, file and reason: missing, unreadable, no match.
    explicit TlsContext(Settings settings);
    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    /// For new handshakes. Valid until the next load; a session keeps a reference of its own.
    [[nodiscard]] SSL_CTX* current() const { return context_.get(); }

    /// Reads the files of these settings. Throws ConfigError and keeps what it had.
    void load(Settings settings);
    [[nodiscard]] const Settings& settings() const { return settings_; }
    /// One of the files is another one than at the last load(), good or bad.
    [[nodiscard]] bool files_changed() const;

    /// Of the certificate in use, Unix seconds.
    [[nodiscard]] std::int64_t not_before() const { return not_before_; }
    [[nodiscard]] std::int64_t not_after() const { return not_after_; }
    /// `expired` or `not yet valid`; empty if all is well.
    [[nodiscard]] std::string_view complaint(std::int64_t now) const;

  private:
    struct Free {
        void operator()(SSL_CTX* context) const noexcept;
    };
    using Handle = std::unique_ptr<SSL_CTX, Free>;
    [[nodiscard]] static Handle make(const Settings& settings);
    /// What stat(2) says of both files.
    [[nodiscard]] static std::string fingerprint(const Settings& settings);

    Settings settings_;
    Handle context_;
    std::string seen_;
    std::int64_t not_before_ = 0;
    std::int64_t not_after_ = 0;
};

}  // namespace dmarcbox::net
