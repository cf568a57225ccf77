#include "server/net/mail_environment.hpp"

#include <utility>

#include "schema/domain_name.hpp"
#include "server/net/body.hpp"

namespace dmarcbox::net {

smtp::Recipients recipients_of(const std::vector<std::string>& accept) {
    std::vector<std::string> entries;
    entries.reserve(accept.size());
    for (const auto& entry : accept) {
        const auto domain = entry.rfind('@') + 1;  // 0 without one: Recipients refuses the entry
        entries.push_back(entry.substr(0, domain) +
                          schema::to_a_labels(schema::normalize_domain(entry.substr(domain))));
    }
    return smtp::Recipients(entries);
}

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
    smtp::Address ascii = address;
    ascii.domain = schema::to_a_labels(std::move(ascii.domain));
    return recipients_.check(ascii);
}

std::unique_ptr<smtp::Body> MailEnvironment::new_body() {
    return std::make_unique<SpooledBody>(budget_, space_, folder_);
}

}  // namespace dmarcbox::net
