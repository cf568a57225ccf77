#include "server/redaction.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cstdint>
#include <stdexcept>
#include <utility>

#include "schema/finding_list.hpp"
#include "schema/scalar_text.hpp"

namespace dmarcbox {
namespace {

constexpr std::string_view kTokenPrefix = "redacted-";
constexpr std::size_t kTokenDigits = 16;
constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kRemoved = "(removed)";

bool is_local_part_byte(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z') ||
           std::string_view("!#$%&'*+-/=?^_`{|}~.").find(c) != std::string_view::npos;
}

bool starts_domain(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z') || c == '[' || c == '_';
}

/// Words that Authentication-Results, Received-SPF and DKIM-Signature write before an address, with
/// an `=` that RFC 5321 also allows inside a local part.
constexpr std::array<std::string_view, 14> kKeys{"smtp.mailfrom",
                                                 "smtp.mail",
                                                 "smtp.rcptto",
                                                 "smtp.auth",
                                                 "smtp.helo",
                                                 "header.from",
                                                 "header.i",
                                                 "header.sender",
                                                 "header.reply-to",
                                                 "envelope-from",
                                                 "mailfrom",
                                                 "identity",
                                                 "i",
                                                 "h.i"};

/// Bytes at the start of `local` that are no part of the address.
std::size_t key_length(std::string_view local) {
    const std::size_t equals = local.find('=');
    if (equals == std::string_view::npos) {
        return 0;
    }
    for (const auto key : kKeys) {
        if (schema::equal_ignoring_case(local.substr(0, equals), key)) {
            return equals + 1;
        }
    }
    return 0;
}

bool is_token(std::string_view local) {
    return local.size() == kTokenPrefix.size() + kTokenDigits && local.starts_with(kTokenPrefix) &&
           local.find_first_not_of("0123456789abcdef", kTokenPrefix.size()) ==
               std::string_view::npos;
}

/// Start of the local part that ends before `at`; `at` itself if there is none.
std::size_t local_part_start(std::string_view text, std::size_t floor, std::size_t at) {
    if (at > floor && text[at - 1] == '"') {
        const std::size_t open = at - 1 > floor ? text.rfind('"', at - 2) : std::string_view::npos;
        return open != std::string_view::npos && open >= floor ? open : at;
    }
    std::size_t start = at;
    while (start > floor && is_local_part_byte(text[start - 1])) {
        --start;
    }
    return start + key_length(text.substr(start, at - start));
}

/// Length of `@` or of its form in URLs (`%40`) and in quoted-printable (`=40`) at `position`, or
/// 0.
std::size_t at_sign(std::string_view text, std::size_t position) {
    if (text[position] == '@') {
        return 1;
    }
    const std::string_view rest = text.substr(position, 3);
    return rest == "%40" || rest == "=40" ? 3 : 0;
}

}  // namespace

Redactor::Redactor(std::string key) : key_(std::move(key)) {
    if (key_.empty()) {
        throw std::invalid_argument("redaction needs a key");
    }
}

std::string Redactor::token(std::string_view local_part) const {
    const std::string lower = schema::lower_case(local_part);
    std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
    unsigned int size = 0;
    if (HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
             reinterpret_cast<const unsigned char*>(lower.data()), lower.size(), mac.data(),
             &size) == nullptr) {
        throw std::runtime_error("HMAC failed");
    }
    std::string token(kTokenPrefix);
    for (std::size_t i = 0; i < kTokenDigits / 2; ++i) {
        token += kHex[mac[i] >> 4U];
        token += kHex[mac[i] & 15U];
    }
    return token;
}

std::string Redactor::redact(std::string_view text) const {
    std::string out;
    std::size_t copied = 0;  // text before it is in `out`
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::size_t length = at_sign(text, i);
        // `%40` and `=40` are other things too, unless a domain follows.
        if (length == 0 ||
            (length > 1 && (i + length >= text.size() || !starts_domain(text[i + length])))) {
            continue;
        }
        const std::size_t start = local_part_start(text, copied, i);
        const std::string_view local = text.substr(start, i - start);
        out += text.substr(copied, start - copied);
        out += local.empty() || is_token(local) ? std::string(local) : token(local);
        out += text.substr(i, length);
        copied = i + length;
        i = copied - 1;
    }
    out += text.substr(copied);
    return out;
}

void Redactor::redact(schema::HeaderField& field) const {
    if (holds_canonicalized(field.name, true)) {
        field.value = kRemoved;
        field.raw = " " + std::string(kRemoved);
        return;
    }
    field.value = redact(field.value);
    const bool encoded = field.raw.find("=?") != std::string::npos ||
                         field.raw.find('\x1b') != std::string::npos;  // RFC 2047, ISO 2022
    field.raw = encoded ? " " + field.value : redact(field.raw);
}

void Redactor::redact(schema::FailureReport& report) const {
    for (std::string* text :
         {&report.auth_failure, &report.delivery_result, &report.identity_alignment,
          &report.reporting_mta, &report.original_mail_from, &report.original_rcpt_to,
          &report.dkim_identity, &report.authentication_results, &report.user_agent,
          &report.sample_from, &report.sample_to, &report.sample_subject,
          &report.sample_message_id}) {
        *text = redact(*text);
    }
    for (auto* fields : {&report.fields, &report.headers}) {
        for (auto& field : *fields) {
            redact(field);
        }
    }
    for (auto& finding : report.findings) {
        // A token may be longer than what it stands for.
        finding.detail = schema::make_finding(finding.code, redact(finding.detail)).detail;
    }
}

bool holds_canonicalized(std::string_view field_name, bool header) {
    return schema::equal_ignoring_case(field_name, "DKIM-Canonicalized-Body") ||
           (header && schema::equal_ignoring_case(field_name, "DKIM-Canonicalized-Header"));
}

}  // namespace dmarcbox
