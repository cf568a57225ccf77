#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <string>
#include <string_view>

#include "server/commands/summary_facts.hpp"

namespace dmarcbox {

/// Rows of one table of the page; for more there is SQL.
constexpr std::size_t kMostRows = 500;

/// Stored text, safe in HTML.
[[nodiscard]] std::string html(std::string_view stored);

// Cells of a row: `<td>` and what it holds. Stored text is escaped; `safe` is HTML already.
[[nodiscard]] std::string cell(const std::string& safe);
[[nodiscard]] std::string id_cell(const std::string& safe);
[[nodiscard]] std::string number_cell(std::int64_t value);
[[nodiscard]] std::string class_cell(std::string_view word);
/// Stored text may be long: it breaks within its column.
[[nodiscard]] std::string text_cell(std::string_view stored, bool long_text = false);
/// What else is known of a source, to be opened; empty if nothing is.
[[nodiscard]] std::string details_of(const SummarySource& source);

/// A table in a box that scrolls; heads that end with `#` are of numbers. Where a head is empty
/// there is no column; its cells are empty strings.
class PageTable {
  public:
    PageTable(std::ostream& out, std::initializer_list<std::string_view> heads);
    PageTable(const PageTable&) = delete;
    PageTable& operator=(const PageTable&) = delete;
    ~PageTable();
    /// False: there are kMostRows.
    bool row(std::initializer_list<std::string> cells);
    /// Below the last row, over all columns; `safe` is HTML, nothing is written if it is empty.
    void below(const std::string& safe);

  private:
    std::ostream& out_;
    std::size_t columns_ = 0;
    std::size_t rows_ = 0;
};

}  // namespace dmarcbox
