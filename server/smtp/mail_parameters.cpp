#include "server/smtp/mail_parameters.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "server/smtp/ascii.hpp"

namespace dmarcbox::smtp {
namespace {

struct Parameter {
    std::string_view keyword;
    std::optional<std::string_view> value;
};

/// esmtp-param of RFC 5321 section 4.1.2; nullopt: malformed.
std::optional<Parameter> parse_parameter(std::string_view word) {
    Parameter parameter;
    const auto equals = word.find('=');
    parameter.keyword = word.substr(0, equals);
    const bool keyword_fits = !parameter.keyword.empty() &&
                              is_alphanumeric(parameter.keyword.front()) &&
                              std::all_of(parameter.keyword.begin(), parameter.keyword.end(),
                                          [](char c) { return is_alphanumeric(c) || c == '-'; });
    if (!keyword_fits) {
        return std::nullopt;
    }
    if (equals != std::string_view::npos) {
        parameter.value = word.substr(equals + 1);
        if (parameter.value->empty() || parameter.value->find('=') != std::string_view::npos) {
            return std::nullopt;
        }
    }
    return parameter;
}

std::string_view take_word(std::string_view& text) {
    const auto word = text.substr(0, text.find(' '));
    text.remove_prefix(word.size());
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    return word;
}

/// Digits only; nullopt also for what does not fit 64 bits.
std::optional<std::uint64_t> parse_size(std::string_view text) {
    std::uint64_t size = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (error != std::errc() || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return size;
}

}  // namespace

std::variant<MailParameters, ParameterError> parse_mail_parameters(std::string_view text) {
    MailParameters result;
    bool size_seen = false;
    bool body_seen = false;
    while (!text.empty()) {
        const auto parameter = parse_parameter(take_word(text));
        if (!parameter) {
            return ParameterError::value;
        }
        const auto& [keyword, value] = *parameter;
        if (equal_ignoring_case(keyword, "SIZE")) {
            const auto size = parse_size(value.value_or(""));
            if (size_seen || !size) {
                return ParameterError::value;
            }
            size_seen = true;
            result.size = *size;
        } else if (equal_ignoring_case(keyword, "BODY")) {
            if (body_seen || !(equal_ignoring_case(value.value_or(""), "7BIT") ||
                               equal_ignoring_case(value.value_or(""), "8BITMIME"))) {
                return ParameterError::value;
            }
            body_seen = true;
        } else if (equal_ignoring_case(keyword, "SMTPUTF8")) {
            if (result.smtputf8 || value) {
                return ParameterError::value;
            }
            result.smtputf8 = true;
        } else {
            return ParameterError::unknown;
        }
    }
    return result;
}

ParameterError refuse_recipient_parameters(std::string_view text) {
    return parse_parameter(take_word(text)) ? ParameterError::unknown : ParameterError::value;
}

}  // namespace dmarcbox::smtp
