#pragma once

#include <string>
#include <string_view>

#include "schema/failure_report.hpp"

namespace dmarcbox {

/// Replaces the local part of every address in a text by a token (RFC 6590): the same local part
/// gives the same token under the same key, whatever its case. Domains stay. Tokens are left as
/// they are, so that redacting twice changes nothing.
class Redactor {
  public:
    /// Throws std::invalid_argument if the key is empty: everyone could then test guesses.
    explicit Redactor(std::string key);

    [[nodiscard]] std::string redact(std::string_view text) const;
    /// Every value that goes into the failure tables, findings included. Encoded words that hold an
    /// address are replaced by their decoded text.
    void redact(schema::FailureReport& report) const;
    /// Value and raw text of one field.
    void redact(schema::HeaderField& field) const;

  private:
    [[nodiscard]] std::string token(std::string_view local_part) const;

    std::string key_;
};

/// True for fields whose value is the reported message in base64 (RFC 6591 section 3.2):
/// DKIM-Canonicalized-Body and, with `header`, DKIM-Canonicalized-Header.
[[nodiscard]] bool holds_canonicalized(std::string_view field_name, bool header);

}  // namespace dmarcbox
