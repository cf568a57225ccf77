#include "storage/message_rows.hpp"

#include <string>

namespace dmarcbox::storage {

MessageRows::MessageRows(Database& database)
    : database_(database),
      find_(database.prepare(
          "SELECT id, outcome FROM messages WHERE sha256 = ?1 ORDER BY id LIMIT 1")),
      insert_(database.prepare(
          "INSERT INTO messages (received_at, sent_at, source, peer_ip, helo, tls, envelope_from, "
          "envelope_to, header_from, subject, message_id, size, sha256, outcome, detail) VALUES "
          "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")),
      settle_(database.prepare(
          "UPDATE messages SET outcome = ?2, detail = ?3, duplicate_of = ?4 WHERE id = ?1")),
      find_original_(
          database.prepare("SELECT 1 FROM messages m JOIN originals o ON o.message_id = m.id "
                           "WHERE m.sha256 = ?1 LIMIT 1")),
      insert_original_(
          database.prepare("INSERT INTO originals (message_id, size, sha256, reduced, content) "
                           "VALUES (?,?,?,?,?)")),
      insert_finding_(database.prepare(
          "INSERT INTO findings (message_id, position, part, stage, code, fault, detail, "
          "aggregate_report_id, failure_report_id, tls_report_id) "
          "VALUES (?,?,?,?,?,?,?,?,?,?)")) {}

std::optional<MessageRows::Known> MessageRows::find(const schema::Digest& sha256) {
    find_.bind_blob(1, sha256);
    std::optional<Known> known;
    if (find_.step()) {
        known = Known{find_.integer(0), parse_outcome(find_.text(1))};
    }
    find_.reset();
    return known;
}

std::int64_t MessageRows::insert(const Receipt& receipt, Outcome outcome, std::string_view detail) {
    insert_.bind(1, receipt.received_at)
        .bind(2, receipt.sent_at)
        .bind(3, receipt.source)
        .bind(4, receipt.peer_ip)
        .bind(5, receipt.helo)
        .bind(6, receipt.tls)
        .bind(7, receipt.envelope_from)
        .bind(8, receipt.envelope_to)
        .bind(9, receipt.header_from)
        .bind(10, receipt.subject)
        .bind(11, receipt.message_id)
        .bind(12, receipt.size)

        .bind_blob(13, receipt.sha256)
        .bind(14, to_string(outcome))
        .bind(15, detail)
        .run();
    return database_.last_insert_rowid();
}

void MessageRows::settle(std::int64_t message_id,
                         Outcome outcome,
                         std::string_view detail,
                         std::optional<std::int64_t> duplicate_of) {
    settle_.bind(1, message_id)
        .bind(2, to_string(outcome))
        .bind(3, detail)
        .bind(4, duplicate_of)
        .run();
}

void MessageRows::insert_original(std::int64_t message_id,
                                  const schema::Digest& received_sha256,
                                  const Original& original) {
    find_original_.bind_blob(1, received_sha256);
    const bool kept = find_original_.step();
    find_original_.reset();
    if (kept) {
        return;
    }
    insert_original_.bind(1, message_id)
        .bind(2, original.size)
        .bind_blob(3, original.sha256)
        .bind(4, std::int64_t{original.reduced ? 1 : 0})
        .bind_blob(5, {reinterpret_cast<const std::uint8_t*>(original.content.data()),
                       original.content.size()})
        .run();
}

void MessageRows::insert_finding(std::int64_t message_id,
                                 std::int64_t position,
                                 const schema::Finding& finding,
                                 const FindingOwner& owner) {
    insert_finding_.bind(1, message_id)
        .bind(2, position)
        .bind(3, finding.part)
        .bind(4, finding.code.stage)
        .bind(5, finding.code.code)
        .bind(6, std::int64_t{finding.code.fault ? 1 : 0})
        .bind(7, finding.detail)
        .bind(8, owner.aggregate_report_id)
        .bind(9, owner.failure_report_id)
        .bind(10, owner.tls_report_id)
        .run();
}

Outcome parse_outcome(std::string_view word) {
    for (const auto outcome : {Outcome::report, Outcome::duplicate, Outcome::unreadable}) {
        if (word == to_string(outcome)) {
            return outcome;
        }
    }
    return Outcome::other;
}

}  // namespace dmarcbox::storage
