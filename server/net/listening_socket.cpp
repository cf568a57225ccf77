#include "server/net/listening_socket.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

#include "server/net/endpoint.hpp"

namespace dmarcbox::net {
namespace {

constexpr int kFirstPassed = 3;  // SD_LISTEN_FDS_START
// Connections that wait for accept(2): the kernel cuts it to net.core.somaxconn.
constexpr int kBacklog = 1024;

[[noreturn]] void fail(const std::string& where, const char* what) {
    const int error = errno;
    std::string hint;
    if (error == EADDRINUSE) {
        hint = " (another program listens there; `ss -ltnp` tells which)";
    } else if (error == EACCES) {
        hint = " (ports below 1024 need root, CAP_NET_BIND_SERVICE or socket activation)";
    }
    throw std::system_error(error, std::generic_category(), where + ": cannot " + what + hint);
}

void set_option(const FileDescriptor& socket, int level, int name, int value, const char* what) {
    if (::setsockopt(socket.get(), level, name, &value, sizeof(value)) != 0) {
        fail("socket", what);
    }
}

/// A socket file that a killed service left; one that answers belongs to somebody.
void remove_stale(const Endpoint& endpoint, const std::string& where) {
    struct stat found {};
    const auto path = endpoint.unix_path();
    if (::lstat(path.c_str(), &found) != 0) {
        return;
    }
    if (!S_ISSOCK(found.st_mode)) {
        errno = EEXIST;
        fail(where, "replace what is there, which is no socket");
    }
    const FileDescriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (probe && ::connect(probe.get(), endpoint.address(), endpoint.length()) == 0) {
        errno = EADDRINUSE;
        fail(where, "listen");
    }
    if (::unlink(path.c_str()) != 0) {
        fail(where, "remove the old socket");
    }
}

std::size_t passed_count() {
    const auto number = [](const char* name) {
        const char* const text = std::getenv(name);
        long value = -1;
        if (text != nullptr) {
            const std::string_view digits = text;
            const auto [end, error] =
                std::from_chars(digits.data(), digits.data() + digits.size(), value);
            value = error == std::errc{} && end == digits.data() + digits.size() ? value : -1;
        }
        return value;
    };
    const long count = number("LISTEN_FDS");
    return number("LISTEN_PID") == ::getpid() && count > 0 ? static_cast<std::size_t>(count) : 0;
}

std::string passed_name(std::size_t index) {
    const char* const names = std::getenv("LISTEN_FDNAMES");
    std::string_view rest = names == nullptr ? "" : names;
    for (std::size_t i = 0; i < index; ++i) {
        const auto colon = rest.find(':');
        rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
    }
    return std::string(rest.substr(0, rest.find(':')));
}

}  // namespace

std::string_view to_string(Service service) {
    switch (service) {
        case Service::smtps:
            return "smtps";
        case Service::lmtp:
            return "lmtp";
        case Service::http:
            return "http";
        case Service::smtp:
            break;
    }
    return "smtp";
}

ListeningSocket bind_socket(const std::string& where, Service service) {
    const auto endpoint = Endpoint::parse(where);
    if (!endpoint) {
        throw std::runtime_error(where + ": is neither ADDRESS:PORT nor unix:PATH");
    }
    FileDescriptor socket(
        ::socket(endpoint->family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) {
        fail(where, "make a socket");
    }
    mode_t mask = 0;
    if (endpoint->is_unix()) {
        remove_stale(*endpoint, where);
        mask = ::umask(0117);
    } else {
        set_option(socket, SOL_SOCKET, SO_REUSEADDR, 1, "set SO_REUSEADDR");
        if (endpoint->family() == AF_INET6) {
            set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, 0, "take IPv4 too");
        }
    }
    const int bound = ::bind(socket.get(), endpoint->address(), endpoint->length());
    const int bind_error = errno;
    if (endpoint->is_unix()) {
        ::umask(mask);
    }
    if (bound != 0) {
        errno = bind_error;
        fail(where, "listen");
    }
    if (::listen(socket.get(), kBacklog) != 0) {
        fail(where, "listen");
    }
    ListeningSocket listening;
    listening.where = Endpoint::local_of(socket.get()).text();
    listening.unix_path = endpoint->unix_path();
    listening.service = service;
    listening.socket = std::move(socket);
    return listening;
}

std::vector<ListeningSocket> take_passed_sockets() {
    std::vector<ListeningSocket> sockets;
    const std::size_t count = passed_count();
    for (std::size_t i = 0; i < count; ++i) {
        const int descriptor = kFirstPassed + static_cast<int>(i);
        int listens = 0;
        socklen_t length = sizeof(listens);
        if (::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) != 0 ||
            listens == 0) {
            throw std::runtime_error("LISTEN_FDS: descriptor " + std::to_string(descriptor) +
                                     " is no socket that listens");
        }
        ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
        ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
        ListeningSocket listening;
        listening.socket = FileDescriptor(descriptor);
        const auto name = passed_name(i);
        listening.service = name.starts_with("smtps")  ? Service::smtps
                            : name.starts_with("lmtp") ? Service::lmtp
                                                       : Service::smtp;
        listening.where = Endpoint::local_of(descriptor).text();
        sockets.push_back(std::move(listening));
    }
    for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) {
        ::unsetenv(name);
    }
    return sockets;
}

std::vector<ListeningSocket> open_listening_sockets(const Config& config) {
    auto sockets = take_passed_sockets();
    const auto passed = [&sockets](Service service) {
        return std::any_of(sockets.begin(), sockets.end(),
                           [service](const auto& socket) { return socket.service == service; });
    };
    const bool has_smtp = passed(Service::smtp);
    const bool has_smtps = passed(Service::smtps);
    const bool has_lmtp = passed(Service::lmtp);
    const auto bind_all = [&sockets](const std::vector<std::string>& list, Service service) {
        for (const auto& where : list) {
            sockets.push_back(bind_socket(where, service));
        }
    };
    if (!has_smtp) {
        bind_all(config.smtp.listen, Service::smtp);
    }
    if (!has_smtps) {
        bind_all(config.tls.listen, Service::smtps);
    }
    if (!has_lmtp) {
        bind_all(config.lmtp.listen, Service::lmtp);
    }
    return sockets;
}

}  // namespace dmarcbox::net
