#include "server/net/body_budget.hpp"

#include <utility>

namespace dmarcbox::net {

BodyBudget::Share::Share(Share&& other) noexcept
    : budget_(std::move(other.budget_)),
      bytes_(std::exchange(other.bytes_, 0)),
      handed_over_(std::exchange(other.handed_over_, false)) {}

BodyBudget::Share& BodyBudget::Share::operator=(Share&& other) noexcept {
    if (this != &other) {
        release();
        budget_ = std::move(other.budget_);
        bytes_ = std::exchange(other.bytes_, 0);
        handed_over_ = std::exchange(other.handed_over_, false);
    }
    return *this;
}

bool BodyBudget::Share::grow(std::uint64_t bytes) {
    if (!budget_) {
        return false;
    }
    if (budget_->used_.fetch_add(bytes) + bytes > budget_->limit_) {
        budget_->used_ -= bytes;
        return false;
    }
    bytes_ += bytes;
    return true;
}

void BodyBudget::Share::hand_over() {
    if (budget_ && !handed_over_) {
        handed_over_ = true;
        budget_->in_the_works_ += bytes_;
    }
}

void BodyBudget::Share::release() {
    if (!budget_ || bytes_ == 0) {
        return;
    }
    const bool was_exhausted = budget_->exhausted();
    if (std::exchange(handed_over_, false)) {
        budget_->in_the_works_ -= bytes_;
    }
    budget_->used_ -= std::exchange(bytes_, 0);
    if (was_exhausted && budget_->released_) {
        budget_->released_();
    }
}

}  // namespace dmarcbox::net
