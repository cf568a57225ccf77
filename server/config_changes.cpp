#include "server/config_changes.hpp"

#include <algorithm>
#include <array>
#include <variant>

#include "server/config_keys.hpp"

namespace dmarcbox {
namespace {

constexpr std::array<std::string_view, 5> kReloaded{
    "smtp.accept", "smtp.tls.certificate", "smtp.tls.key", "smtp.tls.min_version", "log.level"};

bool is_reloaded(const ConfigKey& key, const Config& fresh) {
    if (key.name == "smtp.tls.certificate" || key.name == "smtp.tls.key") {
        // One that was taken away stays in use.
        return !fresh.tls.certificate.empty() || !fresh.tls.key.empty();
    }
    return key.section() == "check" ||
           std::find(kReloaded.begin(), kReloaded.end(), key.name) != kReloaded.end();
}

}  // namespace

std::vector<std::string_view> keys_that_need_restart(Config running, Config fresh) {
    std::vector<std::string_view> names;
    for (const auto& key : config_keys()) {
        const auto old_place = key.place(running);
        const auto new_place = key.place(fresh);
        const bool same = std::visit(
            [&new_place](auto* old) { return *old == *std::get<decltype(old)>(new_place); },
            old_place);
        if (!same && !is_reloaded(key, fresh)) {
            names.push_back(key.name);
        }
    }
    return names;
}

}  // namespace dmarcbox
