#include "schema/domain_name.hpp"

#include <libpsl.h>
#include <unicode/uidna.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "schema/scalar_text.hpp"

namespace dmarcbox::schema {
namespace {

struct FreePsl {
    void operator()(psl_ctx_t* list) const noexcept { psl_free(list); }
};
using PslHandle = std::unique_ptr<psl_ctx_t, FreePsl>;

/// The newer of the list that the library was built with and that of package publicsuffix. Never
/// changed after loading, so that all threads may read it.
const psl_ctx_t* public_suffix_list() {
    static const PslHandle kList(psl_latest(nullptr));
    return kList ? kList.get() : psl_builtin();
}

/// RFC 1035 section 2.3.4. What is longer is no name; the list need not be asked.
constexpr std::size_t kLongestName = 255;

struct CloseIdna {
    void operator()(UIDNA* mapping) const noexcept { uidna_close(mapping); }
};

/// Never changed after opening, so that all threads may use it; null without ICU's data.
const UIDNA* idna() {
    static const std::unique_ptr<UIDNA, CloseIdna> kMapping = [] {
        UErrorCode error = U_ZERO_ERROR;
        return std::unique_ptr<UIDNA, CloseIdna>(
            uidna_openUTS46(UIDNA_NONTRANSITIONAL_TO_ASCII | UIDNA_CHECK_BIDI, &error));
    }();
    return kMapping.get();
}

/// Address literals and dotted quads appear where names belong; their labels are no hierarchy.
bool is_address(std::string_view domain) {
    const auto last = domain.substr(domain.find_last_of('.') + 1);
    return domain.find_first_of("[:") != std::string_view::npos ||
           (!last.empty() &&
            std::all_of(last.begin(), last.end(), [](char c) { return c >= '0' && c <= '9'; }));
}

/// Length of the organisational domain, which is an end of `domain`.
std::size_t find_organization(const std::string& domain) {
    if (domain.size() > kLongestName || domain.find('.') == std::string::npos ||
        domain.find('\0') != std::string::npos || is_address(domain)) {
        return domain.size();
    }
    const char* found = psl_registrable_domain(public_suffix_list(), domain.c_str());
    return found == nullptr ? domain.size()
                            : domain.size() - static_cast<std::size_t>(found - domain.c_str());
}

/// The names of one report repeat in nearly every record, and a look-up in the list takes about a
/// microsecond. Direct-mapped: a collision only costs the look-up.
struct CachedName {
    std::string domain;
    std::size_t organization_length = 0;
};
constexpr std::size_t kCachedNames = 1024;  // a power of two; the busiest report seen names 400

}  // namespace

std::string normalize_domain(std::string_view text) {
    auto trimmed = trim(text);
    while (trimmed.ends_with('.')) {  // several, or blanks before one: what is left ends in neither
        trimmed.remove_suffix(1);
        trimmed = trim(trimmed);
    }
    return lower_case(trimmed);
}

std::string to_a_labels(std::string domain) {
    const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
    // A U-label has at most 4 bytes for a byte of its A-label, or nearly so.
    if (std::all_of(domain.begin(), domain.end(), is_ascii) || domain.size() > 4 * kLongestName ||
        idna() == nullptr) {
        return domain;
    }
    std::array<char, kLongestName + 1> mapped{};
    UIDNAInfo info = UIDNA_INFO_INITIALIZER;
    UErrorCode error = U_ZERO_ERROR;
    const auto size = uidna_nameToASCII_UTF8(
        idna(), domain.data(), static_cast<std::int32_t>(domain.size()), mapped.data(),
        static_cast<std::int32_t>(mapped.size()), &info, &error);
    if (U_FAILURE(error) || info.errors != 0 || size <= 0 ||
        static_cast<std::size_t>(size) > kLongestName) {
        return domain;
    }
    return {mapped.data(), static_cast<std::size_t>(size)};
}

std::string_view organizational_domain_of(std::string_view domain) {
    thread_local std::array<CachedName, kCachedNames> cache;
    if (domain.size() > kLongestName) {
        return domain;
    }
    auto& slot = cache[std::hash<std::string_view>{}(domain) % kCachedNames];
    if (slot.domain != domain) {
        slot.domain.assign(domain);
        slot.organization_length = find_organization(slot.domain);
    }
    return domain.substr(domain.size() - std::min(slot.organization_length, domain.size()));
}

std::string organizational_domain(std::string_view domain) {
    return std::string(organizational_domain_of(domain));
}

bool same_organization(std::string_view a, std::string_view b) {
    if (a.empty() || b.empty()) {
        return false;
    }
    return a == b || organizational_domain_of(a) == organizational_domain_of(b);
}

}  // namespace dmarcbox::schema
