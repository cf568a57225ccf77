#pragma once

#include <chrono>

namespace dmarcbox {

/// CPU time that this thread may still use, from construction on. Ask on the same thread only.
class CpuBudget {
  public:
    explicit CpuBudget(std::chrono::nanoseconds budget) : end_(now() + budget) {}
    [[nodiscard]] bool spent() const { return now() >= end_; }

  private:
    /// CLOCK_THREAD_CPUTIME_ID: what other threads or a busy machine take is not counted.
    [[nodiscard]] static std::chrono::nanoseconds now();

    std::chrono::nanoseconds end_;
};

}  // namespace dmarcbox
