#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "mime/charset.hpp"

/// The first line is the label.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace dmarcbox::mime;  // NOLINT(google-build-using-namespace)
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::size_t line_end = input.find('\n');
    const std::string_view label = input.substr(0, line_end);
    const std::string_view bytes = line_end == input.npos ? label : input.substr(line_end + 1);
    const auto converted = to_utf8(bytes, label);
    Findings findings;
    if ((converted && !is_utf8(*converted)) || !is_utf8(guess_utf8(bytes)) ||
        !is_utf8(document_to_utf8(std::string(bytes), "1", findings))) {
        std::abort();
    }
    return 0;
}
