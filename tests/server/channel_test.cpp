#include "server/net/channel.hpp"

#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

using dmarcbox::net::Channel;
using dmarcbox::net::FileDescriptor;

namespace {

template <auto Function>
struct Free {
    template <class T>
    void operator()(T* pointer) const noexcept {
        Function(pointer);
    }
};
using Context = std::unique_ptr<SSL_CTX, Free<&::SSL_CTX_free>>;
using Key = std::unique_ptr<EVP_PKEY, Free<&::EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<&::X509_free>>;
using Ssl = std::unique_ptr<SSL, Free<&::SSL_free>>;

Context server_context() {
    Context context(::SSL_CTX_new(::TLS_server_method()));
    const Key key(::EVP_EC_gen("P-256"));
    const Certificate certificate(::X509_new());
    ::X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    ::X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    ::X509_set_pubkey(certificate.get(), key.get());
    REQUIRE(::X509_sign(certificate.get(), key.get(), ::EVP_sha256()) > 0);
    REQUIRE(::SSL_CTX_use_certificate(context.get(), certificate.get()) == 1);
    REQUIRE(::SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1);
    return context;
}

/// A channel inside TLS, and its client.
struct Pair {
    Pair() {
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) ==
                0);
        socket = FileDescriptor(ends[0]);
        channel = std::make_unique<Channel>(FileDescriptor(ends[1]));
        channel->begin_tls(contexts[0].get());
        client.reset(::SSL_new(contexts[1].get()));
        ::SSL_set_fd(client.get(), socket.get());
        ::SSL_set_connect_state(client.get());
        bool ours = false;
        for (int i = 0; i < 20 && !(ours && SSL_is_init_finished(client.get()) == 1); ++i) {
            (void)::SSL_do_handshake(client.get());
            ours = channel->handshake().status == Channel::Status::done;
        }
        REQUIRE(ours);
    }
    [[nodiscard]] int unread() const {
        int bytes = 0;
        REQUIRE(::ioctl(channel->descriptor(), FIONREAD, &bytes) == 0);
        return bytes;
    }

    std::array<Context, 2> contexts{server_context(),
                                    Context(::SSL_CTX_new(::TLS_client_method()))};
    FileDescriptor socket;
    std::unique_ptr<Channel> channel;
    Ssl client;
};

}  // namespace

TEST_CASE("channel: records without text do not keep the thread") {
    Pair pair;
    constexpr int kUpdates = 100;
    for (int i = 0; i < kUpdates; ++i) {
        REQUIRE(::SSL_key_update(pair.client.get(), SSL_KEY_UPDATE_NOT_REQUESTED) == 1);
        REQUIRE(::SSL_do_handshake(pair.client.get()) == 1);
    }
    constexpr std::string_view kText = "NOOP\r\n";
    REQUIRE(::SSL_write(pair.client.get(), kText.data(), static_cast<int>(kText.size())) > 0);

    std::array<char, 100> buffer{};
    int turns = 1;
    auto result = pair.channel->read(buffer);
    CHECK(result.status == Channel::Status::want_read);
    CHECK(pair.unread() > 0);
    while (result.status == Channel::Status::want_read && pair.unread() > 0 && turns < 1000) {
        result = pair.channel->read(buffer);
        ++turns;
    }
    CHECK(turns >= 10);
    REQUIRE(result.status == Channel::Status::done);
    CHECK(std::string_view(buffer.data(), result.bytes) == kText);
}

TEST_CASE("channel: a record of the largest size is read in one go") {
    Pair pair;
    const std::string sent(16384, 'x');
    REQUIRE(::SSL_write(pair.client.get(), sent.data(), static_cast<int>(sent.size())) > 0);
    std::array<char, 65536> buffer{};
    const auto result = pair.channel->read(buffer);
    REQUIRE(result.status == Channel::Status::done);
    CHECK(std::string_view(buffer.data(), result.bytes) == sent);
}
