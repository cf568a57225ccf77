#include "server/net/endpoint.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>

namespace dmarcbox::net {
namespace {

constexpr std::string_view kUnix = "unix:";

template <class Address>
Address as(const sockaddr_storage& storage) {
    Address address{};
    static_assert(sizeof(Address) <= sizeof(storage));
    std::memcpy(&address, &storage, sizeof(address));
    return address;
}

}  // namespace

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
    Endpoint endpoint;
    if (text.starts_with(kUnix)) {
        const auto path = text.substr(kUnix.size());
        sockaddr_un address{};
        if (path.empty() || path.size() >= sizeof(address.sun_path)) {
            return std::nullopt;
        }
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.data(), path.size());
        std::memcpy(&endpoint.storage_, &address, sizeof(address));
        endpoint.length_ =
            static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
        return endpoint;
    }
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    std::uint16_t port = 0;
    const auto digits = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) {
        return std::nullopt;
    }
    std::string ip(text.substr(0, colon));
    if (ip.size() > 2 && ip.front() == '[' && ip.back() == ']') {
        ip = ip.substr(1, ip.size() - 2);
        sockaddr_in6 address{};
        address.sin6_family = AF_INET6;
        address.sin6_port = htons(port);
        if (::inet_pton(AF_INET6, ip.c_str(), &address.sin6_addr) != 1) {
            return std::nullopt;
        }
        std::memcpy(&endpoint.storage_, &address, sizeof(address));
        endpoint.length_ = sizeof(address);
        return endpoint;
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    if (::inet_pton(AF_INET, ip.c_str(), &address.sin_addr) != 1) {
        return std::nullopt;
    }
    std::memcpy(&endpoint.storage_, &address, sizeof(address));
    endpoint.length_ = sizeof(address);
    return endpoint;
}

Endpoint Endpoint::local_of(int socket) {
    Endpoint endpoint;
    endpoint.length_ = sizeof(endpoint.storage_);
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&endpoint.storage_), &endpoint.length_) !=
        0) {
        return {};
    }
    return endpoint;
}

const sockaddr* Endpoint::address() const {
    return reinterpret_cast<const sockaddr*>(&storage_);
}

std::string Endpoint::unix_path() const {
    if (!is_unix()) {
        return {};
    }
    const auto address = as<sockaddr_un>(storage_);
    constexpr auto kBefore = offsetof(sockaddr_un, sun_path);
    const std::size_t room = length_ > kBefore ? length_ - kBefore : 0;
    return {address.sun_path,
            ::strnlen(address.sun_path, std::min(room, sizeof(address.sun_path)))};
}

std::string Endpoint::ip() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (family() == AF_INET) {
        const auto address = as<sockaddr_in>(storage_);
        ::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
    } else if (family() == AF_INET6) {
        const auto address = as<sockaddr_in6>(storage_);
        if (IN6_IS_ADDR_V4MAPPED(&address.sin6_addr)) {
            ::inet_ntop(AF_INET, &address.sin6_addr.s6_addr[12], text.data(), text.size());
        } else {
            ::inet_ntop(AF_INET6, &address.sin6_addr, text.data(), text.size());
        }
    }
    return text.data();
}

std::uint16_t Endpoint::port() const {
    if (family() == AF_INET) {
        return ntohs(as<sockaddr_in>(storage_).sin_port);
    }
    return family() == AF_INET6 ? ntohs(as<sockaddr_in6>(storage_).sin6_port) : std::uint16_t{0};
}

std::string Endpoint::text() const {
    if (is_unix()) {
        return std::string(kUnix) + unix_path();
    }
    const auto address = ip();
    // A listener on an IPv4-mapped address is not made by parse(), so that text() gives back what
    // it took.
    return (address.find(':') == std::string::npos ? address : "[" + address + "]") + ":" +
           std::to_string(port());
}

}  // namespace dmarcbox::net
