#include "mime/tnef.hpp"

#include <cstdint>

#include "mime/charset.hpp"

namespace dmarcbox::mime {

namespace {

constexpr std::string_view kSignature = "\x78\x9F\x3E\x22";
constexpr std::size_t kPreambleBytes = 6;  // signature and key

// Attribute ids with their types, MS-OXTNEF section 2.1.3.2.
constexpr std::uint32_t kAttachRenderData = 0x00069002;  // the first attribute of each attachment
constexpr std::uint32_t kAttachTitle = 0x00018010;
constexpr std::uint32_t kAttachData = 0x0006800F;
constexpr char kAttachmentLevel = 2;

// Around the data of each attribute.
constexpr std::size_t kHead = 9;  // level, id, length
constexpr std::size_t kTail = 2;  // checksum

std::uint32_t number_at(std::string_view bytes, std::size_t at, std::size_t size) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
        value |= std::uint32_t{static_cast<std::uint8_t>(bytes[at + i])} << (8 * i);
    }
    return value;
}

std::uint16_t checksum_of(std::string_view data) {
    std::uint32_t sum = 0;
    for (const char c : data) {
        sum += static_cast<std::uint8_t>(c);
    }
    return static_cast<std::uint16_t>(sum);
}

}  // namespace

bool is_tnef(std::string_view bytes) {
    return bytes.starts_with(kSignature);
}

TnefContent read_tnef(std::string_view bytes, std::size_t max_attachments) {
    TnefContent content;
    std::size_t at = kPreambleBytes;
    while (at < bytes.size()) {
        if (bytes.size() - at < kHead + kTail) {
            content.broken = true;
            break;
        }
        const char level = bytes[at];
        const std::uint32_t id = number_at(bytes, at + 1, 4);
        const std::size_t length = number_at(bytes, at + 5, 4);
        if (length > bytes.size() - at - kHead - kTail) {
            content.broken = true;
            break;
        }
        const std::string_view data = bytes.substr(at + kHead, length);
        if (checksum_of(data) != number_at(bytes, at + kHead + length, 2)) {
            content.broken = true;
            break;
        }
        at += kHead + length + kTail;
        if (level != kAttachmentLevel) {
            continue;
        }
        if (id == kAttachRenderData) {
            if (content.attachments.size() >= max_attachments) {
                break;
            }
            content.attachments.emplace_back();
        } else if (!content.attachments.empty() && id == kAttachTitle) {
            content.attachments.back().name = guess_utf8(data.substr(0, data.find('\0')));
        } else if (!content.attachments.empty() && id == kAttachData) {
            content.attachments.back().bytes = data;
        }
    }
    return content;
}

}  // namespace dmarcbox::mime
