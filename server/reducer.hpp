#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mime/decompress.hpp"
#include "mime/header.hpp"
#include "mime/unpack.hpp"
#include "server/ingest.hpp"
#include "server/redaction.hpp"

namespace dmarcbox {

/// Takes out of one original what [failure_reports] keep does not let stay: see reduce_original().
class Reducer {
  public:
    /// All three must outlive the reducer. `redactor` is nullptr where addresses stay.
    Reducer(const std::vector<std::string>& report_parts,
            const Limits& limits,
            const Redactor* redactor)
        : report_parts_(report_parts), limits_(limits), redactor_(redactor) {}

    /// A mail. `prefix` stands in front of its sections in report_parts: "" or "2/mail.eml/".
    /// Nullopt if nothing has to go.
    [[nodiscard]] std::optional<std::string> mail(std::string_view bytes,
                                                  const std::string& prefix) const;
    /// A file that is no mail.
    [[nodiscard]] std::optional<std::string> file(std::string_view bytes) const;

  private:
    /// What a file of an archive becomes; nullopt: as it is.
    [[nodiscard]] std::optional<std::string> document(const mime::Document& document) const;
    /// The files of an archive; nullopt if all of it may stay as it is.
    [[nodiscard]] std::optional<std::vector<mime::Document>> archive(std::string bytes,
                                                                     std::string section) const;
    /// True if the text of that section was read as the plain-text form, whatever its label or its
    /// beginning says.
    [[nodiscard]] bool is_form(std::string_view text, const std::string& section) const;
    /// A text with the plain-text form of a failure report; nullopt if nothing has to go.
    [[nodiscard]] std::optional<std::string> text_form(std::string_view text) const;
    /// What stays of a reported mail; nullopt if nothing has to go.
    [[nodiscard]] std::optional<std::string> reported_header(std::string_view mail) const;
    /// Header fields as they may stay, one to a line.
    [[nodiscard]] std::string header_text(std::string_view block) const;
    [[nodiscard]] std::string field_lines(mime::Header header) const;
    [[nodiscard]] bool holds_report(const std::string& section) const;

    friend class MailRewriting;

    const std::vector<std::string>& report_parts_;
    const Limits& limits_;
    const Redactor* redactor_;
};

/// Fields and body of a part that holds `bytes` as gzip in base64.
[[nodiscard]] std::string gzip_part(std::string_view name, std::string_view bytes);
/// Lines of base64 (RFC 2045 section 6.8).
[[nodiscard]] std::string base64_lines(std::string_view bytes);

}  // namespace dmarcbox
