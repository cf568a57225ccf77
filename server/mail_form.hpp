#pragma once

#include <string_view>

#include "mime/limits.hpp"
#include "server/message.hpp"

namespace dmarcbox {

/// An archive or a document, and no mail. Decided by its first bytes: a mail starts with a field
/// name, which `<` and `{` cannot start (the latter can, but nobody names a field so). What a
/// session brought is a mail if it has any header field, a file only if it looks like one.
[[nodiscard]] bool is_bare_file(const Message& message);

/// A mail, and no text that happens to begin with a word and a colon.
[[nodiscard]] bool is_mail(std::string_view bytes, const mime::Limits& limits);

/// An mbox of more than one mail.
[[nodiscard]] bool is_mbox(std::string_view bytes);

/// True if the section is a part of the one above: "2.1" of "2".
[[nodiscard]] bool is_below(std::string_view section, std::string_view above);

}  // namespace dmarcbox
