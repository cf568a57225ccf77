#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/e2e/server_process.hpp"
#include "tests/support/dialogue.hpp"

namespace dmarcbox::test {

/// Runs a dialogue as a client of the real server. Its messages are read from the database: those
/// behind the last one that was there at the start.
class SocketDriver final : public DialogueDriver {
  public:
    SocketDriver(const ServerProcess& server, bool lmtp);
    ~SocketDriver() override;
    SocketDriver(const SocketDriver&) = delete;
    SocketDriver& operator=(const SocketDriver&) = delete;

    void send(std::string_view bytes) override;
    std::optional<std::string> read_line() override;
    bool closed() override;
    bool silent() override;
    void timeout() override {}  // it passes by itself while the next line is awaited
    void eof() override;
    void starttls() override;
    std::vector<StoredMessage> stored() override;
    void steer(const Step& step) override;

  private:
    class Tls;

    /// Waits for bytes, or for the end. False: neither came in time.
    bool receive(int milliseconds);

    const ServerProcess& server_;
    std::int64_t last_id_ = 0;
    int socket_ = -1;
    std::unique_ptr<Tls> tls_;
    std::string inbox_;
    bool ended_ = false;
};

}  // namespace dmarcbox::test
