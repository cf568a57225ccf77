#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "storage/database.hpp"
#include "storage/submission.hpp"

namespace dmarcbox::storage {

/// The report a finding belongs to; at most one is set.
struct FindingOwner {
    std::optional<std::int64_t> aggregate_report_id;
    std::optional<std::int64_t> failure_report_id;
    std::optional<std::int64_t> tls_report_id;
};

/// Rows of messages, originals and findings: bound statements, prepared once.
class MessageRows {
  public:
    explicit MessageRows(Database& database);

    /// The first message with these bytes.
    struct Known {
        std::int64_t id = 0;
        Outcome outcome = Outcome::other;
    };
    [[nodiscard]] std::optional<Known> find(const schema::Digest& sha256);

    std::int64_t insert(const Receipt& receipt, Outcome outcome, std::string_view detail);
    /// Where storing the reports showed another outcome than insert() was told.
    void settle(std::int64_t message_id,
                Outcome outcome,
                std::string_view detail,
                std::optional<std::int64_t> duplicate_of);
    /// Unless the original of a message with the same bytes as received is kept already.
    void insert_original(std::int64_t message_id,
                         const schema::Digest& received_sha256,
                         const Original& original);
    void insert_finding(std::int64_t message_id,
                        std::int64_t position,
                        const schema::Finding& finding,
                        const FindingOwner& owner);

  private:
    Database& database_;
    Statement find_;
    Statement insert_;
    Statement settle_;
    Statement find_original_;
    Statement insert_original_;
    Statement insert_finding_;
};

/// The word of column messages.outcome back.
[[nodiscard]] Outcome parse_outcome(std::string_view word);

}  // namespace dmarcbox::storage
