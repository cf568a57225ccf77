#include "server/net/privileges.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "server/config.hpp"

namespace dmarcbox::net {

void become_user(const std::string& user, const std::vector<ListeningSocket>& sockets) {
    if (user.empty() || ::geteuid() != 0) {
        return;
    }
    errno = 0;
    const passwd* const found = ::getpwnam(user.c_str());
    if (found == nullptr) {
        throw ConfigError("smtp.user: there is no user \"" + user + "\"");
    }
    const uid_t uid = found->pw_uid;
    const gid_t gid = found->pw_gid;
    const auto must = [&user](int result, const char* what) {
        if (result != 0) {
            throw std::system_error(errno, std::generic_category(),
                                    "smtp.user: cannot become " + user + ": " + what);
        }
    };
    for (const auto& socket : sockets) {
        if (!socket.unix_path.empty()) {
            must(::lchown(socket.unix_path.c_str(), uid, gid), "chown of the socket");
        }
    }
    must(::initgroups(user.c_str(), gid), "initgroups");
    must(::setgid(gid), "setgid");
    must(::setuid(uid), "setuid");
    if (uid != 0 && ::setuid(0) == 0) {
        throw std::system_error(EPERM, std::generic_category(),
                                "smtp.user: root could be had back");
    }
}

std::uint64_t raise_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 0;
    }
    if (limit.rlim_cur < limit.rlim_max) {
        const rlim_t before = limit.rlim_cur;
        limit.rlim_cur = limit.rlim_max;
        if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
            limit.rlim_cur = before;
        }
    }
    return limit.rlim_cur;
}

}  // namespace dmarcbox::net
