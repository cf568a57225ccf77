#include "mime/charset.hpp"

#include <unicode/ucnv.h>

#include <array>
#include <map>
#include <memory>
#include <utility>

#include "mime/lines.hpp"

namespace dmarcbox::mime {

namespace {

struct CloseConverter {
    void operator()(UConverter* converter) const noexcept { ucnv_close(converter); }
};
using Converter = std::unique_ptr<UConverter, CloseConverter>;

/// What mail means by these labels. Plain GB2312 turns GBK characters into garbage, iso-8859-1 is
/// what Windows writes for windows-1252, ks_c_5601-1987 what Outlook writes for windows-949.
constexpr std::array<std::pair<std::string_view, std::string_view>, 27> kAliases{{
    {"gb2312", "GB18030"},          {"gbk", "GB18030"},
    {"gb_2312-80", "GB18030"},      {"x-gbk", "GB18030"},
    {"cp936", "GB18030"},           {"us-ascii", "windows-1252"},
    {"ascii", "windows-1252"},      {"ansi_x3.4-1968", "windows-1252"},
    {"iso-8859-1", "windows-1252"}, {"iso8859-1", "windows-1252"},
    {"iso_8859-1", "windows-1252"}, {"latin1", "windows-1252"},
    {"latin-1", "windows-1252"},    {"ks_c_5601-1987", "windows-949"},
    {"euc-kr", "windows-949"},      {"ks_c_5601", "windows-949"},
    {"cp949", "windows-949"},       {"shift_jis", "windows-31j"},
    {"shift-jis", "windows-31j"},   {"x-sjis", "windows-31j"},
    {"sjis", "windows-31j"},        {"iso-8859-9", "windows-1254"},
    {"iso-8859-11", "windows-874"}, {"tis-620", "windows-874"},
    {"big5", "big5-hkscs"},         {"unicode", "UTF-16"},
    {"iso-8859-8-i", "iso-8859-8"},
}};

bool means_utf8(std::string_view label) {
    return label == "utf-8" || label == "utf8" || label == "unicode-1-1-utf-8" ||
           label == "utf-8-sig" || label == "cp65001";
}

/// Lower case, only characters that labels are made of (RFC 2978 section 2.3, and those of IANA).
std::string clean_label(std::string_view label) {
    std::string out;
    for (const char c : to_lower(label.substr(0, 60))) {
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
            c == ':' || c == '+') {
            out.push_back(c);
        }
    }
    return out;
}

/// Honest mail uses a handful; a sender who names them all must not fill memory on each thread.
constexpr std::size_t kMaxCached = 32;

/// Open converter of this thread for the label; nullptr if ICU has none. Opening takes longer than
/// most conversions.
UConverter* converter_for(const std::string& label) {
    thread_local std::map<std::string, Converter, std::less<>> cache;
    if (const auto found = cache.find(label); found != cache.end()) {
        return found->second.get();
    }
    std::string_view name = label;
    for (const auto& [alias, meant] : kAliases) {
        if (label == alias) {
            name = meant;
        }
    }
    UErrorCode status = U_ZERO_ERROR;
    Converter converter(ucnv_open(std::string(name).c_str(), &status));
    if (U_FAILURE(status) != 0 || converter == nullptr) {
        return nullptr;
    }
    if (cache.size() >= kMaxCached) {
        cache.clear();
    }
    return cache.emplace(label, std::move(converter)).first->second.get();
}

UConverter* utf8_converter() {
    thread_local Converter converter = [] {
        UErrorCode status = U_ZERO_ERROR;
        return Converter(ucnv_open("UTF-8", &status));
    }();
    return converter.get();
}

std::optional<std::string> convert(std::string_view bytes, UConverter* from) {
    UConverter* to = utf8_converter();
    if (to == nullptr) {
        return std::nullopt;
    }
    std::string out;
    std::array<char, 8192> target{};
    std::array<UChar, 2048> pivot{};
    UChar* pivot_source = pivot.data();
    UChar* pivot_target = pivot.data();
    const char* source = bytes.data();
    const char* const source_end = source + bytes.size();
    UBool reset = 1;
    for (;;) {
        char* target_at = target.data();
        UErrorCode status = U_ZERO_ERROR;
        ucnv_convertEx(to, from, &target_at, target.data() + target.size(), &source, source_end,
                       pivot.data(), &pivot_source, &pivot_target, pivot.data() + pivot.size(),
                       reset, 1, &status);
        reset = 0;
        out.append(target.data(), static_cast<std::size_t>(target_at - target.data()));
        if (status == U_BUFFER_OVERFLOW_ERROR) {
            continue;
        }
        if (U_FAILURE(status) != 0) {
            return std::nullopt;
        }
        return out;
    }
}

}  // namespace

std::optional<std::string> to_utf8(std::string_view bytes, std::string_view label) {
    const std::string name = clean_label(label);
    if (means_utf8(name) && is_utf8(bytes)) {
        return guess_utf8(bytes);
    }
    if (name.empty()) {
        return std::nullopt;
    }
    // What is labelled UTF-8 is not guessed to be something else: invalid bytes are replaced.
    UConverter* const converter = converter_for(means_utf8(name) ? "utf-8" : name);
    if (converter == nullptr) {
        return std::nullopt;
    }
    auto text = convert(bytes, converter);
    return text ? std::optional(guess_utf8(*text)) : std::nullopt;
}

}  // namespace dmarcbox::mime
