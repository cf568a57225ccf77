#include "storage/originals.hpp"

#include <zlib.h>

#include <algorithm>

#include "schema/content_hash.hpp"

namespace dmarcbox::storage {

namespace {

// Above any message the listener takes (max_message_bytes is at most 2 GiB).
constexpr std::int64_t kMaxSize = std::int64_t{1} << 31U;

schema::Digest digest_at(const Statement& statement, int column) {
    schema::Digest digest{};
    const auto bytes = statement.blob(column);
    std::copy_n(bytes.begin(), std::min(bytes.size(), digest.size()), digest.begin());
    return digest;
}

}  // namespace

tl::expected<std::string, std::string> uncompress_original(std::span<const std::uint8_t> content,
                                                           std::int64_t size) {
    if (size < 0 || size > kMaxSize) {
        return tl::unexpected("size " + std::to_string(size) + " cannot be");
    }
    if (static_cast<std::int64_t>(content.size()) == size) {
        return std::string(reinterpret_cast<const char*>(content.data()), content.size());
    }
    std::string bytes(static_cast<std::size_t>(size), '\0');
    auto length = static_cast<uLongf>(size);
    const int code = ::uncompress(reinterpret_cast<Bytef*>(bytes.data()), &length, content.data(),
                                  static_cast<uLong>(content.size()));
    if (code != Z_OK || length != static_cast<uLongf>(size)) {
        return tl::unexpected(std::string("does not uncompress to ") + std::to_string(size) +
                              " bytes");
    }
    return bytes;
}

std::string compress_original(std::string_view bytes) {
    uLongf length = ::compressBound(static_cast<uLong>(bytes.size()));
    std::string content(length, '\0');
    const int code = ::compress2(reinterpret_cast<Bytef*>(content.data()), &length,
                                 reinterpret_cast<const Bytef*>(bytes.data()),
                                 static_cast<uLong>(bytes.size()), Z_DEFAULT_COMPRESSION);
    if (code != Z_OK || length >= bytes.size()) {
        return std::string(bytes);
    }
    content.resize(length);
    return content;
}

tl::expected<StoredOriginal, OriginalError> load_original(Database& database,
                                                          std::int64_t message_id) {
    using Code = OriginalError::Code;
    const std::string name = "message " + std::to_string(message_id);
    auto find = database.prepare(
        "SELECT o.size, o.sha256, o.reduced, o.content FROM messages m "
        "JOIN messages same ON same.sha256 = m.sha256 "
        "JOIN originals o ON o.message_id = same.id "
        "WHERE m.id = ?1 ORDER BY same.id <> m.id LIMIT 1");
    find.bind(1, message_id);
    if (!find.step()) {
        auto exists = database.prepare("SELECT pruned_at FROM messages WHERE id = ?1");
        exists.bind(1, message_id);
        if (!exists.step()) {
            return tl::unexpected(OriginalError{Code::no_message, name + ": there is none"});
        }
        return tl::unexpected(OriginalError{
            Code::not_kept, name + ": the original is not kept any more, see [retention]"});
    }
    auto bytes = uncompress_original(find.blob(3), find.integer(0));
    if (!bytes) {
        return tl::unexpected(
            OriginalError{Code::corrupt, name + ": the original " + bytes.error()});
    }
    if (schema::sha256(*bytes) != digest_at(find, 1)) {
        return tl::unexpected(
            OriginalError{Code::corrupt, name + ": the original does not have its SHA-256"});
    }
    return StoredOriginal{std::move(*bytes), find.integer(2) != 0};
}

bool load_receipt(Database& database, std::int64_t message_id, Receipt& receipt) {
    auto find = database.prepare(
        "SELECT received_at, sent_at, source, peer_ip, helo, tls, envelope_from, envelope_to, "
        "header_from, subject, message_id, size, sha256 FROM messages WHERE id = ?1");
    find.bind(1, message_id);
    if (!find.step()) {
        return false;
    }
    receipt.received_at = find.integer(0);
    receipt.sent_at.reset();
    if (!find.is_null(1)) {
        receipt.sent_at = find.integer(1);
    }
    int column = 2;
    for (std::string* text :
         {&receipt.source, &receipt.peer_ip, &receipt.helo, &receipt.tls, &receipt.envelope_from,
          &receipt.envelope_to, &receipt.header_from, &receipt.subject, &receipt.message_id}) {
        *text = find.text(column++);
    }
    receipt.size = find.integer(11);
    receipt.sha256 = digest_at(find, 12);
    return true;
}

}  // namespace dmarcbox::storage
