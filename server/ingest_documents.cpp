#include "server/ingest_documents.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "mime/charset.hpp"
#include "mime/finding_codes.hpp"
#include "mime/header.hpp"
#include "mime/label.hpp"
#include "schema/aggregate_parser.hpp"
#include "schema/failure_parser.hpp"
#include "schema/finding_list.hpp"
#include "schema/scalar_text.hpp"
#include "schema/tls_parser.hpp"
#include "schema/xml_text.hpp"
#include "server/finding_codes.hpp"
#include "server/ingest_feedback.hpp"
#include "server/report_name.hpp"

namespace dmarcbox {
namespace {

/// Yahoo and AOL sent the word `unused`, gzipped, instead of a report in May 2023.
constexpr std::string_view kUnused = "unused";
constexpr std::size_t kUnusedMaxSize = 16;

/// True if the first start tag is `feedback`, whatever its prefix.
bool has_feedback_root(std::string_view text) {
    for (std::size_t at = text.find('<'); at + 1 < text.size(); at = text.find('<', at + 1)) {
        const char next = text[at + 1];
        if (next == '?' || next == '!') {
            continue;
        }
        const auto name = text.substr(at + 1, schema::name_length(text.substr(at + 1)));
        return schema::local_part(name) == "feedback";
    }
    return false;
}

/// A mail, and no text that happens to begin with a word and a colon.
bool is_mail(std::string_view bytes, const mime::Limits& limits) {
    if (!mime::looks_like_message(bytes)) {
        return false;
    }
    const mime::Header header = mime::parse_header(bytes, limits);
    const auto has = [&](std::string_view name) { return header.find(name) != nullptr; };
    return has("From") && (has("Date") || has("Received") || has("MIME-Version") ||
                           has("Message-ID") || has("Subject"));
}

/// An mbox of more than one mail.
bool is_mbox(std::string_view bytes) {
    return bytes.starts_with("From ") && (bytes.find("\n\nFrom ") != std::string_view::npos ||
                                          bytes.find("\r\n\r\nFrom ") != std::string_view::npos);
}

/// A file taken out of another (uuencode, TNEF) has no label of its own.
bool has_label(const mime::Part& part) {
    return !part.header.empty() || part.media_type != "application/octet-stream";
}

}  // namespace

DocumentReader::DocumentReader(const IngestSettings& settings,
                               const schema::Expired& expired,
                               std::string tls_report_domain,
                               Reading& reading,
                               ReadMail read_mail)
    : settings_(settings),
      expired_(expired),
      tls_report_domain_(std::move(tls_report_domain)),
      reading_(reading),
      read_mail_(std::move(read_mail)),
      budget_(std::make_shared<mime::UnpackBudget>(settings.limits.mime())) {}

DocumentReader::DocumentReader(const DocumentReader& outer, std::string tls_report_domain)
    : settings_(outer.settings_),
      expired_(outer.expired_),
      tls_report_domain_(std::move(tls_report_domain)),
      reading_(outer.reading_),
      budget_(outer.budget_) {}

void DocumentReader::read_part(mime::Part part) {
    if (part.media_type == "text/html" && !has_feedback_root(part.content)) {
        return;
    }
    if (part.content.empty() && part.file_name.empty() && part.media_type.starts_with("text/")) {
        return;  // Microsoft sends an empty text beside the report: nothing is missing
    }
    const mime::ContentKind content = mime::sniff(part.content);
    const std::size_t first_report = reading_.reports.size();
    const TextLabel label{part.media_type.starts_with("text/"), std::move(part.charset)};
    unpack({part.section, part.file_name, std::move(part.content)}, label);
    if (reading_.reports.size() > first_report && has_label(part)) {
        check_label(part, content, first_report);
    }
}

/// Asked only where there is a report: nothing was tolerated in mail that holds none.
void DocumentReader::check_label(const mime::Part& part,
                                 mime::ContentKind content,
                                 std::size_t first_report) {
    const schema::Report& first = reading_.reports[first_report];
    mime::Findings found;
    if (const auto* report = std::get_if<schema::AggregateReport>(&first)) {
        mime::check_label(part, content, mime::ReportKind::aggregate, found);
        if (reading_.reports.size() == first_report + 1 && !part.file_name.empty() &&
            !is_report_name(part.file_name, *report)) {
            reading_.add(schema::make_finding(finding::kOddFileName, part.file_name), part.section);
        }
    } else if (std::holds_alternative<schema::TlsReport>(first)) {
        mime::check_label(part, content, mime::ReportKind::tls, found);
        if (part.report_type != "tlsrpt") {
            mime::add_finding(found, mime::kNotMultipartReport, part.section, part.report_type);
        }
    }
    reading_.add(found);
}

void DocumentReader::read_file(std::string name, std::string bytes) {
    if (bytes.empty()) {
        reading_.other_detail = "empty";
        return;
    }
    unpack({{}, std::move(name), std::move(bytes)}, {true, {}});
}

void DocumentReader::unpack(mime::Document packed, const TextLabel& label) {
    mime::Findings found;
    const mime::ContentKind outside = mime::sniff(packed.bytes);
    const bool archive = outside == mime::ContentKind::gzip || outside == mime::ContentKind::zip;
    mime::decompress(
        std::move(packed), settings_.limits.mime(), expired_, *budget_,
        [&](mime::Document document) {
            if (archive && is_mail(document.bytes, settings_.limits.mime())) {
                read_packed_mail(std::move(document));
            } else {
                read(std::move(document), label);
            }
        },
        found);
    reading_.add(found);
}

void DocumentReader::read_packed_mail(mime::Document document) {
    if (is_mbox(document.bytes)) {
        reading_.add(schema::make_finding(finding::kMailsNotRead, "mbox"), document.part);
    } else if (!read_mail_) {
        reading_.add(schema::make_finding(finding::kMailsNotRead, "archive in archive"),
                     document.part);
    } else {
        reading_.add(schema::make_finding(finding::kMailInArchive), document.part);
        read_mail_(*this, std::move(document));
    }
}

void DocumentReader::read(mime::Document document, const TextLabel& label) {
    switch (mime::sniff(document.bytes)) {
        case mime::ContentKind::xml:
        case mime::ContentKind::html:
            read_xml(std::move(document));
            return;
        case mime::ContentKind::json:
            read_json(std::move(document));
            return;
        case mime::ContentKind::other:
            read_text(document, label);
            return;
        case mime::ContentKind::empty:
        case mime::ContentKind::gzip:  // decompress() told already what is wrong with these two
        case mime::ContentKind::zip:
            return;
    }
}

void DocumentReader::read_xml(mime::Document document) {
    mime::Findings found;
    std::string xml = mime::document_to_utf8(std::move(document.bytes), document.part, found);
    if (!schema::looks_like_aggregate(xml)) {
        read_text({document.part, document.name, std::move(xml)}, {true, "utf-8"});
        return;
    }
    std::shared_ptr<void> gate;
    if (xml.size() > settings_.limits.big_document_bytes && settings_.big_document_gate) {
        gate = settings_.big_document_gate();
    }
    auto report = schema::parse_aggregate(std::move(xml), limits_left(), expired_);
    if (report) {
        reading_.add(found);
        reading_.add(std::move(*report), document.part);
    } else {
        if (report.error().kind != schema::ParseError::Kind::no_report) {
            reading_.add(found);
        }
        reading_.add(std::move(report.error()), document.part);
    }
}

void DocumentReader::read_json(mime::Document document) {
    mime::Findings found;
    const std::string json =
        mime::document_to_utf8(std::move(document.bytes), document.part, found);
    if (!schema::looks_like_tls(json)) {
        return;
    }
    std::shared_ptr<void> gate;
    if (json.size() > settings_.limits.big_document_bytes && settings_.big_document_gate) {
        gate = settings_.big_document_gate();
    }
    auto report = schema::parse_tls(json, tls_report_domain_, limits_left(), expired_);
    if (report) {
        reading_.add(found);
        reading_.add(std::move(*report), document.part);
    } else {
        if (report.error().kind != schema::ParseError::Kind::no_report) {
            reading_.add(found);
        }
        reading_.add(std::move(report.error()), document.part);
    }
}

/// Reports read before from the same message stay in memory beside the next tree.
schema::Limits DocumentReader::limits_left() const {
    schema::Limits limits = settings_.limits.schema();
    limits.max_parse_bytes -= std::min(limits.max_parse_bytes, reading_.memory);
    return limits;
}

void DocumentReader::read_text(const mime::Document& document, const TextLabel& label) {
    if (document.bytes.size() <= kUnusedMaxSize && schema::trim(document.bytes) == kUnused) {
        reading_.other_detail = kUnused;
        return;
    }
    if (!label.is_text) {
        return;
    }
    // ASCII labels are put on any 8-bit text: its bytes tell more.
    std::optional<std::string> converted;
    if (!label.charset.empty() && label.charset != "us-ascii" && label.charset != "ascii") {
        converted = mime::to_utf8(document.bytes, label.charset);
    }
    const std::string text = converted ? std::move(*converted) : mime::guess_utf8(document.bytes);
    if (auto plain = schema::find_plain_failure(text)) {
        read_plain_failure(std::move(*plain), text, document.part, settings_.limits, reading_);
    }
}

}  // namespace dmarcbox
