#include "server/ingest_documents.hpp"

#include <memory>
#include <optional>
#include <utility>

#include "mime/charset.hpp"
#include "mime/sniff.hpp"
#include "schema/aggregate_parser.hpp"
#include "schema/failure_parser.hpp"
#include "schema/scalar_text.hpp"
#include "schema/tls_parser.hpp"
#include "server/ingest_feedback.hpp"

namespace dmarcbox {
namespace {

/// Yahoo and AOL sent the word `unused`, gzipped, instead of a report in May 2023.
constexpr std::string_view kUnused = "unused";
constexpr std::size_t kUnusedMaxSize = 16;

}  // namespace

DocumentReader::DocumentReader(const IngestSettings& settings,
                               const schema::Expired& expired,
                               std::string tls_report_domain,
                               Reading& reading)
    : settings_(settings),
      expired_(expired),
      tls_report_domain_(std::move(tls_report_domain)),
      reading_(reading) {}

void DocumentReader::read_part(mime::Part part) {
    if (part.media_type == "text/html" && !schema::looks_like_aggregate(part.content)) {
        return;
    }
    const TextLabel label{part.media_type.starts_with("text/"), std::move(part.charset)};
    unpack({std::move(part.section), std::move(part.file_name), std::move(part.content)}, label);
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
    mime::decompress(
        std::move(packed), settings_.limits.mime(), expired_,
        [&](mime::Document document) { read(std::move(document), label); }, found);
    reading_.add(found);
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
    auto report = schema::parse_aggregate(std::move(xml), settings_.limits.schema(), expired_);
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
    auto report = schema::parse_tls(json, tls_report_domain_, settings_.limits.schema(), expired_);
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
