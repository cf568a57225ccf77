#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "server/config.hpp"

namespace dmarcbox {

/// One key of the configuration: where it lives and what it may be. The one table of keys drives
/// reading, environment, checking and printing.
struct ConfigKey {
    using Place = std::variant<std::string*,
                               std::vector<std::string>*,
                               std::uint64_t*,
                               std::uint32_t*,
                               std::int64_t*,
                               std::chrono::seconds*,
                               std::filesystem::path*>;
    /// What is wrong with one value, or empty.
    using Check = std::string (*)(std::string_view value);

    std::string_view name;  ///< `section.key`
    Place (*place)(Config& config);
    std::uint64_t min = 0;                    ///< numbers
    std::uint64_t max = 0;                    ///< numbers
    std::vector<std::string_view> choices{};  ///< texts: one of these
    Check check = nullptr;                    ///< texts, each entry of lists

    [[nodiscard]] std::string environment_name() const;  ///< `DMARCBOX_SECTION_KEY`
    [[nodiscard]] std::string_view section() const;
    [[nodiscard]] std::string_view last_name() const;
};

/// All keys, in the order of deploy/dmarcbox.toml.
[[nodiscard]] std::span<const ConfigKey> config_keys();
[[nodiscard]] const ConfigKey* find_config_key(std::string_view name);

/// A value as the file, the environment or a flag gives it.
struct ConfigValue {
    enum class Form { text, integer, list, untyped };
    Form form = Form::untyped;
    std::vector<std::string> texts;
};

/// Checks the value and puts it in place; throws ConfigError with `where: key ...`.
void set_config_value(Config& config,
                      const ConfigKey& key,
                      const ConfigValue& value,
                      const std::string& where);

}  // namespace dmarcbox
