#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <tl/expected.hpp>

#include "schema/finding_list.hpp"
#include "schema/limits.hpp"
#include "schema/parse_error.hpp"

namespace boost::json {
class value;
}  // namespace boost::json

namespace dmarcbox::schema {

/// Bytes that one parse may still take; the tree and what is made from it draw on the same sum.
class MemoryBudget {
  public:
    explicit MemoryBudget(std::size_t bytes) : left_(bytes) {}

    /// False if that is more than what is left; nothing is taken then.
    [[nodiscard]] bool take(std::size_t bytes) {
        if (bytes > left_) {
            return false;
        }
        left_ -= bytes;
        return true;
    }
    void give_back(std::size_t bytes) { left_ += bytes; }

  private:
    std::size_t left_;
};

/// A JSON document in memory drawn from a budget, which must outlive it.
class JsonTree {
  public:
    struct Impl;
    explicit JsonTree(std::unique_ptr<Impl> impl);
    JsonTree(JsonTree&& other) noexcept;
    JsonTree& operator=(JsonTree&& other) noexcept;
    JsonTree(const JsonTree&) = delete;
    JsonTree& operator=(const JsonTree&) = delete;
    ~JsonTree();

    [[nodiscard]] const boost::json::value& root() const;

  private:
    std::unique_ptr<Impl> impl_;
};

/// Parses JSON of at most 32 levels. Comments, trailing commas, control characters in strings and
/// bytes after the document are tolerated with a finding. Errors, with codes of stage "tls":
/// broken, memory, time.
[[nodiscard]] tl::expected<JsonTree, ParseError> parse_json(std::string_view json,
                                                            MemoryBudget& budget,
                                                            const Expired& expired,
                                                            FindingList& findings);

}  // namespace dmarcbox::schema
