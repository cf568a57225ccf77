#include "server/commands/import_progress.hpp"

#include <algorithm>
#include <cstdio>
#include <ostream>

namespace dmarcbox {
namespace {

constexpr std::chrono::milliseconds kPatience{1000};
constexpr std::chrono::milliseconds kRedraw{100};
constexpr std::chrono::seconds kLineEvery{60};
constexpr const char* kEraseLine = "\r\x1b[K";

std::string minutes_and_seconds(std::int64_t seconds) {
    std::string rest = std::to_string(seconds % 60);
    return std::to_string(seconds / 60) + ":" + (rest.size() < 2 ? "0" + rest : rest);
}

}  // namespace

std::string progress_line(const ImportCounts& counts, std::chrono::milliseconds took) {
    const auto ms = std::max<std::int64_t>(1, took.count());
    std::string line = "importing  ";
    if (counts.bytes_all > 0) {
        const auto percent =
            std::min<std::uintmax_t>(100, counts.bytes_read * 100 / counts.bytes_all);
        line += pad_left(std::to_string(percent), 3) + " %  ";
    }
    line += with_commas(static_cast<std::int64_t>(counts.messages)) + " messages  " +
            with_commas(static_cast<std::int64_t>(counts.messages) * 1000 / ms) + "/s";
    if (counts.bytes_read > 0 && counts.bytes_all > counts.bytes_read) {
        const double left = static_cast<double>(counts.bytes_all - counts.bytes_read) /
                            static_cast<double>(counts.bytes_read) * static_cast<double>(ms);
        line += "  ETA " + minutes_and_seconds(static_cast<std::int64_t>(left / 1000) + 1);
    }
    return line;
}

ImportProgress::ImportProgress(std::ostream& err, Terminal terminal)
    : err_(err),
      terminal_(terminal),
      start_(Clock::now()),
      next_(start_ +
            (terminal.is_terminal ? Clock::duration(kPatience) : Clock::duration(kLineEvery))) {}

void ImportProgress::update(const ImportCounts& counts) {
    const auto now = Clock::now();
    if (now < next_) {
        return;
    }
    const std::string line = progress_line(counts, took());
    if (terminal_.is_terminal) {
        next_ = now + kRedraw;
        err_ << kEraseLine << line << std::flush;
        shown_ = true;
    } else {
        next_ = now + kLineEvery;
        err_ << line << std::endl;
    }
}

void ImportProgress::finish() {
    if (shown_) {
        err_ << kEraseLine << std::flush;
        shown_ = false;
    }
}

std::chrono::milliseconds ImportProgress::took() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start_);
}

}  // namespace dmarcbox
