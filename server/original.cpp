#include "server/original.hpp"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <stdexcept>

namespace dmarcbox {
namespace {

/// Speed over size: see the README of this folder for what levels 1, 6 and Huffman-only cost.
constexpr int kLevel = 1;

/// Keeps its 256 KiB of state between messages: setting it up costs as much as deflating 4 KiB.
class Deflater {
  public:
    Deflater() {
        if (deflateInit(&stream_, kLevel) != Z_OK) {
            throw std::runtime_error("deflateInit failed");
        }
    }
    Deflater(const Deflater&) = delete;
    Deflater& operator=(const Deflater&) = delete;
    ~Deflater() { deflateEnd(&stream_); }

    /// Nullopt unless the stream is shorter than the bytes.
    std::optional<std::string> compress(std::string_view bytes) {
        if (bytes.size() < 2 || bytes.size() > std::numeric_limits<uInt>::max()) {
            return std::nullopt;
        }
        deflateReset(&stream_);
        std::string out(bytes.size() - 1, '\0');
        // zlib does not write through next_in; its type is const only with ZLIB_CONST.
        stream_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
        stream_.avail_in = static_cast<uInt>(bytes.size());
        stream_.next_out = reinterpret_cast<Bytef*>(out.data());
        stream_.avail_out = static_cast<uInt>(out.size());
        if (deflate(&stream_, Z_FINISH) != Z_STREAM_END) {
            return std::nullopt;
        }
        out.resize(stream_.total_out);
        out.shrink_to_fit();
        return out;
    }

  private:
    z_stream stream_{};
};

}  // namespace

storage::Original make_original(std::string_view bytes,
                                const schema::Digest& sha256,
                                bool reduced) {
    thread_local Deflater deflater;
    storage::Original original;
    original.size = static_cast<std::int64_t>(bytes.size());
    original.sha256 = sha256;
    original.reduced = reduced;
    auto compressed = deflater.compress(bytes);
    original.content = compressed ? std::move(*compressed) : std::string(bytes);
    return original;
}

}  // namespace dmarcbox
