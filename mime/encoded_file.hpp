#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dmarcbox::mime {

/// A file found inside text.
struct EncodedFile {
    std::string name;  ///< UTF-8
    std::string bytes;
    bool yenc = false;       ///< else uuencode
    bool truncated = false;  ///< no end line
};

/// Files in the text by uuencode (`begin 644 name` ... `end`, POSIX) or yEnc (`=ybegin` ...
/// `=yend`, one part only), at most `max_files`. Linear in the size of the text.
[[nodiscard]] std::vector<EncodedFile> find_encoded_files(std::string_view text,
                                                          std::size_t max_files);

}  // namespace dmarcbox::mime
