// Runs a fuzz target over its seeds without libFuzzer, so that every compiler and sanitizer sees
// them: each file whole, and cut short at 32 places. Fails when there is no seed.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t kCuts = 32;

/// Copied to the exact size, so that the address sanitizer sees a read past the end.
void run(const std::vector<std::uint8_t>& bytes, std::size_t size) {
    const std::vector<std::uint8_t> input(bytes.begin(),
                                          bytes.begin() + static_cast<std::ptrdiff_t>(size));
    static_cast<void>(LLVMFuzzerTestOneInput(input.data(), input.size()));
}

std::size_t replay(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    const std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
    if (!file) {
        throw std::filesystem::filesystem_error("cannot read", path, std::error_code{});
    }
    run(bytes, bytes.size());
    const std::size_t step = std::max<std::size_t>(1, bytes.size() / kCuts);
    std::size_t inputs = 1;
    for (std::size_t size = 0; size < bytes.size(); size += step, ++inputs) {
        run(bytes, size);
    }
    return inputs;
}

}  // namespace

int main(int argc, char** argv) try {
    std::size_t seeds = 0;
    std::size_t inputs = 0;
    for (int i = 1; i < argc; ++i) {
        std::vector<std::filesystem::path> files;
        for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
            if (entry.is_regular_file()) {
                files.push_back(entry.path());
            }
        }
        std::sort(files.begin(), files.end());
        for (const auto& file : files) {
            inputs += replay(file);
        }
        seeds += files.size();
    }
    std::printf("%zu seeds, %zu inputs\n", seeds, inputs);
    return seeds > 0 ? 0 : 1;
} catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
