#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dmarcbox::smtp {

/// A mailbox of MAIL FROM or RCPT TO (RFC 5321 section 4.1.2, RFC 6531), quoting removed from the
/// local part.
struct Address {
    std::string local_part;
    std::string domain;  ///< ASCII in lower case, no final dot, A- or U-labels as sent, or an
                         ///< address literal with brackets; empty: none given, as in
                         ///< `<postmaster>` or a host's `<root>`
    std::string text;    ///< as sent, without angle brackets and source route
    [[nodiscard]] bool null() const { return text.empty(); }
};

/// `<path>` with optional source route (ignored, RFC 5321 appendix C). `<>` gives a null address.
/// More is taken than RFC 5321 says where senders are known to do it: dots anywhere in a local
/// part,
/// `_` in a domain, no domain. nullopt: syntax, local part over 64, domain over 255, path over 256,
/// invalid UTF-8, control and invisible characters.
[[nodiscard]] std::optional<Address> parse_path(std::string_view path);

/// The addresses this service accepts. Local parts in any case; `+detail` after an accepted local
/// part. A local part with `%`, `!` or `@` that is not an entry itself is foreign, also at a domain
/// of which every address is taken: a relay test must not see 250. Domains match as written: who
/// asks brings internationalised ones into one form.
class Recipients {
  public:
    /// `rua@reports.example` or `@example.org` (every address of the domain). Throws
    /// std::invalid_argument naming the entry. postmaster, bare or at an accepted domain, is always
    /// accepted (RFC 5321 section 4.5.1).
    explicit Recipients(const std::vector<std::string>& accept);

    enum class Verdict { accepted, unknown, foreign };  ///< 250 2.1.5, 550 5.1.1, 550 5.7.1
    [[nodiscard]] Verdict check(const Address& address) const;
    [[nodiscard]] std::size_t addresses() const { return mailboxes_.size(); }
    [[nodiscard]] std::size_t domains() const { return whole_domains_.size(); }

  private:
    std::vector<std::string> mailboxes_;      ///< sorted, lower case
    std::vector<std::string> whole_domains_;  ///< sorted, lower case
    std::vector<std::string> domains_;        ///< sorted: every domain named
};

}  // namespace dmarcbox::smtp
