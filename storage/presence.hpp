#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

namespace dmarcbox::storage {

/// Remembers which rows of a presence table are there, so that most INSERT OR IGNOREs need no SQL.
/// Holds 64-bit hashes under a random key: a sender cannot choose texts that collide. At most
/// 2^21 entries (32 MiB), then it starts over empty, which costs time only.
class PresenceMemory {
  public:
    PresenceMemory();
    /// True if the texts were not remembered yet; they are from now on.
    [[nodiscard]] bool insert(std::initializer_list<std::string_view> texts);
    /// After a rollback, or when another process wrote.
    void forget();

  private:
    [[nodiscard]] std::uint64_t hash(std::initializer_list<std::string_view> texts) const;
    void grow();

    std::array<std::uint64_t, 2> key_{};
    std::vector<std::uint64_t> slots_;  ///< open addressing, 0 is free
    std::size_t used_ = 0;
};

}  // namespace dmarcbox::storage
