#pragma once

#include <string>
#include <string_view>

namespace dmarcbox {

/// `1.0.0`.
[[nodiscard]] std::string_view version();

/// Short id of the commit this was configured from; `unknown` outside a checkout.
[[nodiscard]] std::string_view commit();

/// Of the libraries as linked: `3.40.1`, `3.0.17`.
[[nodiscard]] std::string_view sqlite_version();
[[nodiscard]] std::string_view openssl_version();

/// What --version prints: `dmarcbox 1.0.0`, then commit, compiler and libraries as linked.
[[nodiscard]] std::string version_text();

}  // namespace dmarcbox
