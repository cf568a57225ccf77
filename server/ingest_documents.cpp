#include "server/ingest_documents.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "mime/charset.hpp"
#include "mime/finding_codes.hpp"
#include "mime/header.hpp"
#include "mime/label.hpp"
#include "schema/aggregate_parser.hpp"
#include "schema/domain_name.hpp"
#include "schema/failure_parser.hpp"
#include "schema/finding_codes_aggregate.hpp"
#include "schema/finding_codes_failure.hpp"
#include "schema/finding_list.hpp"
#include "schema/mailbox_domain.hpp"
#include "schema/scalar_text.hpp"
#include "schema/tls_parser.hpp"
#include "schema/xml_text.hpp"
#include "server/finding_codes.hpp"
#include "server/ingest_feedback.hpp"
#include "server/mail_form.hpp"
#include "server/report_name.hpp"

namespace dmarcbox {
namespace {

/// Yahoo and AOL sent the word `unused`, gzipped, instead of a report in May 2023.
constexpr std::string_view kUnused = "unused";
constexpr std::size_t kUnusedMaxSize = 16;
constexpr std::size_t kShownRoot = 40;  ///< of a root element's name in a finding

/// Name of the first start tag.
std::string_view first_name(std::string_view text) {
    for (std::size_t at = text.find('<'); at + 1 < text.size(); at = text.find('<', at + 1)) {
        const char next = text[at + 1];
        if (next == '?' || next == '!') {
            continue;
        }
        return text.substr(at + 1, schema::name_length(text.substr(at + 1)));
    }
    return {};
}

/// Local name of the first start tag, in lower case.
std::string first_tag(std::string_view text) {
    return schema::lower_case(schema::local_part(first_name(text)));
}

/// Beginnings of HTML; a report may be quoted in it.
constexpr std::array<std::string_view, 12> kHtmlTags{
    "html", "head", "body", "meta", "title", "style", "div", "p", "pre", "span", "table", "br"};

bool is_html_tag(std::string_view tag) {
    return std::find(kHtmlTags.begin(), kHtmlTags.end(), tag) != kHtmlTags.end();
}

bool is_html_text(mime::ContentKind kind, std::string_view text) {
    const std::string tag = first_tag(text);
    return (kind == mime::ContentKind::html && tag != "feedback") ||
           (kind == mime::ContentKind::xml && is_html_tag(tag));
}

/// XML, and no text that begins with an address in angle brackets.
bool is_xml(std::string_view text) {
    text = schema::trim(text);
    const std::string_view name = first_name(text);
    return text.starts_with("<?xml") ||
           (text.starts_with('<') && !name.empty() &&
            text.find("</" + std::string(name)) != std::string_view::npos);
}

/// JSON of one or more objects, and no text that begins with a brace.
bool is_json(std::string_view text) {
    text = schema::trim(text);
    if (text.starts_with('[')) {
        text = schema::trim(text.substr(1));
    }
    return text.starts_with('{') && schema::trim(text.substr(1)).starts_with('"');
}

/// A mail that has more than a text in it: only such a one can be meant by a part of another type.
bool has_parts(std::string_view mail, const mime::Limits& limits) {
    const mime::Header header = mime::parse_header(mail, limits);
    const mime::Field* type = header.find("content-type");
    const std::string value = type == nullptr ? "" : mime::parse_parameterized(type->raw).value;
    return value.starts_with("multipart/") || value.starts_with("application/");
}

/// A file taken out of another (uuencode, TNEF) has no label of its own.
bool has_label(const mime::Part& part) {
    return !part.header.empty() || part.media_type != "application/octet-stream";
}

/// The submitter is the domain of contact-info (RFC 8460 section 5.3).
void check_submitter(schema::TlsReport& report, const std::string& submitter) {
    const std::string contact = schema::mailbox_domain(report.contact_info);
    if (!submitter.empty() && !contact.empty() && schema::normalize_domain(submitter) != contact) {
        report.findings.push_back(schema::make_finding(
            schema::tls::kSubmitterDiffers, submitter + " submits, contact at " + contact));
    }
}

}  // namespace

TlsFields TlsFields::of(const mime::Header& header) {
    const auto value = [&header](std::string_view name) {
        const mime::Field* field = header.find(name);
        return field == nullptr ? std::string{} : std::string(schema::trim(field->value));
    };
    return {value("TLS-Report-Domain"), value("TLS-Report-Submitter")};
}

DocumentReader::DocumentReader(const IngestSettings& settings,
                               const schema::Expired& expired,
                               TlsFields tls,
                               Reading& reading,
                               ReadMail read_mail)
    : settings_(settings),
      expired_(expired),
      tls_(std::move(tls)),
      reading_(reading),
      read_mail_(std::move(read_mail)),
      budget_(std::make_shared<mime::UnpackBudget>(settings.limits.mime())) {}

DocumentReader::DocumentReader(const DocumentReader& outer, TlsFields tls)
    : settings_(outer.settings_),
      expired_(outer.expired_),
      tls_(std::move(tls)),
      reading_(outer.reading_),
      budget_(outer.budget_) {}

void DocumentReader::read_part(mime::Part part, const TlsFields* attached) {
    attached_ = attached;
    const mime::ContentKind content = mime::sniff(part.content);
    if (part.media_type == "text/html" && is_html_text(content, part.content)) {
        return;  // for people, whatever stands in it
    }
    if (part.content.empty() && part.file_name.empty() && part.media_type.starts_with("text/")) {
        return;  // Microsoft sends an empty text beside the report: nothing is missing
    }
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
            if (is_mail(document.bytes, settings_.limits.mime()) &&
                (archive || has_parts(document.bytes, settings_.limits.mime()))) {
                read_packed_mail(std::move(document), archive);
            } else {
                read(std::move(document), label);
            }
        },
        found);
    reading_.add(found);
}

void DocumentReader::read_packed_mail(mime::Document document, bool archive) {
    if (is_mbox(document.bytes)) {
        reading_.add(schema::make_finding(finding::kMailsNotRead, "mbox"), document.part);
    } else if (!read_mail_) {
        reading_.add(schema::make_finding(finding::kMailsNotRead,
                                          archive ? "archive in archive" : "mail in mail"),
                     document.part);
    } else {
        reading_.add(schema::make_finding(archive ? finding::kMailInArchive : finding::kMailAsFile),
                     document.part);
        read_mail_(*this, std::move(document));
    }
}

void DocumentReader::read(mime::Document document, const TextLabel& label) {
    switch (mime::sniff(document.bytes)) {
        case mime::ContentKind::xml:
        case mime::ContentKind::html:
            read_xml(std::move(document), label.charset);
            return;
        case mime::ContentKind::json:
            read_json(std::move(document), label.charset);
            return;
        case mime::ContentKind::other:
            if (label.is_text && schema::looks_like_aggregate(document.bytes)) {
                read_xml(std::move(document), label.charset);  // behind a long text
            } else {
                read_text(document, label);
            }
            return;
        case mime::ContentKind::empty:
        case mime::ContentKind::gzip:  // decompress() told already what is wrong with these two
        case mime::ContentKind::zip:
            return;
    }
}

void DocumentReader::read_xml(mime::Document document, const std::string& charset) {
    mime::Findings found;
    std::string xml =
        mime::document_to_utf8(std::move(document.bytes), document.part, found, charset);
    if (!schema::looks_like_aggregate(xml)) {
        if (is_xml(xml) && !is_html_tag(first_tag(xml))) {
            const auto root = schema::cut_text(first_name(xml), kShownRoot);
            reading_.add_unless_report(schema::make_finding(schema::xml::kNoReport, root),
                                       document.part);
        }
        read_text({document.part, document.name, std::move(xml)}, {true, "utf-8"});
        return;
    }
    enter_gate(xml.size());
    const auto read_one = [this](std::string text) {
        return schema::parse_aggregate(std::move(text), limits_left(), expired_);
    };
    if (!read_several(schema::split_aggregates(xml), read_one, document.part,
                      schema::xml::kSeveralReports, found)) {
        add(read_one(std::move(xml)), document.part, found);
    }
}

void DocumentReader::read_json(mime::Document document, const std::string& charset) {
    mime::Findings found;
    const std::string json =
        mime::document_to_utf8(std::move(document.bytes), document.part, found, charset);
    if (!schema::looks_like_tls(json)) {
        if (is_json(json)) {
            reading_.add_unless_report(schema::make_finding(schema::tls::kNoReport), document.part);
        }
        return;
    }
    enter_gate(json.size());
    const TlsFields& tls = attached_ == nullptr ? tls_ : *attached_;
    const auto read_one = [&](std::string_view text) {
        auto report = schema::parse_tls(text, tls.report_domain, limits_left(), expired_);
        if (report) {
            check_submitter(*report, tls.report_submitter);
        }
        return report;
    };
    if (!read_several(schema::split_tls(json), read_one, document.part,
                      schema::tls::kSeveralReports, found)) {
        add(read_one(json), document.part, found);
    }
}

void DocumentReader::enter_gate(std::size_t document_bytes) {
    reading_.document_bytes += document_bytes;
    if (reading_.document_bytes > settings_.limits.big_document_bytes && !reading_.big_message &&
        settings_.big_message_gate) {
        reading_.big_message = settings_.big_message_gate();
    }
}

template <class Parsed>
void DocumentReader::add(Parsed report, const std::string& part, const mime::Findings& found) {
    if (report || report.error().kind != schema::ParseError::Kind::no_report) {
        reading_.add(found);
    }
    if (report) {
        reading_.add(std::move(*report), part);
    } else {
        reading_.add(std::move(report.error()), part);
    }
}

template <class ReadOne>
bool DocumentReader::read_several(const std::vector<std::string_view>& pieces,
                                  const ReadOne& read_one,
                                  const std::string& part,
                                  const schema::FindingCode& several,
                                  const mime::Findings& found) {
    if (pieces.empty()) {
        return false;
    }
    auto first = read_one(std::string(pieces.front()));
    if (!first) {
        return false;
    }
    add(std::move(first), part, found);
    for (std::size_t i = 1; i < pieces.size(); ++i) {
        add(read_one(std::string(pieces[i])), part, {});
    }
    reading_.add(schema::make_finding(several, std::to_string(pieces.size())), part);
    return true;
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
