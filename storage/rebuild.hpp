#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/database.hpp"

namespace dmarcbox::storage {

/// The totals made again from the records and the sums of what was pruned, in temporary tables,
/// beside the live ones. All of it, or one domain ("(none)" for reports without). Use inside one
/// transaction, so that both sides are of one moment.
class RebuiltTotals {
  public:
    /// Makes them. `domain` empty: all.
    RebuiltTotals(Database& database, std::string domain);
    RebuiltTotals(const RebuiltTotals&) = delete;
    RebuiltTotals& operator=(const RebuiltTotals&) = delete;
    ~RebuiltTotals();

    /// One line per table with rows that differ: `source_totals: 3 rows differ, first: ...`.
    [[nodiscard]] std::vector<std::string> differences();
    /// Domains with rows that differ, and those of stale_totals.
    [[nodiscard]] std::vector<std::string> differing_domains();
    /// Puts the rebuilt rows in place of the live ones.
    void replace_live();
    /// Adds the counted reports that were stored since. None may have been taken back.
    void add_newer();
    /// Puts lists, numbers of reporters, first and last times in place of the live ones; sums and
    /// evidence stay, which are exact at any time.
    void replace_presence();
    /// Nothing differs: the domain waits for nothing.
    void not_stale();

  private:
    void compare(std::string_view table,
                 std::string_view what,
                 const std::string& left,
                 const std::string& right,
                 std::vector<std::string>& lines);

    Database& database_;
    std::string domain_;
    std::int64_t newest_ = 0;  ///< aggregate_reports.id of the last that is in
};

/// Makes lists, number of reporters, first and last time again for each domain that lost a counted
/// report (stale_totals). Others write while records are read; a domain that loses another one
/// meanwhile stays noted, for who took it or the next hour. Number of domains. Not on the
/// connection of a MessageStore that writes on: it learns from another connection's writes only
/// that rows went.
std::size_t refresh_stale_totals(Database& database);

/// Between two transactions of a long task: waits until others had their turn at the write lock.
void let_others_write();

}  // namespace dmarcbox::storage
