#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include "server/smtp/proxy_header.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace dmarcbox::smtp;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto whole = parse_proxy_header(bytes);
    const auto* const header = std::get_if<ProxyHeader>(&whole);
    if (header != nullptr && (header->length > size || header->length > 4096)) {
        __builtin_trap();
    }
    // One byte at a time: the first decision is the last, and it is the one about the whole.
    for (std::size_t length = 0; length <= size; ++length) {
        const auto part = parse_proxy_header(bytes.substr(0, length));
        if (!std::holds_alternative<ProxyIncomplete>(part)) {
            if (part.index() != whole.index() || (header != nullptr && length != header->length)) {
                __builtin_trap();
            }
            break;
        }
    }
    return 0;
}
