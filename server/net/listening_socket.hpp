#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/config.hpp"
#include "server/net/file_descriptor.hpp"

namespace dmarcbox::net {

/// What is spoken on a listener.
enum class Service {
    smtp,   ///< with STARTTLS if there is a certificate
    smtps,  ///< implicit TLS (RFC 8314)
    lmtp,   ///< RFC 2033
    http    ///< [metrics]
};
[[nodiscard]] std::string_view to_string(Service service);

/// A bound socket that listens, non-blocking.
struct ListeningSocket {
    FileDescriptor socket;
    Service service = Service::smtp;
    std::string where;      ///< `127.0.0.1:2525`, `unix:/run/dmarcbox/lmtp.sock`; the port bound
    std::string unix_path;  ///< made by us: removed when the service stops; else empty
};

/// Binds one address. `[::]` takes IPv4 too where the system allows it. A unix socket that nobody
/// answers on is replaced; its mode is 0660. Throws std::system_error naming the address.
[[nodiscard]] ListeningSocket bind_socket(const std::string& where, Service service);

/// The sockets that systemd passed (sd_listen_fds(3)), by FileDescriptorName: smtp, smtps, lmtp;
/// any other name is smtp. Empty without socket activation. Takes the variables out of the
/// environment. Throws std::runtime_error for a descriptor that does not listen.
[[nodiscard]] std::vector<ListeningSocket> take_passed_sockets();

/// Those passed; for each service without one, those of the configuration.
[[nodiscard]] std::vector<ListeningSocket> open_listening_sockets(const Config& config);

}  // namespace dmarcbox::net
