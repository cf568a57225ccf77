#include "storage/presence.hpp"

#include <cstring>
#include <random>

namespace dmarcbox::storage {

namespace {

constexpr std::size_t kFirstSlots = 1U << 12U;
constexpr std::size_t kMaxSlots = 1U << 22U;  // half of them used at most
__extension__ using Wide = unsigned __int128;

// The multiply-and-fold step of wyhash.
std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

}  // namespace

PresenceMemory::PresenceMemory() : slots_(kFirstSlots) {
    std::random_device random;
    for (auto& half : key_) {
        half = (static_cast<std::uint64_t>(random()) << 32U) | random() | 1U;
    }
}

std::uint64_t PresenceMemory::hash(std::initializer_list<std::string_view> texts) const {
    std::uint64_t state = key_[0];
    for (const auto text : texts) {
        state = mix(state ^ text.size(), key_[1]);
        for (std::size_t at = 0; at < text.size(); at += 8) {
            std::uint64_t word = 0;
            std::memcpy(&word, text.data() + at, std::min<std::size_t>(8, text.size() - at));
            state = mix(state ^ word, key_[1]);
        }
    }
    state = mix(state, key_[0] ^ 0x9E3779B97F4A7C15U);
    return state == 0 ? 1 : state;
}

bool PresenceMemory::insert(std::initializer_list<std::string_view> texts) {
    if (used_ * 2 >= slots_.size()) {
        grow();
    }
    const std::uint64_t wanted = hash(texts);
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = wanted & mask;; at = (at + 1) & mask) {
        if (slots_[at] == wanted) {
            return false;
        }
        if (slots_[at] == 0) {
            slots_[at] = wanted;
            ++used_;
            return true;
        }
    }
}

void PresenceMemory::grow() {
    if (slots_.size() >= kMaxSlots) {
        forget();
        return;
    }
    std::vector<std::uint64_t> larger(slots_.size() * 2);
    const std::size_t mask = larger.size() - 1;
    for (const std::uint64_t value : slots_) {
        if (value != 0) {
            std::size_t at = value & mask;
            while (larger[at] != 0) {
                at = (at + 1) & mask;
            }
            larger[at] = value;
        }
    }
    slots_.swap(larger);
}

void PresenceMemory::forget() {
    slots_.assign(kFirstSlots, 0);
    used_ = 0;
}

}  // namespace dmarcbox::storage
