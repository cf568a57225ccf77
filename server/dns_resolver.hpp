#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace dmarcbox {

/// What a name server said of one name and type.
struct DnsAnswer {
    enum class Status {
        found,
        nothing,  ///< the name or the type does not exist
        failed    ///< no answer in time, refused, or broken
    };
    Status status = Status::failed;
    /// TXT: the character-strings of each record joined; MX: `preference host`; A and AAAA:
    /// addresses.
    std::vector<std::string> values;
    std::string error;  ///< for `failed`
};

/// Looks names up for `dmarcbox dns --check` (libunbound). Never used while receiving mail.
class DnsResolver {
  public:
    enum class Type : std::uint16_t { a = 1, mx = 15, txt = 16, aaaa = 28 };

    static constexpr std::chrono::seconds kPatience{10};

    /// `server` is ADDRESS or ADDRESS@PORT; empty: those of resolv.conf. Throws
    /// std::invalid_argument for a server that is neither, std::runtime_error.
    explicit DnsResolver(const std::string& server);
    DnsResolver(const DnsResolver&) = delete;
    DnsResolver& operator=(const DnsResolver&) = delete;
    ~DnsResolver();

    /// Waits at most `patience` for the answer.
    [[nodiscard]] DnsAnswer resolve(const std::string& name,
                                    Type type,
                                    std::chrono::seconds patience = kPatience);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace dmarcbox
