#include "server/net/mail_environment.hpp"

#include <utility>

#include "server/net/body.hpp"

namespace dmarcbox::net {

MailEnvironment::MailEnvironment(smtp::Recipients recipients,
                                 std::shared_ptr<BodyBudget> budget,
                                 DiskSpace& space,
                                 std::filesystem::path folder,
                                 const Intake& intake,
                                 Intake::Options intake_limits)
    : recipients_(std::move(recipients)),
      budget_(std::move(budget)),
      space_(space),
      folder_(std::move(folder)),
      intake_(intake),
      intake_limits_(intake_limits) {}

smtp::Environment::Admission MailEnvironment::admit_message(std::uint64_t declared_size) {
    if (shutting_down_) {
        return Admission::shutting_down;
    }
    if (!space_.has_room(declared_size)) {
        return Admission::disk_full;
    }
    if (budget_->exhausted()) {
        return Admission::busy;
    }
    if (intake_.queue_messages() >= intake_limits_.max_queue_messages ||
        intake_.queue_bytes() >= intake_limits_.max_queue_bytes) {
        return Admission::queue_full;
    }
    return Admission::admitted;
}

smtp::Recipients::Verdict MailEnvironment::check_recipient(const smtp::Address& address) {
    return recipients_.check(address);
}

std::unique_ptr<smtp::Body> MailEnvironment::new_body() {
    return std::make_unique<SpooledBody>(budget_, space_, folder_);
}

}  // namespace dmarcbox::net
