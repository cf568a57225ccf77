#include "server/commands/page_table.hpp"

#include <algorithm>
#include <ostream>
#include <vector>

#include "server/terminal.hpp"

namespace dmarcbox {

std::string html(std::string_view stored) {
    return escape_for_html(stored);
}

std::string cell(const std::string& safe) {
    return "<td>" + safe + "</td>";
}

std::string id_cell(const std::string& safe) {
    return "<td class=\"id\">" + safe + "</td>";
}

std::string number_cell(std::int64_t value) {
    return "<td class=\"n\">" + with_commas(value) + "</td>";
}

std::string class_cell(std::string_view word) {
    return word.empty() ? "<td></td>"
                        : "<td><span class=\"class " + std::string(word) + "\">" +
                              std::string(word) + "</span></td>";
}

std::string text_cell(std::string_view stored, bool long_text) {
    return (long_text ? "<td class=\"t long\">" : "<td class=\"t\">") + html(stored) + "</td>";
}

std::string details_of(const SummarySource& source) {
    const SummaryDetails& details = source.details;
    if (details.first_day.empty()) {
        return {};
    }
    std::string text = "<details><summary>More of this source</summary><dl>";
    const auto entry = [&](const char* name, const std::vector<std::string>& values) {
        if (values.empty()) {
            return;
        }
        text += std::string("<dt>") + name + "</dt><dd>";
        for (std::size_t i = 0; i < std::min(values.size(), kDetails); ++i) {
            text += (i == 0 ? "" : ", ") + html(values[i]);
        }
        text += values.size() > kDetails ? " and more</dd>" : "</dd>";
    };
    if (source.sources > 1) {
        entry("Addresses", details.addresses);
    }
    entry("Seen in this period",
          {details.first_day == details.last_day ? details.first_day
                                                 : details.first_day + " to " + details.last_day});
    entry("Reported by", details.reporters);
    entry("From", details.from);
    entry("DKIM signatures of", details.dkim);
    entry("SPF checked for", details.spf);
    entry("Subjects of samples", details.subjects);
    return text + "</dl></details>";
}

PageTable::PageTable(std::ostream& out, std::initializer_list<std::string_view> heads) : out_(out) {
    out_ << R"(<div class="scroll" tabindex="0"><table><thead><tr>)";
    for (auto head : heads) {
        if (head.empty()) {
            continue;
        }
        ++columns_;
        const bool number = head.ends_with('#');
        out_ << (number ? R"(<th scope="col" class="n">)" : "<th scope=\"col\">")
             << (number ? head.substr(0, head.size() - 1) : head) << "</th>";
    }
    out_ << "</tr></thead><tbody>\n";
}

PageTable::~PageTable() {
    out_ << "</tbody></table></div>\n";
}

bool PageTable::row(std::initializer_list<std::string> cells) {
    out_ << "<tr>";
    for (const auto& one : cells) {
        out_ << one;
    }
    out_ << "</tr>\n";
    return ++rows_ < kMostRows;
}

void PageTable::below(const std::string& safe) {
    if (!safe.empty()) {
        out_ << R"(<tr class="below"><td colspan=")" << columns_ << "\">" << safe << "</td></tr>\n";
    }
}

}  // namespace dmarcbox
