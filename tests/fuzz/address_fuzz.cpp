#include <cstddef>
#include <cstdint>
#include <string_view>

#include "server/smtp/address.hpp"
#include "server/smtp/limits.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace dmarcbox::smtp;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto address = parse_path(text);
    if (address) {
        // What was accepted is accepted again without its route, and means the same.
        const auto again = parse_path("<" + address->text + ">");
        if (!again || again->local_part != address->local_part ||
            again->domain != address->domain || address->local_part.size() > kMaxLocalPart ||
            address->domain.size() > kMaxDomain) {
            __builtin_trap();
        }
        static const Recipients recipients({"rua@reports.example", "@example.org"});
        static_cast<void>(recipients.check(*address));
    }
    return 0;
}
