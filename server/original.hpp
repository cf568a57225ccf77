#pragma once

#include <string>
#include <string_view>

#include "storage/submission.hpp"

namespace dmarcbox {

/// The bytes to keep, as the sqlite3 shell's sqlar_uncompress() expects them: a zlib stream if that
/// is shorter, else the bytes themselves. Thread-safe.
[[nodiscard]] storage::Original make_original(std::string_view bytes,
                                              const schema::Digest& sha256,
                                              bool reduced);

}  // namespace dmarcbox
