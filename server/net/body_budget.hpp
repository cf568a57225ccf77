#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

namespace dmarcbox::net {

/// A larger body goes to a file. Reports are 3 to 30 KiB; 512 sessions at this size are
/// half of the default budget.
constexpr std::uint64_t kMaxMemoryBody = std::uint64_t{256} << 10U;

/// Bytes of message bodies in memory, of all sessions and of the messages that wait for a worker:
/// max_body_memory_bytes. Thread-safe but for on_released().
class BodyBudget {
  public:
    explicit BodyBudget(std::uint64_t limit) : limit_(limit) {}

    /// A share of the budget; gives back what it holds when it goes, on any thread.
    class Share {
      public:
        Share() = default;
        explicit Share(std::shared_ptr<BodyBudget> budget) : budget_(std::move(budget)) {}
        Share(Share&& other) noexcept;
        Share& operator=(Share&& other) noexcept;
        Share(const Share&) = delete;
        Share& operator=(const Share&) = delete;
        ~Share() { release(); }

        /// False: over the limit, nothing was taken.
        [[nodiscard]] bool grow(std::uint64_t bytes);
        /// From now on the bytes are a message in the works: their release is what sessions that
        /// do not read wait for.
        void hand_over();
        void release();
        [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

      private:
        std::shared_ptr<BodyBudget> budget_;
        std::uint64_t bytes_ = 0;
        bool handed_over_ = false;
    };

    [[nodiscard]] std::uint64_t used() const { return used_; }
    [[nodiscard]] std::uint64_t limit() const { return limit_; }
    /// No room for another message: one that stays in memory takes up to kMaxMemoryBody.
    [[nodiscard]] bool exhausted() const { return used_ + kMaxMemoryBody > limit_; }
    /// Reading on would only fill up what waits for the workers; wait for a release. Bodies that
    /// are still being received never block each other: past the limit they go to files.
    [[nodiscard]] bool must_wait() const { return exhausted() && in_the_works_ > 0; }

    /// Called on the thread of the release when sessions may read again. Set it once, before use.
    void on_released(std::function<void()> callback) { released_ = std::move(callback); }

  private:
    const std::uint64_t limit_;
    std::atomic<std::uint64_t> used_{0};
    std::atomic<std::uint64_t> in_the_works_{0};
    std::function<void()> released_;
};

}  // namespace dmarcbox::net
