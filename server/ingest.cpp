#include "server/ingest.hpp"

#include <algorithm>
#include <exception>
#include <functional>
#include <map>
#include <new>
#include <optional>
#include <utility>

#include "mime/charset.hpp"
#include "mime/header.hpp"
#include "mime/header_block.hpp"
#include "mime/unpack.hpp"
#include "schema/content_hash.hpp"
#include "schema/date_time.hpp"
#include "schema/finding_list.hpp"
#include "schema/scalar_text.hpp"
#include "server/cpu_budget.hpp"
#include "server/finding_codes.hpp"
#include "server/ingest_documents.hpp"
#include "server/ingest_feedback.hpp"
#include "server/ingest_other.hpp"
#include "server/ingest_reading.hpp"
#include "server/mail_form.hpp"
#include "server/original.hpp"
#include "server/redaction.hpp"
#include "server/reduction.hpp"

namespace dmarcbox {
namespace {

/// Text of the session as a column may hold it: clients send any bytes in HELO.
std::string column_text(const std::string& text) {
    return mime::is_utf8(text) && text.find('\0') == std::string::npos ? text
                                                                       : mime::guess_utf8(text);
}

storage::Receipt make_receipt(const Message& message) {
    storage::Receipt receipt;
    receipt.received_at = message.received_at;
    receipt.source = message.source;
    receipt.peer_ip = column_text(message.peer_ip);
    receipt.helo = column_text(message.helo);
    receipt.tls = message.tls;
    receipt.envelope_from = column_text(message.envelope_from);
    receipt.envelope_to = column_text(message.envelope_to);
    receipt.size = static_cast<std::int64_t>(message.bytes.size());
    receipt.sha256 = schema::sha256(message.bytes);
    return receipt;
}

void fill_from_header(storage::Receipt& receipt, const mime::Header& header) {
    const auto value = [&header](std::string_view name) {
        const mime::Field* field = header.find(name);
        return field == nullptr ? std::string{} : schema::collapse(field->value);
    };
    receipt.header_from = value("from");
    receipt.subject = value("subject");
    receipt.sent_at = schema::parse_mail_date(value("date"));
    std::string id = value("message-id");
    if (id.starts_with('<')) {
        id = id.substr(1, id.find('>', 1) - 1);
    }
    receipt.message_id = std::move(id);
}

/// What attached mails say about TLS reports, by section; those that say nothing are left out.
using AttachedFields = std::map<std::string, TlsFields, std::less<>>;

void add_attached(const mime::Part& mail, const Limits& limits, AttachedFields& attached) {
    TlsFields fields = TlsFields::of(mime::parse_header(mail.content, limits.mime()));
    if (!fields.report_domain.empty() || !fields.report_submitter.empty()) {
        attached.insert_or_assign(mail.section, std::move(fields));
    }
}

/// Of the innermost attached mail around the section.
const TlsFields* find_attached(const AttachedFields& attached, std::string_view section) {
    for (auto dot = section.rfind('.'); !attached.empty() && dot != std::string_view::npos;
         dot = section.rfind('.')) {
        section = section.substr(0, dot);
        if (const auto found = attached.find(section); found != attached.end()) {
            return &found->second;
        }
    }
    return nullptr;
}

/// Reads the parts of a mail in order; what belongs to a feedback report is read with it.
void read_parts(std::vector<mime::Part> parts,
                DocumentReader& documents,
                const IngestSettings& settings,
                const schema::Expired& expired,
                Reading& reading) {
    const auto groups = find_feedback(parts, settings.limits);
    const auto in_sample = [&](const mime::Part& part) {
        return part.sample ||
               std::any_of(groups.begin(), groups.end(), [&](const FeedbackGroup& group) {
                   return group.sample && (&parts[*group.sample] == &part ||
                                           is_below(part.section, parts[*group.sample].section));
               });
    };
    // Asked before any part is moved from.
    std::vector<bool> skip(parts.size());
    AttachedFields attached;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const bool taken_apart =
            i + 1 < parts.size() && is_below(parts[i + 1].section, parts[i].section);
        skip[i] = in_sample(parts[i]) || taken_apart || parts[i].media_type == "message/rfc822" ||
                  parts[i].media_type.starts_with("text/rfc822");
        if (taken_apart && !in_sample(parts[i])) {
            add_attached(parts[i], settings.limits, attached);
        }
    }
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (expired()) {
            reading.add(schema::make_finding(finding::kTime), parts[i].section);
            return;
        }
        const auto group = std::find_if(groups.begin(), groups.end(),
                                        [i](const auto& g) { return g.fields == i; });
        if (group != groups.end()) {
            read_feedback(parts, *group, settings.limits, reading);
        } else if (!skip[i]) {
            const TlsFields* fields = find_attached(attached, parts[i].section);
            documents.read_part(std::move(parts[i]), fields);
        }
    }
}

/// A mail that was a file in an archive: its parts get the archive's section in front.
void read_packed_mail(DocumentReader& outer,
                      mime::Document document,
                      const IngestSettings& settings,
                      const schema::Expired& expired,
                      Reading& reading) {
    auto unpacked = mime::unpack(document.bytes, settings.limits.mime());
    if (!unpacked) {
        reading.add(mime::Findings{std::move(unpacked.error())});
        return;
    }
    reading.add(unpacked->findings);
    for (auto& part : unpacked->parts) {
        part.section = document.part + "/" + part.section;
    }
    document.bytes = {};
    DocumentReader documents(outer, TlsFields::of(unpacked->header));
    read_parts(std::move(unpacked->parts), documents, settings, expired, reading);
}

DocumentReader::ReadMail mail_reader(const IngestSettings& settings,
                                     const schema::Expired& expired,
                                     Reading& reading) {
    return [&](DocumentReader& outer, mime::Document document) {
        read_packed_mail(outer, std::move(document), settings, expired, reading);
    };
}

bool says_dmarc_fail(const mime::Header& header) {
    const mime::Field* field = header.find("authentication-results");
    return field != nullptr &&
           schema::lower_case(field->value).find("dmarc=fail") != std::string::npos;
}

void read_mail(const Message& message,
               const IngestSettings& settings,
               const schema::Expired& expired,
               storage::Receipt& receipt,
               Reading& reading) {
    auto unpacked = mime::unpack(message.bytes, settings.limits.mime());
    if (!unpacked) {
        fill_from_header(receipt, mime::parse_header(message.bytes, settings.limits.mime()));
        reading.add(mime::Findings{std::move(unpacked.error())});
        return;
    }
    fill_from_header(receipt, unpacked->header);
    reading.add(unpacked->header.findings);
    reading.add(unpacked->findings);
    const std::string_view kind = kind_of_other(unpacked->header, unpacked->parts);
    DocumentReader documents(settings, expired, TlsFields::of(unpacked->header), reading,
                             mail_reader(settings, expired, reading));
    read_parts(std::move(unpacked->parts), documents, settings, expired, reading);
    if (reading.other_detail.empty()) {
        reading.other_detail = kind;
    }
    if (!reading.reports.empty() && says_dmarc_fail(unpacked->header)) {
        reading.add(schema::make_finding(finding::kDmarcFail), {});
    }
}

void read_message(const Message& message,
                  const IngestSettings& settings,
                  storage::Receipt& receipt,
                  Reading& reading) {
    const CpuBudget budget(settings.limits.parse_seconds);
    const schema::Expired expired = [&budget] { return budget.spent(); };
    try {
        if (is_bare_file(message)) {
            DocumentReader documents(settings, expired, {}, reading,
                                     mail_reader(settings, expired, reading));
            documents.read_file(message.file_name, std::string(message.bytes));
        } else {
            read_mail(message, settings, expired, receipt, reading);
        }
    } catch (const std::bad_alloc&) {
        reading.add(schema::make_finding(finding::kMemory), {});
    } catch (const std::exception& e) {
        reading.add(schema::make_finding(finding::kInternal, mime::guess_utf8(e.what())), {});
    }
}

void decide_outcome(const Reading& reading, storage::Submission& submission) {
    if (!reading.reports.empty()) {
        submission.outcome = storage::Outcome::report;
        return;
    }
    if (const schema::Finding* fault = reading.first_fault()) {
        submission.outcome = storage::Outcome::unreadable;
        submission.detail = fault->code.code;
        if (!fault->detail.empty()) {
            submission.detail += ": " + fault->detail;
        }
        return;
    }
    submission.outcome = storage::Outcome::other;
    submission.detail = reading.other_detail.empty() ? "no report" : reading.other_detail;
}

/// What [failure_reports] keep says about rows: bodies never get into rows by themselves, except in
/// the canonicalized forms of RFC 6591.
void reduce_rows(storage::Submission& submission, const IngestSettings& settings) {
    std::optional<Redactor> redactor;
    if (settings.keep == FailureKeep::redacted) {
        redactor.emplace(settings.redaction_key);
        submission.receipt.subject = redactor->redact(submission.receipt.subject);
    }
    for (auto& report : submission.reports) {
        auto* failure = std::get_if<schema::FailureReport>(&report);
        if (failure == nullptr) {
            continue;
        }
        if (redactor) {
            redactor->redact(*failure);
            continue;
        }
        for (auto& field : failure->fields) {
            if (holds_canonicalized(field.name, false)) {
                field.value = "(removed)";
                field.raw = " (removed)";
            }
        }
    }
}

}  // namespace

storage::Submission ingest(const Message& message, const IngestSettings& settings) {
    storage::Submission submission;
    submission.session = message.session;
    submission.skip_known_bytes = message.source == "import";
    submission.receipt = make_receipt(message);

    Reading reading;
    read_message(message, settings, submission.receipt, reading);
    reading.settle_findings(settings.limits.max_findings);
    decide_outcome(reading, submission);
    submission.findings = std::move(reading.findings);
    submission.reports = std::move(reading.reports);

    std::optional<std::string> reduced;
    if (reading.has_failure_report && settings.keep != FailureKeep::full) {
        reduced = reduce_original(message, reading.report_parts, settings);
        reduce_rows(submission, settings);
    }
    submission.original = reduced ? make_original(*reduced, schema::sha256(*reduced), true)
                                  : make_original(message.bytes, submission.receipt.sha256, false);
    return submission;
}

}  // namespace dmarcbox
