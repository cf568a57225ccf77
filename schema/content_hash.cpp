#include "schema/content_hash.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace dmarcbox::schema {
namespace {

struct FreeContext {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

class Sha256 {
  public:
    Sha256() : context_(EVP_MD_CTX_new()) {
        if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) {
            throw std::runtime_error("OpenSSL offers no SHA-256");
        }
    }
    void add(std::string_view bytes) {
        if (EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1) {
            throw std::runtime_error("OpenSSL failed in SHA-256");
        }
    }
    Digest finish() {
        Digest digest{};
        if (EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) != 1) {
            throw std::runtime_error("OpenSSL failed in SHA-256");
        }
        return digest;
    }

  private:
    std::unique_ptr<EVP_MD_CTX, FreeContext> context_;
};

// The definition, which must never change, since hashes are stored: every value is preceded by its
// length in 4 bytes, most significant first; an absent value is an empty one; a number is its
// decimal text; a list is the number of its entries, then the entries as values, sorted bytewise.
// Hashed are the name of the format, the identity, what was published, and the list of records.
constexpr std::string_view kAggregateFormat = "dmarcbox aggregate 1";
constexpr std::string_view kTlsFormat = "dmarcbox tls 1";

void put_length(std::string& out, std::size_t length) {
    for (const unsigned shift : {24U, 16U, 8U, 0U}) {
        out += static_cast<char>((length >> shift) & 0xffU);
    }
}

void put(std::string& out, std::string_view value) {
    put_length(out, value.size());
    out += value;
}

void put(std::string& out, std::int64_t value) {
    put(out, std::string_view(std::to_string(value)));
}

void put(std::string& out, const std::optional<std::int64_t>& value) {
    put(out, value ? std::to_string(*value) : std::string());
}

/// Serialisations one behind the other, handed out sorted. One buffer instead of a string each: a
/// large report has 100,000 of them.
class SortedList {
  public:
    explicit SortedList(std::size_t size) { entries_.reserve(size); }

    /// Where the next entry is to be appended; end() closes it.
    std::string& next() { return text_; }
    void end() {
        const std::string_view rest = std::string_view(text_).substr(begin_);
        std::uint64_t head = 0;
        for (std::size_t i = 0; i < sizeof(head); ++i) {
            head = head << 8U | (i < rest.size() ? static_cast<unsigned char>(rest[i]) : 0U);
        }
        entries_.push_back({head, begin_, rest.size()});
        begin_ = text_.size();
    }
    template <class Use>
    void for_each(Use use) {
        const std::string_view text = text_;
        std::sort(entries_.begin(), entries_.end(), [text](const Entry& a, const Entry& b) {
            return a.head != b.head ? a.head < b.head
                                    : text.substr(a.begin, a.size) < text.substr(b.begin, b.size);
        });
        for (const auto& entry : entries_) {
            use(text.substr(entry.begin, entry.size));
        }
    }
    [[nodiscard]] std::size_t size() const { return entries_.size(); }

  private:
    struct Entry {
        std::uint64_t head;  ///< first bytes: most comparisons end here
        std::size_t begin;
        std::size_t size;
    };
    std::string text_;
    std::size_t begin_ = 0;
    std::vector<Entry> entries_;
};

template <class Range, class Put>
void put_sorted(std::string& out, const Range& range, Put put_entry) {
    put(out, static_cast<std::int64_t>(range.size()));
    if (range.size() == 1) {  // nearly always
        const std::size_t begin = out.size();
        put_length(out, 0);
        const std::size_t value = out.size();
        put_entry(out, range.front());
        std::string length;
        put_length(length, out.size() - value);
        out.replace(begin, length.size(), length);
        return;
    }
    SortedList list(range.size());
    for (const auto& entry : range) {
        put_entry(list.next(), entry);
        list.end();
    }
    list.for_each([&out](std::string_view entry) { put(out, entry); });
}

void put_record(std::string& out, const AggregateRecord& record) {
    put(out, record.source_ip);
    put(out, record.count);
    put(out, record.disposition);
    put(out, record.dkim);
    put(out, record.spf);
    put(out, record.header_from);
    put(out, record.envelope_from);
    put(out, record.envelope_to);
    put_sorted(out, record.reasons,
               [](std::string& to, const OverrideReason& reason) { put(to, reason.type); });
    put_sorted(out, record.dkim_results, [](std::string& to, const DkimAuthResult& result) {
        put(to, result.domain);
        put(to, result.selector);
        put(to, result.result);
        put(to, result.human_result);
    });
    put_sorted(out, record.spf_results, [](std::string& to, const SpfAuthResult& result) {
        put(to, result.domain);
        put(to, result.scope);
        put(to, result.result);
        put(to, result.human_result);
    });
}

void put_failure(std::string& out, const TlsFailure& failure) {
    put(out, failure.result_type);
    put(out, failure.sending_mta_ip);
    put(out, failure.receiving_mx_hostname);
    put(out, failure.receiving_mx_helo);
    put(out, failure.receiving_ip);
    put(out, failure.failed_session_count);
    put(out, failure.additional_information);
    put(out, failure.failure_reason_code);
}

template <class Range, class Put>
Digest hash(const std::string& head, const Range& range, Put put_entry) {
    Sha256 sha;
    sha.add(head);
    SortedList list(range.size());
    for (const auto& entry : range) {
        put_entry(list.next(), entry);
        list.end();
    }
    std::string prefix;
    put(prefix, static_cast<std::int64_t>(list.size()));
    sha.add(prefix);
    list.for_each([&](std::string_view entry) {
        prefix.clear();
        put_length(prefix, entry.size());
        sha.add(prefix);
        sha.add(entry);
    });
    return sha.finish();
}

}  // namespace

Digest sha256(std::string_view bytes) {
    Sha256 sha;
    sha.add(bytes);
    return sha.finish();
}

Digest content_hash(const AggregateReport& report) {
    std::string head;
    put(head, kAggregateFormat);
    put(head, report.org_name);
    put(head, report.report_id);
    put(head, report.domain);
    put(head, report.begin_at);
    put(head, report.end_at);
    put(head, report.adkim);
    put(head, report.aspf);
    put(head, report.p);
    put(head, report.sp);
    put(head, report.np);
    put(head, report.pct);
    put(head, report.fo);
    put(head, report.testing);
    return hash(head, report.records, put_record);
}

Digest content_hash(const TlsReport& report) {
    std::string head;
    put(head, kTlsFormat);
    put(head, report.org_name);
    put(head, report.report_id);
    put(head, report.begin_at);
    put(head, report.end_at);
    return hash(head, report.policies, [](std::string& out, const TlsPolicy& policy) {
        put(out, policy.policy_type);
        put(out, policy.policy_domain);
        put(out, policy.policy_string);
        put(out, policy.mx_host);
        put(out, policy.success_count);
        put(out, policy.failure_count);
        put_sorted(out, policy.failures, put_failure);
    });
}

}  // namespace dmarcbox::schema
