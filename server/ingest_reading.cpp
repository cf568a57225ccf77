#include "server/ingest_reading.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "schema/finding_codes_failure.hpp"
#include "schema/finding_list.hpp"
#include "server/finding_codes.hpp"
#include "storage/submission.hpp"

namespace dmarcbox {
namespace {

schema::Findings& findings_of(schema::Report& report) {
    return std::visit([](auto& r) -> schema::Findings& { return r.findings; }, report);
}

/// The section before the archive member: "2" of "2/report.xml".
std::string_view section_of(std::string_view part) {
    return part.substr(0, part.find('/'));
}

}  // namespace

void Reading::add(schema::Report report, const std::string& part) {
    for (auto& finding : findings_of(report)) {
        if (finding.part.empty()) {
            finding.part = part;
        }
    }
    const bool is_failure = std::holds_alternative<schema::FailureReport>(report);
    memory += storage::memory_of(report);
    report_parts.push_back(part);
    try {
        reports.push_back(std::move(report));
    } catch (...) {  // memory ended: the two lists stay of one length
        report_parts.pop_back();
        throw;
    }
    has_failure_report |= is_failure;  // not before: it says that the original can be reduced
}

void Reading::add(schema::Finding finding, const std::string& part) {
    if (finding.part.empty()) {
        finding.part = part;
    }
    findings.push_back(std::move(finding));
}

void Reading::add_unless_report(schema::Finding finding, const std::string& part) {
    finding.part = part;
    unless_report.push_back(std::move(finding));
}

void Reading::add(const mime::Findings& found) {
    std::transform(found.begin(), found.end(), std::back_inserter(findings), [](const auto& f) {
        return schema::Finding{{f.code.code, f.code.stage, f.code.fault}, f.part, f.detail};
    });
}

void Reading::add(schema::ParseError error, const std::string& part) {
    if (error.kind == schema::ParseError::Kind::no_report) {
        if (error.finding.code.code == schema::failure::kFeedback.code) {
            other_detail = "feedback: " + error.finding.detail;
        }
    } else {
        error.finding.code.fault = true;
    }
    add(std::move(error.finding), part);
}

const schema::Finding* Reading::first_fault() const {
    const auto found =
        std::find_if(findings.begin(), findings.end(), [](const auto& f) { return f.code.fault; });
    return found == findings.end() ? nullptr : &*found;
}

void Reading::settle_findings(std::size_t max) {
    if (reports.empty()) {
        std::move(unless_report.begin(), unless_report.end(), std::back_inserter(findings));
    }
    // A finding belongs to the report of its document, else to the first of its section.
    std::unordered_map<std::string_view, std::size_t> owners;
    for (std::size_t i = 0; i < reports.size(); ++i) {
        owners.try_emplace(report_parts[i], i);
        if (const auto section = section_of(report_parts[i]); !section.empty()) {
            owners.try_emplace(section, i);
        }
    }
    schema::Findings kept;
    for (auto& finding : findings) {
        const auto owner = owners.find(finding.part);
        if (finding.code.fault || (reports.size() != 1 && owner == owners.end())) {
            kept.push_back(std::move(finding));
        } else {
            findings_of(reports[reports.size() == 1 ? 0 : owner->second])
                .push_back(std::move(finding));
        }
    }
    findings = std::move(kept);

    std::size_t total = findings.size();
    for (auto& report : reports) {
        total += findings_of(report).size();
    }
    if (total <= max) {
        return;
    }
    std::size_t room = max > 0 ? max - 1 : 0;  // one is for more_findings
    std::stable_partition(findings.begin(), findings.end(),
                          [](const auto& f) { return f.code.fault; });
    const auto shorten = [&room](schema::Findings& list) {
        const std::size_t keep = std::min(room, list.size());
        list.erase(list.begin() + static_cast<std::ptrdiff_t>(keep), list.end());
        room -= keep;
    };
    const std::size_t left_out = total - room;
    shorten(findings);
    for (auto& report : reports) {
        shorten(findings_of(report));
    }
    findings.push_back(
        schema::make_finding(finding::kMoreFindings, std::to_string(left_out) + " more"));
}

}  // namespace dmarcbox
