#include "schema/mailbox_domain.hpp"

#include <algorithm>

#include "schema/domain_name.hpp"

namespace dmarcbox::schema {
namespace {

bool is_white(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/// Longest name in DNS is 253 bytes; what is longer is no domain.
constexpr std::size_t kMaxDomain = 253;

bool is_domain(std::string_view text) {
    return !text.empty() && text.size() <= kMaxDomain &&
           std::all_of(text.begin(), text.end(), [](char c) {
               const auto byte = static_cast<unsigned char>(c);
               return byte >= 0x80 || (byte >= '0' && byte <= '9') ||
                      (byte >= 'a' && byte <= 'z') || c == '-' || c == '.' || c == '_';
           });
}

/// Takes quoted strings and comments away: what is left has no `@` or `<` but those of addresses.
class AddressText {
  public:
    explicit AddressText(std::string_view raw) {
        for (std::size_t i = 0; i < raw.size(); ++i) {
            take(raw, i);
        }
    }
    [[nodiscard]] std::string_view text() const { return text_; }

  private:
    void take(std::string_view raw, std::size_t& i) {
        const char c = raw[i];
        if (c == '\\' && (quoted_ || depth_ > 0)) {
            ++i;
        } else if (c == '"' && depth_ == 0) {
            quoted_ = !quoted_;
        } else if (!quoted_ && c == '(') {
            ++depth_;
        } else if (!quoted_ && c == ')' && depth_ > 0) {
            --depth_;
        } else if (!quoted_ && depth_ == 0) {
            text_ += c;
        }
    }

    std::string text_;
    std::size_t depth_ = 0;
    bool quoted_ = false;
};

}  // namespace

std::string mailbox_domain(std::string_view raw) {
    const AddressText address(raw);
    auto text = address.text();
    if (const auto open = text.find('<'); open != std::string_view::npos) {
        text = text.substr(open + 1);
        text = text.substr(0, text.find('>'));
    } else {
        text = text.substr(0, text.find(','));
    }
    const auto at = text.rfind('@');
    if (at == std::string_view::npos) {
        return {};
    }
    text = text.substr(at + 1);
    const auto* start = std::find_if_not(text.begin(), text.end(), is_white);
    const auto* end = std::find_if(start, text.end(), is_white);
    auto domain = normalize_domain(std::string_view(start, static_cast<std::size_t>(end - start)));
    return is_domain(domain) ? domain : std::string{};
}

}  // namespace dmarcbox::schema
