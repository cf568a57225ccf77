#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "server/net/body_budget.hpp"
#include "server/net/disk_space.hpp"
#include "server/net/spool_file.hpp"
#include "server/smtp/session.hpp"

namespace dmarcbox::net {

/// The bytes of one message: in memory up to kMaxMemoryBody while the budget has room, else in an
/// unnamed file beside the database.
class SpooledBody : public smtp::Body {
  public:
    /// `space` outlives the body.
    SpooledBody(std::shared_ptr<BodyBudget> budget,
                DiskSpace& space,
                const std::filesystem::path& folder);

    [[nodiscard]] bool append(std::string_view bytes) override;
    [[nodiscard]] std::uint64_t size() const override;

    struct Sealed {
        std::string_view bytes;
        std::shared_ptr<void> keeper;  ///< owns the bytes; null: they cannot be had
    };
    /// The end: the bytes for the workers. The body is empty afterwards.
    [[nodiscard]] Sealed seal();

  private:
    [[nodiscard]] bool write_out(std::string_view bytes);
    [[nodiscard]] bool write_out_memory();

    BodyBudget::Share share_;
    DiskSpace& space_;
    const std::filesystem::path& folder_;
    std::string memory_;
    std::optional<SpoolFile> file_;
};

}  // namespace dmarcbox::net
