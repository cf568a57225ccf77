#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/finding.hpp"
#include "schema/report.hpp"

namespace dmarcbox::storage {

/// What became of a message; the words of column messages.outcome.
enum class Outcome { report, duplicate, other, unreadable };
[[nodiscard]] std::string_view to_string(Outcome outcome);

/// How and when a message arrived, and what its header says. Empty string: absent, stored as NULL.
struct Receipt {
    std::int64_t received_at = 0;
    std::optional<std::int64_t> sent_at;  ///< the Date field
    std::string source;                   ///< smtp, lmtp or import
    std::string peer_ip;
    std::string helo;
    std::string tls;            ///< `TLSv1.3 TLS_AES_256_GCM_SHA384`; empty in the clear
    std::string envelope_from;  ///< `<>` for the null reverse-path
    std::string envelope_to;    ///< recipients with a blank between
    std::string header_from;    ///< decoded
    std::string subject;        ///< decoded
    std::string message_id;     ///< without angle brackets
    std::int64_t size = 0;
    schema::Digest sha256{};  ///< of the bytes as received
};

/// The bytes to keep, already compressed by the worker that read the message.
struct Original {
    std::string content;      ///< zlib stream, or plain where zlib would not shorten it
    std::int64_t size = 0;    ///< of the bytes before compression
    schema::Digest sha256{};  ///< of the bytes before compression
    bool reduced = false;     ///< bodies were dropped or local parts replaced
};

/// Bytes of memory that a report holds, heap included; a handful of long rare values is left out.
[[nodiscard]] std::size_t memory_of(const schema::Report& report);

/// One message with everything that was read from it: what the writer takes. Immutable once
/// submitted.
struct Submission {
    Receipt receipt;
    Original original;
    /// What parsing found: `report`, `unreadable` or `other`. The store alone finds `duplicate`.
    Outcome outcome = Outcome::other;
    std::string detail;  ///< reason of `unreadable` and `other`, for column messages.detail
    std::vector<schema::Finding>
        findings;                         ///< of the message; those of a report stay in the report
    std::vector<schema::Report> reports;  ///< in message order
    bool skip_known_bytes = false;        ///< files: identical bytes already kept make no new row
    bool original_missing = false;        ///< from another database that does not have it
    std::optional<std::int64_t> original_pruned_at;  ///< when retention removed it there
    std::string session;                             ///< id for the log; not stored

    /// Bytes of memory this holds, for the bound of the queue.
    [[nodiscard]] std::size_t memory() const;
};

/// What the store says of one submission, once and for good.
struct Verdict {
    enum class Status {
        committed,      ///< durable
        already_known,  ///< skip_known_bytes and the bytes are there: nothing written
        busy,           ///< locked by another process, or shutting down: try again
        full,           ///< no space left
        failed          ///< anything else that the store could not do
    };
    Status status = Status::failed;
    std::int64_t message_id = 0;  ///< row id; of the earlier message for already_known
    Outcome outcome = Outcome::other;
    std::string detail;           ///< as stored, or the error
    std::uint32_t reports = 0;    ///< reports stored
    std::uint32_t conflicts = 0;  ///< of them in conflict with an earlier one
    std::uint32_t batch = 0;      ///< messages in the transaction
    std::uint32_t commit_us = 0;  ///< duration of the transaction's COMMIT
};

}  // namespace dmarcbox::storage
