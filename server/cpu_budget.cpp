#include "server/cpu_budget.hpp"

#include <cerrno>
#include <ctime>
#include <system_error>

namespace dmarcbox {

std::chrono::nanoseconds CpuBudget::now() {
    timespec time{};
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0) {
        throw std::system_error(errno, std::generic_category(), "clock_gettime");
    }
    return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

}  // namespace dmarcbox
