#include <array>
#include <cstdio>
#include <string>
#include <type_traits>

#include "server/config.hpp"
#include "server/config_keys.hpp"

namespace dmarcbox {
namespace {

/// A TOML basic string.
std::string toml_text(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte == 0x7f) {
            std::array<char, 8> escape{};
            std::snprintf(escape.data(), escape.size(), "\\u%04X", unsigned{byte});
            out += escape.data();
        } else {
            out += c;
        }
    }
    return out + "\"";
}

struct Print {
    std::string operator()(const std::string* text) const { return toml_text(*text); }
    std::string operator()(const std::filesystem::path* path) const {
        return toml_text(path->string());
    }
    std::string operator()(const std::vector<std::string>* list) const {
        std::string out = "[";
        for (const auto& entry : *list) {
            out += (out.size() > 1 ? ", " : "") + toml_text(entry);
        }
        return out + "]";
    }
    std::string operator()(const std::chrono::seconds* seconds) const {
        return std::to_string(seconds->count());
    }
    template <typename Number>
    std::string operator()(const Number* number) const {
        static_assert(std::is_integral_v<Number>);
        return std::to_string(*number);
    }
};

/// A comment ends with its line.
std::string one_line(std::string text) {
    for (char& c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            c = '?';
        }
    }
    return text;
}

}  // namespace

std::string to_toml(const Config& config) {
    std::string out;
    std::string_view section;
    Config copy = config;  // the table of keys gives places to write to
    for (const auto& key : config_keys()) {
        if (key.section() != section) {
            section = key.section();
            out += (out.empty() ? "[" : "\n[") + std::string(section) + "]\n";
        }
        const auto origin = config.origin.find(std::string(key.name));
        const std::string line =
            std::string(key.last_name()) + " = " + std::visit(Print{}, key.place(copy));
        out += line + std::string(line.size() < 48 ? 48 - line.size() : 2, ' ') + "# " +
               one_line(origin == config.origin.end() ? "default" : origin->second) + "\n";
    }
    return out;
}

}  // namespace dmarcbox
