#include "server/log.hpp"

#include <poll.h>
#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <mutex>
#include <string>

namespace dmarcbox {
namespace {

constexpr std::chrono::milliseconds kPatience{1000};
// A pipe that poll(2) calls writable takes this much without blocking (PIPE_BUF).
constexpr std::size_t kChunk = 4096;

/// Writes lines to a descriptor without ever waiting longer than kPatience for its reader; after a
/// reader was given up, each further line gets one look. The descriptor is shared with other
/// processes, so that O_NONBLOCK is not ours to set.
class DescriptorSink : public spdlog::sinks::base_sink<std::mutex> {
  public:
    explicit DescriptorSink(int descriptor) : descriptor_(descriptor) {}

  protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        std::string line(message.payload.data(), message.payload.size());
        line += '\n';
        if (dropped_ > 0 && !cut_short_) {
            line.insert(0, "level=warn event=log-dropped lines=" + std::to_string(dropped_) + "\n");
        }
        if (cut_short_) {
            line.insert(0, "\n");
        }
        write_all(line);
    }
    void flush_() override {}

  private:
    void write_all(std::string_view bytes) {
        bool first = true;
        while (!bytes.empty()) {
            pollfd ready{descriptor_, POLLOUT, 0};
            const int patience = stuck_ ? 0 : static_cast<int>(kPatience.count());
            const int found = ::poll(&ready, 1, patience);
            if (found < 0 && errno == EINTR) {
                continue;
            }
            if (found == 0) {
                stuck_ = true;
                ++dropped_;
                cut_short_ = cut_short_ || !first;
                return;
            }
            const auto written = ::write(descriptor_, bytes.data(), std::min(bytes.size(), kChunk));
            if (written < 0 && (errno == EINTR || errno == EAGAIN)) {
                continue;
            }
            if (written < 0) {
                return;  // nobody reads any more: there is no other place to say it
            }
            stuck_ = false;
            first = false;
            bytes.remove_prefix(static_cast<std::size_t>(written));
        }
        dropped_ = 0;
        cut_short_ = false;
    }

    int descriptor_;
    bool stuck_ = false;
    bool cut_short_ = false;
    std::uint64_t dropped_ = 0;
};

spdlog::level::level_enum spdlog_level(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return spdlog::level::debug;
        case LogLevel::warn:
            return spdlog::level::warn;
        case LogLevel::error:
            return spdlog::level::err;
        case LogLevel::info:
            break;
    }
    return spdlog::level::info;
}

/// Of sd-daemon(3), which are those of syslog(3).
std::string_view priority(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return "<7>";
        case LogLevel::warn:
            return "<4>";
        case LogLevel::error:
            return "<3>";
        case LogLevel::info:
            break;
    }
    return "<6>";
}

std::string now_text() {
    const auto now = std::chrono::system_clock::now();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
    const std::time_t time = std::chrono::system_clock::to_time_t(seconds);
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    std::array<char, 32> text{};
    const std::size_t length =
        std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S.", &parts);
    const auto milliseconds = std::to_string(
        std::chrono::duration_cast<std::chrono::milliseconds>(now - seconds).count());
    return std::string(text.data(), length) + std::string(3 - milliseconds.size(), '0') +
           milliseconds + "Z";
}

}  // namespace

LogLevel log_level(std::string_view name) {
    return name == "debug"   ? LogLevel::debug
           : name == "warn"  ? LogLevel::warn
           : name == "error" ? LogLevel::error
                             : LogLevel::info;
}

std::string_view to_string(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return "debug";
        case LogLevel::warn:
            return "warn";
        case LogLevel::error:
            return "error";
        case LogLevel::info:
            break;
    }
    return "info";
}

struct Log::Impl {
    explicit Impl(Options given)
        : options(given),
          level(given.level),
          pool(std::make_shared<spdlog::details::thread_pool>(kMaxQueuedLines, 1)),
          logger(std::make_shared<spdlog::async_logger>(
              "dmarcbox",
              std::make_shared<DescriptorSink>(given.descriptor),
              pool,
              spdlog::async_overflow_policy::overrun_oldest)) {
        logger->set_level(spdlog::level::trace);  // filtered before a line is formatted
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    /// The thread that writes is joined before what it writes to goes.
    ~Impl() { pool.reset(); }

    const Options options;
    std::atomic<LogLevel> level;
    std::shared_ptr<spdlog::details::thread_pool> pool;
    std::shared_ptr<spdlog::async_logger> logger;
};

Log::Log(Options options) : impl_(std::make_unique<Impl>(options)) {}

Log::~Log() = default;

void Log::write(LogLevel level, const LogLine& line) {
    if (!writes(level)) {
        return;
    }
    const bool timed = impl_->options.prefix == Prefix::time;
    std::string out;
    if (!timed) {
        out += priority(level);
    }
    if (impl_->options.format == Format::json) {
        out += '{';
        if (timed) {
            out.append(R"("time":")").append(now_text()).append("\",");
        }
        out.append(R"("level":")").append(to_string(level)).append("\",");
        out.append(line.as_json()).append("}");
    } else {
        if (timed) {
            out.append(now_text()).append(" ");
        }
        out.append("level=").append(to_string(level)).append(" ").append(line.as_text());
    }
    impl_->logger->log(spdlog_level(level), spdlog::string_view_t(out.data(), out.size()));
}

bool Log::writes(LogLevel level) const {
    return level >= impl_->level.load(std::memory_order_relaxed);
}

void Log::set_level(LogLevel level) {
    impl_->level = level;
}

LogLevel Log::level() const {
    return impl_->level;
}

Log::Prefix Log::prefix_for(int descriptor) {
    const char* const stream = std::getenv("JOURNAL_STREAM");
    struct stat found {};
    if (stream == nullptr || ::fstat(descriptor, &found) != 0) {
        return Prefix::time;
    }
    const auto here = std::to_string(found.st_dev) + ":" + std::to_string(found.st_ino);
    return here == stream ? Prefix::priority : Prefix::time;
}

}  // namespace dmarcbox
