#pragma once

#include <cstddef>

namespace dmarcbox::schema {

/// Bytes that XML trees and the report made from them may take while this is the budget of the
/// thread. pugixml's allocator hooks are global, so a budget counts for every document that its
/// thread makes while it lives; such a document must be gone before. One at a time per thread.
class XmlMemory {
  public:
    explicit XmlMemory(std::size_t bytes);
    ~XmlMemory();
    XmlMemory(const XmlMemory&) = delete;
    XmlMemory& operator=(const XmlMemory&) = delete;

    /// False if that is more than what is left; nothing is taken then.
    [[nodiscard]] bool take(std::size_t bytes);
    void give_back(std::size_t bytes) { left_ += bytes; }
    [[nodiscard]] std::size_t left() const { return left_; }

  private:
    std::size_t left_;
    XmlMemory* outer_;
};

}  // namespace dmarcbox::schema
