#pragma once

using SSL_CTX = struct ssl_ctx_st;

namespace dmarcbox::net {

/// Certificate, key and TLS settings of the listeners.
class TlsContext {
  public:
    /// Valid until the next reload; a session keeps its own reference.
    [[nodiscard]] SSL_CTX* current() const { return nullptr; }
};

}  // namespace dmarcbox::net
