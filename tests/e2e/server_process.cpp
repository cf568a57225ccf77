#include "tests/e2e/server_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

namespace dmarcbox::test {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kStart{30};  // with sanitizers, on a busy machine
constexpr std::chrono::milliseconds kPoll{10};

std::filesystem::path make_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "dmarcbox-e2e-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
        throw std::runtime_error("no temporary folder");
    }
    return name;
}

}  // namespace

ServerProcess::ServerProcess(std::string_view configuration) : folder_(make_folder()) {
    if (configuration.find("certificate.pem") != std::string_view::npos) {
        make_certificate(folder_);
    }
    std::ofstream(folder_ / "dmarcbox.toml")
        << configuration << "\n[storage]\npath = \"reports.db\"\n";
    process_ = fork();
    if (process_ < 0) {
        throw std::runtime_error("fork failed");
    }
    if (process_ == 0) {
        const int log = open((folder_ / "log").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (log < 0 || dup2(log, STDERR_FILENO) < 0 || chdir(folder_.c_str()) != 0) {
            _exit(127);
        }
        execl(DMARCBOX_BINARY, "dmarcbox", "serve", "--config", "dmarcbox.toml", nullptr);
        _exit(127);
    }
    const auto end = Clock::now() + kStart;
    while (log().find("listening on") == std::string::npos) {
        if (waitpid(process_, nullptr, WNOHANG) != 0 || Clock::now() > end) {
            throw std::runtime_error("the service does not start: " + log());
        }
        std::this_thread::sleep_for(kPoll);
    }
    // The other listeners' lines come with the first.
    std::this_thread::sleep_for(kPoll);
}

ServerProcess::~ServerProcess() {
    if (process_ > 0) {
        stop();
    }
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

std::uint16_t ServerProcess::port(std::string_view protocol) const {
    const std::string text = log();
    const auto word = std::string("protocol=").append(protocol);
    for (std::size_t line = 0; line < text.size();) {
        const auto end = std::min(text.find('\n', line), text.size());
        const auto one = std::string_view(text).substr(line, end - line);
        line = end + 1;
        const auto quote = one.find('"', one.find("listening on") + 1);
        if (one.find("listening on") != std::string_view::npos && one.ends_with(word)) {
            const auto colon = one.rfind(':', quote);
            std::uint16_t port = 0;
            std::from_chars(one.data() + colon + 1, one.data() + quote, port);
            return port;
        }
    }
    return 0;
}

std::string ServerProcess::log() const {
    std::ifstream file(folder_ / "log");
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

int ServerProcess::stop() {
    kill(process_, SIGTERM);
    int status = 0;
    waitpid(process_, &status, 0);
    process_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void make_certificate(const std::filesystem::path& folder) {
    const std::string command =
        "cd '" + folder.string() +
        "' && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 "
        "-subj /CN=mx.reports.example -keyout key.pem -out certificate.pem 2>openssl.log";
    if (std::system(command.c_str()) != 0) {
        throw std::runtime_error("openssl makes no certificate");
    }
}

}  // namespace dmarcbox::test
