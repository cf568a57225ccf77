#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mime/finding.hpp"
#include "schema/finding.hpp"
#include "schema/parse_error.hpp"
#include "schema/report.hpp"

namespace dmarcbox {

/// What was read from one message so far: reports, findings, and why there is no report.
struct Reading {
    std::vector<schema::Report> reports;    ///< in message order
    std::vector<std::string> report_parts;  ///< section (and archive member) of each report
    schema::Findings findings;              ///< of the message
    std::size_t memory = 0;                 ///< bytes that the reports hold
    std::size_t document_bytes = 0;         ///< of the documents parsed
    std::shared_ptr<void> big_message;      ///< what IngestSettings::big_message_gate gave
    bool has_failure_report = false;
    /// Why this is no report, most telling reason first found: `feedback: abuse`, `unused`,
    /// `empty`.
    std::string other_detail;
    schema::Findings unless_report;  ///< see add_unless_report()

    /// Adds a report read from `part`; its findings get that part where they have none.
    void add(schema::Report report, const std::string& part);
    void add(schema::Finding finding, const std::string& part);
    void add(const mime::Findings& found);
    /// A finding that only counts if the message brings no report at all: what else came beside a
    /// report is no deviation of it.
    void add_unless_report(schema::Finding finding, const std::string& part);
    /// A document that gave no report: faults become findings, "something else" does not.
    void add(schema::ParseError error, const std::string& part);

    /// The first fault, or nullptr.
    [[nodiscard]] const schema::Finding* first_fault() const;

    /// Gives findings to the report they are about (the only one, or the one from the same part),
    /// so that view `deviations` can name the reporter, and leaves at most `max` in all: faults
    /// first, the last says how many more.
    void settle_findings(std::size_t max);
};

}  // namespace dmarcbox
