#include "tests/e2e/socket_driver.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <stdexcept>

#include "storage/database.hpp"
#include "storage/originals.hpp"

namespace dmarcbox::test {
namespace {

constexpr int kPatienceMs = 10000;  // for what must come
constexpr int kSilenceMs = 60;      // for what must not

int connect_to(std::uint16_t port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr generic{};
    std::memcpy(&generic, &address, sizeof generic);
    if (socket < 0 || connect(socket, &generic, sizeof address) != 0) {
        throw std::runtime_error("cannot connect");
    }
    return socket;
}

std::int64_t last_message(const ServerProcess& server) {
    storage::Database database(server.database(), storage::Database::Mode::read_only);
    return database.integer("SELECT ifnull(max(id), 0) FROM messages");
}

}  // namespace

class SocketDriver::Tls {
  public:
    explicit Tls(int socket) : context_(SSL_CTX_new(TLS_client_method())), ssl_(SSL_new(context_)) {
        SSL_set_fd(ssl_, socket);
        if (SSL_connect(ssl_) != 1) {
            throw std::runtime_error("the TLS handshake fails");
        }
    }
    Tls(const Tls&) = delete;
    Tls& operator=(const Tls&) = delete;
    ~Tls() {
        SSL_free(ssl_);
        SSL_CTX_free(context_);
    }
    [[nodiscard]] bool pending() const { return SSL_pending(ssl_) > 0; }
    int read(char* to, int size) { return SSL_read(ssl_, to, size); }
    int write(const char* from, int size) { return SSL_write(ssl_, from, size); }

  private:
    SSL_CTX* context_;
    SSL* ssl_;
};

SocketDriver::SocketDriver(const ServerProcess& server, bool lmtp)
    : server_(server),
      last_id_(last_message(server)),
      socket_(connect_to(server.port(lmtp ? "lmtp" : "smtp"))) {}

SocketDriver::~SocketDriver() {
    tls_.reset();
    close(socket_);
}

bool SocketDriver::receive(int milliseconds) {
    pollfd waiting{socket_, POLLIN, 0};
    if (!(tls_ && tls_->pending()) && poll(&waiting, 1, milliseconds) <= 0) {
        return false;
    }
    std::array<char, 16384> buffer{};
    const auto count = tls_ ? tls_->read(buffer.data(), static_cast<int>(buffer.size()))
                            : recv(socket_, buffer.data(), buffer.size(), 0);
    if (count <= 0) {
        ended_ = true;
    } else {
        inbox_.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return true;
}

void SocketDriver::send(std::string_view bytes) {
    while (!bytes.empty()) {
        // What the server says meanwhile is read, or both would wait with full buffers.
        while (!ended_ && receive(0)) {
        }
        const auto part = bytes.substr(0, 65536);
        const auto count = tls_ ? tls_->write(part.data(), static_cast<int>(part.size()))
                                : ::send(socket_, part.data(), part.size(), MSG_NOSIGNAL);
        if (count <= 0) {
            return;  // it closed; what it said before tells the test
        }
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}

std::optional<std::string> SocketDriver::read_line() {
    for (;;) {
        const auto end = inbox_.find("\r\n");
        if (end != std::string::npos) {
            std::string line = inbox_.substr(0, end);
            inbox_.erase(0, end + 2);
            return line;
        }
        if (ended_ || !receive(kPatienceMs)) {
            return std::nullopt;
        }
    }
}

bool SocketDriver::closed() {
    while (!ended_ && inbox_.empty() && receive(kPatienceMs)) {
    }
    return ended_ && inbox_.empty();
}

bool SocketDriver::silent() {
    return !ended_ && inbox_.empty() && !receive(kSilenceMs);
}

void SocketDriver::eof() {
    shutdown(socket_, SHUT_WR);
}

void SocketDriver::starttls() {
    tls_ = std::make_unique<Tls>(socket_);
}

std::vector<StoredMessage> SocketDriver::stored() {
    storage::Database database(server_.database(), storage::Database::Mode::read_only);
    std::vector<StoredMessage> messages;
    auto rows = database.prepare(
        "SELECT id, envelope_from, envelope_to, helo FROM messages WHERE id > ?1 ORDER BY id");
    rows.bind(1, last_id_);
    while (rows.step()) {
        auto original = storage::load_original(database, rows.integer(0));
        if (!original) {
            throw std::runtime_error(original.error().detail);
        }
        messages.push_back({std::move(original->bytes), std::string(rows.text(1)),
                            std::string(rows.text(2)), std::string(rows.text(3))});
    }
    return messages;
}

void SocketDriver::steer(const Step& /*step*/) {
    throw std::runtime_error("only a session in memory can be steered");
}

}  // namespace dmarcbox::test
