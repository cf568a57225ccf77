#include "server/commands/domain_argument.hpp"

#include <cstddef>

#include "schema/domain_name.hpp"
#include "server/cli_commands.hpp"

namespace dmarcbox {
namespace {

constexpr std::size_t kMaxName = 253;
constexpr std::size_t kMaxLabel = 63;

bool is_label_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/// Labels of 1 to 63 characters; the last is no number, or it would be an IPv4 address.
bool is_domain(const std::string& name) {
    std::size_t label = 0;
    bool digits = true;
    for (const char c : name) {
        if (c == '.') {
            if (label == 0) {
                return false;
            }
            label = 0;
            digits = true;
            continue;
        }
        if (!is_label_character(c) || ++label > kMaxLabel) {
            return false;
        }
        digits = digits && c >= '0' && c <= '9';
    }
    return label != 0 && !digits && name.size() <= kMaxName;
}

}  // namespace

std::string domain_argument(const std::string& text) {
    auto name = schema::to_a_labels(schema::normalize_domain(text));
    if (!is_domain(name)) {
        throw UsageError("\"" + text + "\" is no domain name; write it as in example.org");
    }
    return name;
}

}  // namespace dmarcbox
