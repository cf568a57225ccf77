#include "server/net/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <cerrno>
#include <ctime>
#include <system_error>
#include <utility>

#include "server/config.hpp"

namespace dmarcbox::net {
namespace {

constexpr const char* kCertificateKey = "smtp.tls.certificate";
constexpr const char* kKeyKey = "smtp.tls.key";

[[noreturn]] void fail(const char* key, const std::filesystem::path& file) {
    // The last error is the library's own summary, the first the cause; files that are not there
    // show as a system error.
    std::string reason;
    while (const unsigned long code = ::ERR_get_error()) {
        if (reason.empty()) {
            const char* const words =
                ::ERR_GET_LIB(code) == ERR_LIB_SYS ? nullptr : ::ERR_reason_error_string(code);
            reason = words != nullptr ? std::string(words)
                                      : std::generic_category().message(ERR_GET_REASON(code));
        }
    }
    if (reason == "no start line") {
        reason = "holds no PEM";
    }
    throw ConfigError(std::string(key) + ": " + file.string() + ": " + reason);
}

/// A key with a passphrase would ask for it on the terminal.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) {
    return 0;
}

std::int64_t unix_time(const ASN1_TIME* time) {
    std::tm parts{};
    return time != nullptr && ::ASN1_TIME_to_tm(time, &parts) == 1 ? ::timegm(&parts) : 0;
}

}  // namespace

void TlsContext::Free::operator()(SSL_CTX* context) const noexcept {
    ::SSL_CTX_free(context);
}

TlsContext::TlsContext(Settings settings) {
    load(std::move(settings));
}

TlsContext::~TlsContext() = default;

TlsContext::Handle TlsContext::make(const Settings& settings) {
    ::ERR_clear_error();
    Handle handle(::SSL_CTX_new(::TLS_server_method()));
    if (!handle) {
        fail(kCertificateKey, settings.certificate);
    }
    SSL_CTX* const context = handle.get();
    ::SSL_CTX_set_min_proto_version(context, settings.only_tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
    ::SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                       SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                       SSL_OP_IGNORE_UNEXPECTED_EOF);
    ::SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    ::SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    ::SSL_CTX_set_num_tickets(context, 0);
    ::SSL_CTX_set_dh_auto(context, 1);
    ::SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
    ::SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    if (::SSL_CTX_use_certificate_chain_file(context, settings.certificate.c_str()) != 1) {
        fail(kCertificateKey, settings.certificate);
    }
    if (::SSL_CTX_use_PrivateKey_file(context, settings.key.c_str(), SSL_FILETYPE_PEM) != 1) {
        fail(kKeyKey, settings.key);
    }
    if (::SSL_CTX_check_private_key(context) != 1) {
        ::ERR_clear_error();
        throw ConfigError(std::string(kKeyKey) + ": " + settings.key.string() +
                          ": is not the key of " + settings.certificate.string());
    }
    return handle;
}

void TlsContext::load(Settings settings) {
    // First, so that a file that changes meanwhile is seen as changed.
    seen_ = fingerprint(settings);
    if (settings.certificate.empty() || settings.key.empty()) {
        throw ConfigError(std::string(settings.certificate.empty() ? kCertificateKey : kKeyKey) +
                          ": is missing, the other of the two is given");
    }
    auto context = make(settings);
    const X509* const certificate = ::SSL_CTX_get0_certificate(context.get());
    not_before_ = unix_time(::X509_get0_notBefore(certificate));
    not_after_ = unix_time(::X509_get0_notAfter(certificate));
    context_ = std::move(context);
    settings_ = std::move(settings);
}

bool TlsContext::files_changed() const {
    return fingerprint(settings_) != seen_;
}

std::string TlsContext::fingerprint(const Settings& settings) {
    std::string text;
    for (const auto& file : {settings.certificate, settings.key}) {
        struct stat found {};
        if (::stat(file.c_str(), &found) == 0) {
            text += std::to_string(found.st_dev) + ":" + std::to_string(found.st_ino) + ":" +
                    std::to_string(found.st_size) + ":" + std::to_string(found.st_mtim.tv_sec) +
                    "." + std::to_string(found.st_mtim.tv_nsec) + " ";
        } else {
            text += "missing ";
        }
    }
    return text;
}

std::string_view TlsContext::complaint(std::int64_t now) const {
    return now >= not_after_ ? "expired" : now < not_before_ ? "not yet valid" : std::string_view();
}

}  // namespace dmarcbox::net
