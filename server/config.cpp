#include "server/config.hpp"

#include <sys/stat.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "schema/scalar_text.hpp"
#include "server/config_keys.hpp"
#include "server/nearest.hpp"
#include "server/terminal.hpp"

extern char** environ;

namespace dmarcbox {
namespace {

constexpr std::string_view kDefaultFile = "/etc/dmarcbox/dmarcbox.toml";
constexpr std::string_view kEnvironmentPrefix = "DMARCBOX_";
/// Names the file; not a key of it.
constexpr std::string_view kFileVariable = "DMARCBOX_CONFIG";
/// A configuration is a few KiB; this is some other file.
constexpr std::uintmax_t kMaxFileBytes = 1U << 20U;

std::string nearest_hint(std::string_view name, const std::vector<std::string>& valid) {
    const std::string_view nearest =
        nearest_name(name, std::vector<std::string_view>(valid.begin(), valid.end()));
    return nearest.empty() ? std::string("; `dmarcbox config` lists all keys")
                           : "; nearest is \"" + std::string(nearest) + "\"";
}

std::vector<std::string> key_names() {
    std::vector<std::string> names;
    for (const auto& key : config_keys()) {
        names.emplace_back(key.name);
    }
    return names;
}

bool is_section(const std::string& name) {
    const auto keys = config_keys();
    return std::any_of(keys.begin(), keys.end(), [&](const ConfigKey& key) {
        return key.name.size() > name.size() && key.name.starts_with(name) &&
               key.name[name.size()] == '.';
    });
}

std::string read_file(const std::filesystem::path& path) {
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) {
        throw ConfigError(path.string() + ": is a folder, not a configuration file");
    }
    std::ifstream in(path, std::ios::binary);
    if (!in) {
        throw ConfigError(path.string() + ": cannot be read: " + std::strerror(errno));
    }
    if (std::filesystem::file_size(path, error) > kMaxFileBytes && !error) {
        throw ConfigError(path.string() + ": larger than 1 MiB, this is no configuration file");
    }
    std::ostringstream text;
    text << in.rdbuf();
    return std::move(text).str();
}

ConfigValue value_of(const toml::node& node, const std::string& where, const std::string& name) {
    const auto fail = [&](const char* what) {
        throw ConfigError(where + ": " + name + " " + what);
    };
    if (const auto* text = node.as_string()) {
        return {ConfigValue::Form::text, {text->get()}};
    }
    if (const auto* number = node.as_integer()) {
        return {ConfigValue::Form::integer, {std::to_string(number->get())}};
    }
    if (const auto* list = node.as_array()) {
        ConfigValue value{ConfigValue::Form::list, {}};
        for (const auto& entry : *list) {
            const auto* text = entry.as_string();
            if (text == nullptr) {
                fail("must be a list of texts");
            }
            value.texts.push_back(text->get());
        }
        return value;
    }
    fail("must be a text, a whole number or a list of texts");
    return {};
}

void apply_table(Config& config,
                 const toml::table& table,
                 const std::string& prefix,
                 const std::filesystem::path& path) {
    for (const auto& [last_name, node] : table) {
        const std::string name = prefix + std::string(last_name.str());
        // The line of the name, not of the value: a section's table begins elsewhere.
        const std::string where =
            path.string() + ":" + std::to_string(last_name.source().begin.line);
        if (const auto* section = node.as_table(); section != nullptr && is_section(name)) {
            apply_table(config, *section, std::string(name).append("."), path);
            continue;
        }
        const ConfigKey* key = find_config_key(name);
        if (key == nullptr) {
            std::string problem = where;
            problem.append(": unknown key \"").append(name).append("\"");
            throw ConfigError(problem.append(nearest_hint(name, key_names())));
        }
        set_config_value(config, *key, value_of(node, where, name), where);
    }
}

void apply_file(Config& config, const std::filesystem::path& path) {
    const std::string text = read_file(path);
    try {
        apply_table(config, toml::parse(std::string_view(text), path.string()), {}, path);
    } catch (const toml::parse_error& error) {
        throw ConfigError(path.string() + ":" + std::to_string(error.source().begin.line) +
                          ": not valid TOML: " + schema::collapse(error.description()));
    }
}

/// Files of conf.d in the order of their names: what is changed without touching the main file.
void apply_drop_ins(Config& config, const std::filesystem::path& file) {
    const std::filesystem::path folder = file.parent_path() / "conf.d";
    std::error_code error;
    if (!std::filesystem::is_directory(folder, error)) {
        return;
    }
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() == ".toml") {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    for (const auto& path : files) {
        apply_file(config, path);
    }
}

std::vector<std::string> split_list(std::string_view text) {
    std::vector<std::string> entries;
    while (!text.empty()) {
        const std::size_t comma = text.find(',');
        std::string_view entry = text.substr(0, comma);
        while (entry.starts_with(' ')) {
            entry.remove_prefix(1);
        }
        while (entry.ends_with(' ')) {
            entry.remove_suffix(1);
        }
        if (!entry.empty()) {
            entries.emplace_back(entry);
        }
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    }
    return entries;
}

void apply_environment(Config& config) {
    std::vector<std::string> names{std::string(kFileVariable)};
    for (const auto& key : config_keys()) {
        names.push_back(key.environment_name());
    }
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        const std::size_t equals = text.find('=');
        if (!text.starts_with(kEnvironmentPrefix) || equals == std::string_view::npos) {
            continue;
        }
        const std::string name(text.substr(0, equals));
        if (name == kFileVariable) {
            continue;
        }
        const auto keys = config_keys();
        const auto key = std::find_if(keys.begin(), keys.end(), [&name](const ConfigKey& k) {
            return k.environment_name() == name;
        });
        if (key == keys.end()) {
            throw ConfigError("environment: unknown variable \"" + name + "\"" +
                              nearest_hint(name, names));
        }
        const bool is_list = std::holds_alternative<std::vector<std::string>*>(key->place(config));
        const std::string_view value = text.substr(equals + 1);
        set_config_value(config, *key,
                         {is_list ? ConfigValue::Form::list : ConfigValue::Form::untyped,
                          is_list ? split_list(value) : std::vector{std::string(value)}},
                         name);
    }
}

void apply_overrides(Config& config, const Overrides& overrides) {
    for (const auto& [name, values] : overrides) {
        const ConfigKey* key = find_config_key(name);
        if (key == nullptr) {
            throw std::logic_error("override of unknown key " + name);
        }
        const std::string flag =
            name == "storage.path" ? "--db" : "--" + std::string(key->last_name());
        const bool is_list = std::holds_alternative<std::vector<std::string>*>(key->place(config));
        set_config_value(config, *key,
                         {is_list ? ConfigValue::Form::list : ConfigValue::Form::untyped, values},
                         flag);
    }
}

std::string system_hostname() {
    std::array<char, 256> name{};
    if (gethostname(name.data(), name.size() - 1) != 0) {
        return "localhost";
    }
    return name.data();
}

std::string origin_of(const Config& config, const std::string& key) {
    const auto found = config.origin.find(key);
    return found == config.origin.end() ? "default" : found->second;
}

/// What single values cannot show.
void check_together(const Config& config) {
    if (config.tls.certificate.empty() != config.tls.key.empty()) {
        const bool key_missing = config.tls.key.empty();
        const std::string given = key_missing ? "smtp.tls.certificate" : "smtp.tls.key";
        throw ConfigError(origin_of(config, given) + ": " + given + " is set, but " +
                          (key_missing ? "smtp.tls.key" : "smtp.tls.certificate") + " is not");
    }
    if (!config.tls.listen.empty() && config.tls.certificate.empty()) {
        throw ConfigError(origin_of(config, "smtp.tls.listen") +
                          ": smtp.tls.listen needs smtp.tls.certificate and smtp.tls.key");
    }
    if (config.check.failure_rise_critical < config.check.failure_rise_points) {
        throw ConfigError(origin_of(config, "check.failure_rise_critical") +
                          ": check.failure_rise_critical is below check.failure_rise_points");
    }
}

}  // namespace

ConfigError::ConfigError(std::string_view text) : std::runtime_error(escape_for_terminal(text)) {}

Config load_config(const std::optional<std::filesystem::path>& file, const Overrides& overrides) {
    Config config;
    config.smtp.hostname = system_hostname();
    config.file = file;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): read at start and reload, nothing writes it
    if (const char* named = std::getenv(std::string(kFileVariable).c_str());
        !config.file && named != nullptr && *named != '\0') {
        config.file = named;
    }
    std::error_code error;
    if (!config.file && std::filesystem::exists(kDefaultFile, error)) {
        config.file = kDefaultFile;
    }
    if (config.file) {
        apply_file(config, *config.file);
        apply_drop_ins(config, *config.file);
    }
    apply_environment(config);
    apply_overrides(config, overrides);
    for (const auto& key : config_keys()) {
        config.origin.try_emplace(std::string(key.name), "default");
    }
    check_together(config);
    return config;
}

}  // namespace dmarcbox
