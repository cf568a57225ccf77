#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/net/listening_socket.hpp"

namespace dmarcbox::net {

/// [smtp] user: started as root, becomes this user with its groups, for good, and gives it the unix
/// sockets. Nothing happens when not root, or when `user` is empty. Throws ConfigError for an
/// unknown user, std::system_error if the system refuses. For all threads.
void become_user(const std::string& user, const std::vector<ListeningSocket>& sockets);

/// As many open files as the hard limit allows: sessions and spooled bodies take one each. Returns
/// the limit now in force.
std::uint64_t raise_file_limit();

}  // namespace dmarcbox::net
