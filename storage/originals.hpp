#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>

#include "schema/aggregate_report.hpp"
#include "storage/database.hpp"
#include "storage/submission.hpp"

namespace dmarcbox::storage {

struct OriginalError {
    enum class Code {
        no_message,  ///< there is no message of this id
        not_kept,    ///< retention removed it
        corrupt      ///< does not uncompress, or its SHA-256 is not that of the row
    };
    Code code;
    std::string detail;
};

struct StoredOriginal {
    std::string bytes;     ///< uncompressed
    bool reduced = false;  ///< not as received: bodies dropped or local parts replaced
};

/// The bytes of a message. Messages of the same bytes share one original.
[[nodiscard]] tl::expected<StoredOriginal, OriginalError> load_original(Database& database,
                                                                        std::int64_t message_id);

/// As the shell's sqlar_uncompress(content, size): plain if as long as `size`, else zlib.
/// Error: what is wrong with it.
[[nodiscard]] tl::expected<std::string, std::string> uncompress_original(
    std::span<const std::uint8_t> content, std::int64_t size);

/// zlib, or plain where zlib would not shorten it.
[[nodiscard]] std::string compress_original(std::string_view bytes);

/// The receipt of a message, for reading its original again. False: no such message.
[[nodiscard]] bool load_receipt(Database& database, std::int64_t message_id, Receipt& receipt);

}  // namespace dmarcbox::storage
