#include "mime/sniff.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <utility>

#include "mime/lines.hpp"
#include "mime/sniff_detail.hpp"

namespace dmarcbox::mime {

namespace {

/// How far junk in front is looked through.
constexpr std::size_t kWindow = 4096;

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// The beginning of the text with one byte per character: UTF-16 without its zero bytes, no byte
/// order mark, no leading white space. Only text with zero bytes is copied, to `copy`.
std::string_view beginning_of(std::string_view bytes, std::string& copy) {
    std::string_view window = bytes.substr(0, kWindow);
    if (window.starts_with("\xEF\xBB\xBF")) {
        window.remove_prefix(3);
    } else if (window.starts_with("\xFF\xFE") || window.starts_with("\xFE\xFF")) {
        window.remove_prefix(2);
    }
    if (window.find('\0') != std::string_view::npos) {
        std::copy_if(window.begin(), window.end(), std::back_inserter(copy),
                     [](char c) { return c != '\0'; });
        window = copy;
    }
    const auto* const start = std::find_if_not(window.begin(), window.end(), is_space);
    window.remove_prefix(static_cast<std::size_t>(start - window.begin()));
    return window;
}

/// `<feedback` or `<prefix:feedback`.
bool has_feedback_root(std::string_view text) {
    std::size_t at = 0;
    while ((at = text.find("feedback", at)) != std::string_view::npos) {
        std::size_t start = at;
        if (start > 0 && text[start - 1] == ':') {
            --start;
            while (start > 0 && text[start - 1] > ' ' && text[start - 1] != '<' &&
                   text[start - 1] != '>') {
                --start;
            }
        }
        if (start > 0 && text[start - 1] == '<') {
            return true;
        }
        at += 8;
    }
    return false;
}

bool is_array_of_objects(std::string_view text) {
    if (!text.starts_with('[')) {
        return false;
    }
    const auto* const first = std::find_if_not(text.begin() + 1, text.end(), is_space);
    return first != text.end() && *first == '{';
}

bool is_html(std::string_view text) {
    const std::string lower = to_lower(text.substr(0, 1024));
    for (const std::string_view sign :
         {"<!doctype html", "<html", "<head", "<body", "<meta", "<div", "<p>", "<table", "<br"}) {
        if (lower.find(sign) != std::string::npos) {
            return true;
        }
    }
    return false;
}

}  // namespace

std::size_t find_gzip_start(std::string_view bytes) {
    if (bytes.starts_with("\x1F\x8B")) {
        return 0;
    }
    const std::string_view window = bytes.substr(0, kWindow);
    const auto* const start = std::find_if_not(window.begin(), window.end(), is_space);
    const auto at = static_cast<std::size_t>(start - window.begin());
    return window.substr(at).starts_with("\x1F\x8B\x08") ? at : std::string_view::npos;
}

std::size_t find_zip_start(std::string_view bytes) {
    const std::string_view window = bytes.substr(0, kWindow + 4);
    if (window.starts_with("PK\x05\x06")) {
        return 0;
    }
    return window.find("PK\x03\x04");
}

bool is_zlib_stream(std::string_view bytes) {
    if (bytes.size() < 6 || bytes[0] != '\x78') {
        return false;
    }
    const unsigned header = 0x7800U + static_cast<unsigned char>(bytes[1]);
    return header % 31 == 0 && (header & 0x20U) == 0;  // no preset dictionary (RFC 1950)
}

std::string_view foreign_archive(std::string_view bytes) {
    constexpr std::size_t kTarMagic = 257;
    if (bytes.size() > kTarMagic && bytes.substr(kTarMagic).starts_with("ustar")) {
        return "tar";
    }
    constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kMagic{
        {{"7z\xBC\xAF\x27\x1C", "7z"},
         {"Rar!\x1A\x07", "rar"},
         {"BZh", "bzip2"},
         {"\xFD"
          "7zXZ",
          "xz"},
         {"\x28\xB5\x2F\xFD", "zstd"}}};
    for (const auto& [magic, name] : kMagic) {
        if (bytes.starts_with(magic)) {
            return name;
        }
    }
    return {};
}

ContentKind sniff(std::string_view bytes) {
    if (bytes.empty()) {
        return ContentKind::empty;
    }
    if (find_gzip_start(bytes) != std::string_view::npos) {
        return ContentKind::gzip;
    }
    if (bytes.starts_with("PK\x03\x04") || bytes.starts_with("PK\x05\x06")) {
        return ContentKind::zip;
    }
    std::string copy;
    const std::string_view text = beginning_of(bytes, copy);
    if (text.empty()) {
        return bytes.size() <= kWindow ? ContentKind::empty : ContentKind::other;
    }
    if (has_feedback_root(text)) {
        return ContentKind::xml;
    }
    if (text.front() == '<') {
        return is_html(text) ? ContentKind::html : ContentKind::xml;
    }
    if (is_array_of_objects(text)) {
        return ContentKind::json;
    }
    if (text.front() == '{') {
        return text.starts_with("{\\rtf") ? ContentKind::other : ContentKind::json;
    }
    if (text.find("<?xml") != std::string::npos) {
        return ContentKind::xml;
    }
    return find_zip_start(bytes) != std::string_view::npos ? ContentKind::zip : ContentKind::other;
}

}  // namespace dmarcbox::mime
