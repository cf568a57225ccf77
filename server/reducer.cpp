#include "server/reducer.hpp"

#include <openssl/evp.h>
#include <zlib.h>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

#include "mime/charset.hpp"
#include "mime/header.hpp"
#include "mime/sniff.hpp"
#include "mime/unpack_budget.hpp"
#include "schema/aggregate_parser.hpp"
#include "schema/failure_parser.hpp"
#include "schema/scalar_text.hpp"
#include "server/ingest_feedback.hpp"
#include "server/mail_form.hpp"

namespace dmarcbox {
namespace {

constexpr std::string_view kEol = "\r\n";
/// 76 characters of base64 (RFC 2045 section 6.8).
constexpr std::size_t kBytesPerLine = 57;
/// zlib: the largest window, and 16 for a gzip header.
constexpr int kGzipWindow = 15 + 16;

std::string gzip(std::string_view bytes) {
    z_stream stream{};
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, 8,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        throw std::bad_alloc();
    }
    std::string out(deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
    // zlib does not write through next_in; its type is const only with ZLIB_CONST.
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    const bool whole = bytes.size() <= std::numeric_limits<uInt>::max() &&
                       deflate(&stream, Z_FINISH) == Z_STREAM_END;
    out.resize(stream.total_out);
    deflateEnd(&stream);
    if (!whole) {
        throw std::runtime_error("deflate failed");
    }
    return out;
}

bool is_archive(mime::ContentKind kind) {
    return kind == mime::ContentKind::gzip || kind == mime::ContentKind::zip;
}

/// A name that needs no quoting in a header.
std::string plain_name(std::string_view name) {
    std::string out;
    for (const char c : name.substr(name.find_last_of('/') + 1)) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' || c == '!';
        out += plain ? c : '_';
    }
    return out.substr(0, 200);
}

}  // namespace

std::string base64_lines(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size() / 3 * 4 + bytes.size() / kBytesPerLine * 2 + 8);
    for (std::size_t i = 0; i < bytes.size(); i += kBytesPerLine) {
        const std::string_view line = bytes.substr(i, kBytesPerLine);
        std::string encoded(80, '\0');
        const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                                           reinterpret_cast<const unsigned char*>(line.data()),
                                           static_cast<int>(line.size()));
        out.append(encoded, 0, static_cast<std::size_t>(length));
        out += kEol;
    }
    return out;
}

std::string gzip_part(std::string_view name, std::string_view bytes) {
    return "Content-Type: application/gzip\r\nContent-Disposition: attachment; filename=\"" +
           plain_name(name) + ".gz\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
           base64_lines(gzip(bytes));
}

bool Reducer::holds_report(const std::string& section) const {
    return std::any_of(report_parts_.begin(), report_parts_.end(), [&](const std::string& part) {
        return part.starts_with(section) &&
               (part.size() == section.size() || part[section.size()] == '.' ||
                part[section.size()] == '/');
    });
}

bool Reducer::is_form(std::string_view text, const std::string& section) const {
    return holds_report(section) && !schema::looks_like_aggregate(text) &&
           schema::find_plain_failure(text);
}

std::optional<std::string> Reducer::text_form(std::string_view text) const {
    const auto form = schema::find_plain_failure(text);
    const bool has_copy = form && form->copy_begin != std::string_view::npos;
    if (redactor_ != nullptr) {
        const std::string_view front = text.substr(0, has_copy ? form->copy_begin : text.size());
        return redactor_->redact(front) + (has_copy ? header_text(form->headers_text) : "");
    }
    if (!has_copy || schema::trim(text.substr(form->copy_end)).empty()) {
        return std::nullopt;
    }
    return std::string(text.substr(0, form->copy_end));
}

std::string Reducer::header_text(std::string_view block) const {
    return field_lines(mime::parse_header(block, limits_.mime()));
}

std::string Reducer::field_lines(mime::Header header) const {
    std::string out;
    for (auto& field : header.fields) {
        schema::HeaderField copy{std::move(field.name), std::move(field.value),
                                 std::move(field.raw)};
        if (redactor_ != nullptr) {
            redactor_->redact(copy);
        } else if (holds_canonicalized(copy.name, false)) {
            copy.raw = " (removed)";
        }
        out.append(copy.name).append(":").append(copy.raw).append(kEol);
    }
    return out;
}

std::optional<std::string> Reducer::document(const mime::Document& document) const {
    const mime::ContentKind kind = mime::sniff(document.bytes);
    if (is_mail(document.bytes, limits_.mime()) && !is_mbox(document.bytes)) {
        // Without a report it is the reported mail, as beside the fields.
        return holds_report(document.part) ? mail(document.bytes, document.part + "/")
                                           : reported_header(document.bytes);
    }
    const std::string text = mime::guess_utf8(document.bytes);
    return kind == mime::ContentKind::other || is_form(text, document.part) ? text_form(text)
                                                                            : std::nullopt;
}

std::optional<std::string> Reducer::reported_header(std::string_view mail) const {
    const std::string_view header = sample_header(mail, limits_);
    if (redactor_ != nullptr) {
        return header_text(header);
    }
    const auto body = static_cast<std::size_t>(header.data() + header.size() - mail.data());
    return schema::trim(mail.substr(body)).empty() ? std::nullopt
                                                   : std::optional(std::string(header));
}

std::optional<std::vector<mime::Document>> Reducer::archive(std::string bytes,
                                                            std::string section) const {
    std::vector<mime::Document> files;
    bool changed = false;
    mime::Findings ignored;  // they were told when the message was read
    mime::decompress(
        {std::move(section), {}, std::move(bytes)}, limits_.mime(), {},
        [&](mime::Document file) {
            if (auto reduced = document(file)) {
                file.bytes = std::move(*reduced);
                changed = true;
            }
            files.push_back(std::move(file));
        },
        ignored);
    return changed ? std::optional(std::move(files)) : std::nullopt;
}

std::optional<std::string> Reducer::file(std::string_view bytes) const {
    const mime::ContentKind kind = mime::sniff(bytes);
    if (!is_archive(kind)) {
        const std::string text = mime::guess_utf8(bytes);
        return kind == mime::ContentKind::other || is_form(text, {}) ? text_form(text)
                                                                     : std::nullopt;
    }
    const auto files = archive(std::string(bytes), {});
    if (!files) {
        return std::nullopt;
    }
    if (files->size() == 1) {
        return gzip(files->front().bytes);
    }
    constexpr std::string_view kBoundary = "dmarcbox-files-of-an-archive";  // no base64 has a `-`
    std::string out = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"";
    out.append(kBoundary).append("\"\r\n\r\n");
    for (const auto& file : *files) {
        out.append("--").append(kBoundary).append(kEol);
        out += gzip_part(file.name, file.bytes);
    }
    return out.append("--").append(kBoundary).append("--\r\n");
}

}  // namespace dmarcbox
