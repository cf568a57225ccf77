#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "server/intake.hpp"
#include "server/net/body_budget.hpp"
#include "server/net/disk_space.hpp"
#include "server/smtp/session.hpp"

namespace dmarcbox::net {

/// The addresses of smtp.accept, international domains as A-labels. Throws std::invalid_argument
/// naming the entry.
[[nodiscard]] smtp::Recipients recipients_of(const std::vector<std::string>& accept);

/// What sessions ask: is there room, is the recipient ours, where do the bytes go. Network thread.
class MailEnvironment : public smtp::Environment {
  public:
    /// `recipients` of recipients_of(): a domain is asked for by its A-labels, whichever form was
    /// sent. `budget`, `space` and `intake` outlive it. Bodies spool to files in `folder`.
    MailEnvironment(smtp::Recipients recipients,
                    std::shared_ptr<BodyBudget> budget,
                    DiskSpace& space,
                    std::filesystem::path folder,
                    const Intake& intake,
                    Intake::Options intake_limits);

    [[nodiscard]] Admission admit_message(std::uint64_t declared_size) override;
    [[nodiscard]] smtp::Recipients::Verdict check_recipient(const smtp::Address& address) override;
    [[nodiscard]] std::unique_ptr<smtp::Body> new_body() override;

    /// From the next RCPT on, all at once.
    void replace(smtp::Recipients recipients) { recipients_ = std::move(recipients); }
    /// No new messages: 421.
    void shut_down() { shutting_down_ = true; }

  private:
    smtp::Recipients recipients_;
    std::shared_ptr<BodyBudget> budget_;
    DiskSpace& space_;
    std::filesystem::path folder_;
    const Intake& intake_;
    Intake::Options intake_limits_;
    bool shutting_down_ = false;
};

}  // namespace dmarcbox::net
