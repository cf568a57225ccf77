// SMTP load sender for the benchmarks: reports the rate, the replies by code, and the time from the
// final dot to the reply. Loopback only. Pipelines MAIL, RCPT and DATA as RFC 2920 allows and large
// mail systems do.
//
// usage: send_mails PORT SESSIONS PER_CONNECTION RECIPIENT FILE-OR-FOLDER...
//   PER_CONNECTION 0 keeps each connection open for all its mails.
//   REPEAT=N in the environment sends the list N times; STEP=1 sends command by command, without
//   pipelining.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Settings {
    std::uint16_t port = 0;
    std::size_t sessions = 1;
    std::size_t per_connection = 0;
    std::string recipient;
    bool pipelined = true;
};

struct Result {
    std::vector<double> latencies_ms;
    std::map<int, std::size_t> replies;
};

class Connection {
  public:
    explicit Connection(std::uint16_t port)
        : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int on = 1;
        ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        const timeval patience{120, 0};
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        sockaddr generic{};
        std::memcpy(&generic, &address, sizeof generic);
        ready_ = ::connect(socket_, &generic, sizeof address) == 0 && reply() == 220 &&
                 send("EHLO bench.example\r\n") && reply() == 250;
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() {
        if (ready_ && send("QUIT\r\n")) {
            reply();
        }
        ::close(socket_);
    }
    [[nodiscard]] bool ready() const { return ready_; }

    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) {
                return ready_ = false;
            }
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }

    /// Code of the next complete reply; -1 when the connection ended.
    int reply() {
        for (;;) {
            const auto end = buffer_.find('\n');
            if (end == std::string::npos) {
                char chunk[4096];
                const auto got = ::recv(socket_, chunk, sizeof chunk, 0);
                if (got <= 0) {
                    ready_ = false;
                    return -1;
                }
                buffer_.append(chunk, static_cast<std::size_t>(got));
                continue;
            }
            const int code = std::atoi(buffer_.c_str());
            const bool last = end < 4 || buffer_[3] != '-';
            buffer_.erase(0, end + 1);
            if (last) {
                return code;
            }
        }
    }

  private:
    int socket_;
    bool ready_ = false;
    std::string buffer_;
};

int deliver(Connection& connection,
            const Settings& settings,
            const std::string& mail,
            Result& result) {
    const std::string from = "MAIL FROM:<noreply@reporter.example>\r\n";
    const std::string to = "RCPT TO:<" + settings.recipient + ">\r\n";
    int code = 0;
    if (settings.pipelined) {
        connection.send(from + to + "DATA\r\n");
        code = connection.reply();
        const int recipient = connection.reply();
        const int data = connection.reply();
        if (data != 354) {
            return code != 250 ? code : recipient != 250 ? recipient : data;
        }
    } else {
        for (const auto& command : {from, to, std::string("DATA\r\n")}) {
            connection.send(command);
            code = connection.reply();
            if (code / 100 > 3 || code < 0) {
                return code;
            }
        }
    }
    const auto start = Clock::now();
    connection.send(mail);
    code = connection.reply();
    result.latencies_ms.push_back(
        std::chrono::duration<double, std::milli>(Clock::now() - start).count());
    return code;
}

std::string dotted(const std::string& mail) {
    std::string out;
    out.reserve(mail.size() + 16);
    bool line_start = true;
    for (const char c : mail) {
        if (line_start && c == '.') {
            out += '.';
        }
        out += c;
        line_start = c == '\n';
    }
    if (!out.ends_with("\r\n")) {
        out += "\r\n";
    }
    return out + ".\r\n";
}

std::vector<std::string> load(int count, char** paths) {
    std::vector<std::filesystem::path> files;
    for (int i = 0; i < count; ++i) {
        if (std::filesystem::is_directory(paths[i])) {
            for (const auto& entry : std::filesystem::directory_iterator(paths[i])) {
                if (entry.path().extension() == ".eml") {
                    files.push_back(entry.path());
                }
            }
        } else {
            files.emplace_back(paths[i]);
        }
    }
    std::sort(files.begin(), files.end());
    std::vector<std::string> mails;
    for (const auto& file : files) {
        std::ifstream in(file, std::ios::binary);
        mails.push_back(dotted({std::istreambuf_iterator<char>(in), {}}));
    }
    return mails;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 6) {
        std::fprintf(
            stderr, "usage: send_mails PORT SESSIONS PER_CONNECTION RECIPIENT FILE-OR-FOLDER...\n");
        return 2;
    }
    Settings settings;
    settings.port = static_cast<std::uint16_t>(std::atoi(argv[1]));
    settings.sessions = static_cast<std::size_t>(std::atoi(argv[2]));
    settings.per_connection = static_cast<std::size_t>(std::atoi(argv[3]));
    settings.recipient = argv[4];
    settings.pipelined = std::getenv("STEP") == nullptr;
    const auto mails = load(argc - 5, argv + 5);
    const char* repeat = std::getenv("REPEAT");
    const std::size_t total =
        mails.size() * static_cast<std::size_t>(repeat != nullptr ? std::atoi(repeat) : 1);
    std::size_t bytes = 0;
    for (const auto& mail : mails) {
        bytes += mail.size();
    }

    std::atomic<std::size_t> next{0};
    std::vector<Result> results(settings.sessions);
    const auto start = Clock::now();
    std::vector<std::thread> threads;
    for (auto& result : results) {
        threads.emplace_back([&] {
            std::unique_ptr<Connection> connection;
            std::size_t on_this = 0;
            for (std::size_t i = next++; i < total; i = next++) {
                if (!connection || !connection->ready() ||
                    (settings.per_connection != 0 && on_this == settings.per_connection)) {
                    connection.reset();
                    connection = std::make_unique<Connection>(settings.port);
                    on_this = 0;
                }
                if (!connection->ready()) {
                    ++result.replies[-1];
                    continue;
                }
                ++result.replies[deliver(*connection, settings, mails[i % mails.size()], result)];
                ++on_this;
            }
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();

    Result all;
    for (const auto& result : results) {
        all.latencies_ms.insert(all.latencies_ms.end(), result.latencies_ms.begin(),
                                result.latencies_ms.end());
        for (const auto& [code, count] : result.replies) {
            all.replies[code] += count;
        }
    }
    std::sort(all.latencies_ms.begin(), all.latencies_ms.end());
    const auto quantile = [&all](double q) {
        const auto& sorted = all.latencies_ms;
        return sorted.empty()
                   ? 0.0
                   : sorted[std::min(
                         sorted.size() - 1,
                         static_cast<std::size_t>(q * static_cast<double>(sorted.size())))];
    };
    std::printf(
        "mails=%zu sessions=%zu seconds=%.3f mails_per_s=%.1f mb_per_s=%.1f p50_ms=%.2f "
        "p99_ms=%.2f max_ms=%.2f",
        total, settings.sessions, seconds, static_cast<double>(total) / seconds,
        static_cast<double>(bytes) / 1e6 * static_cast<double>(total) /
            static_cast<double>(mails.size()) / seconds,
        quantile(0.5), quantile(0.99), quantile(1));
    bool good = true;
    for (const auto& [code, count] : all.replies) {
        std::printf(" reply_%d=%zu", code, count);
        good = good && code == 250;
    }
    std::printf("\n");
    return good ? 0 : 1;
}
