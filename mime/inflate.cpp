#include "mime/inflate.hpp"

#include <zlib.h>

#include <algorithm>

#include "mime/finding_codes.hpp"

namespace dmarcbox::mime {

namespace {

constexpr std::size_t kMinStep = 4096;
/// Between two looks at time and ratio; about a millisecond.
constexpr std::size_t kMaxStep = std::size_t{1} << 20U;
/// Below this size a high ratio is harmless.
constexpr std::size_t kRatioFloor = std::size_t{1} << 20U;

/// Window bits as inflateInit2() takes them: the largest window, and which header.
constexpr int kZlib = 15;
constexpr int kGzip = 15 + 16;

class Inflater {
  public:
    explicit Inflater(int window_bits) { good_ = inflateInit2(&stream_, window_bits) == Z_OK; }
    ~Inflater() {
        if (good_) {
            inflateEnd(&stream_);
        }
    }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;
    Inflater(Inflater&&) = delete;
    Inflater& operator=(Inflater&&) = delete;

    [[nodiscard]] bool good() const { return good_; }
    [[nodiscard]] z_stream& stream() { return stream_; }

  private:
    z_stream stream_{};
    bool good_ = false;
};

struct Stop {
    const FindingCode* code;
    std::string detail;
};

/// Room for the next output: what the last four bytes promise at first, where that is plausible.
std::size_t first_room(std::string_view packed, std::size_t cap) {
    std::size_t promised = 0;
    if (packed.size() >= 18) {
        for (std::size_t i = 0; i < 4; ++i) {
            promised |= std::size_t{static_cast<unsigned char>(packed[packed.size() - 4 + i])}
                        << (8 * i);
        }
    }
    const bool plausible = promised > 0 && promised <= 64 * packed.size();
    return std::min(plausible ? promised + 1 : std::max(kMinStep, 4 * packed.size()), cap + 1);
}

/// `size` of all output, `produced` by this stream from `consumed` bytes.
std::optional<Stop> over_cap(std::size_t size,
                             std::size_t produced,
                             std::size_t consumed,
                             const Limits& limits) {
    if (size > limits.max_unpacked_bytes) {
        return Stop{&kUnpackedTooBig,
                    "more than " + std::to_string(limits.max_unpacked_bytes) + " bytes"};
    }
    if (produced > kRatioFloor &&
        produced / std::max<std::size_t>(consumed, 1) > limits.max_unpack_ratio) {
        return Stop{&kRatioTooHigh,
                    "more than " + std::to_string(limits.max_unpack_ratio) + " to 1"};
    }
    return std::nullopt;
}

/// Why inflate() did not go on.
Stop reason(int code, const char* message, std::size_t produced) {
    if (code == Z_BUF_ERROR || code == Z_OK) {
        return Stop{&kTruncated, std::to_string(produced) + " bytes could be read"};
    }
    const std::string text = message == nullptr ? "zlib error" : message;
    const bool checksum = text == "incorrect data check" || text == "incorrect length check";
    return Stop{checksum ? &kBadChecksum : &kBadArchive, text};
}

/// Inflates one stream, appending to `out`. Returns the bytes consumed, or sets `stop`.
std::size_t inflate_stream(std::string_view packed,
                           int window_bits,
                           const Limits& limits,
                           const Expired& expired,
                           std::string& out,
                           std::optional<Stop>& stop) {
    Inflater inflater(window_bits);
    if (!inflater.good()) {
        stop = Stop{&kBadArchive, "no memory for zlib"};
        return 0;
    }
    z_stream& stream = inflater.stream();
    const std::size_t start = out.size();
    std::size_t consumed = 0;
    for (;;) {
        if (expired && expired()) {
            stop = Stop{&kUnpackTime, {}};
            return consumed;
        }
        // zlib counts in 32 bits.
        const std::size_t offered = std::min(packed.size() - consumed, std::size_t{1} << 30U);
        // zlib's interface takes a pointer to non-const and does not write through it.
        stream.next_in =
            reinterpret_cast<Bytef*>(const_cast<char*>(packed.data() + consumed));  // NOLINT
        stream.avail_in = static_cast<uInt>(offered);
        const std::size_t used = out.size();
        if (used == start) {
            out.reserve(used + first_room(packed, limits.max_unpacked_bytes));
        }
        const std::size_t left = out.capacity() - used;
        const std::size_t room = std::clamp(left > 0 ? left : used - start, kMinStep, kMaxStep);
        out.resize(used + room);
        stream.next_out = reinterpret_cast<Bytef*>(out.data() + used);
        stream.avail_out = static_cast<uInt>(room);
        const int code = inflate(&stream, Z_NO_FLUSH);
        consumed += offered - stream.avail_in;
        out.resize(used + room - stream.avail_out);
        stop = over_cap(out.size(), out.size() - start, consumed, limits);
        if (stop) {
            return consumed;
        }
        if (code == Z_STREAM_END) {
            return consumed;
        }
        const bool starved = stream.avail_in == 0 && consumed == packed.size();
        if (code != Z_OK || (starved && stream.avail_out > 0)) {
            stop = reason(code, stream.msg, out.size() - start);
            return consumed;
        }
    }
}

bool starts_member(std::string_view bytes) {
    return bytes.size() >= 18 && bytes.starts_with("\x1F\x8B\x08");
}

}  // namespace

std::optional<std::string> gunzip(std::string_view packed,
                                  const std::string& part,
                                  const Limits& limits,
                                  const Expired& expired,
                                  UnpackBudget& budget,
                                  Findings& findings) {
    Limits capped = limits;
    capped.max_unpacked_bytes = std::min(limits.max_unpacked_bytes, budget.left);
    std::string out;
    std::size_t members = 0;
    std::string_view rest = packed;
    do {
        if (++members > limits.max_members) {
            add_finding(findings, kTooManyMembers, part,
                        "more than " + std::to_string(limits.max_members));
            return std::nullopt;
        }
        std::optional<Stop> stop;
        rest.remove_prefix(inflate_stream(rest, kGzip, capped, expired, out, stop));
        if (stop) {
            budget.left -= std::min(budget.left, out.size());
            add_finding(findings, *stop->code, part, stop->detail);
            return std::nullopt;
        }
    } while (starts_member(rest));
    budget.left -= std::min(budget.left, out.size());
    if (members > 1) {
        add_finding(findings, kGzipMembers, part, std::to_string(members));
    }
    if (!rest.empty()) {
        add_finding(findings, kGzipTrailing, part, std::to_string(rest.size()) + " bytes");
    }
    return out;
}

std::optional<std::string> inflate_zlib(std::string_view packed,
                                        const Limits& limits,
                                        const Expired& expired,
                                        UnpackBudget& budget) {
    Limits capped = limits;
    capped.max_unpacked_bytes = std::min(limits.max_unpacked_bytes, budget.left);
    std::string out;
    std::optional<Stop> stop;
    static_cast<void>(inflate_stream(packed, kZlib, capped, expired, out, stop));
    budget.left -= std::min(budget.left, out.size());
    return stop ? std::nullopt : std::optional(std::move(out));
}

}  // namespace dmarcbox::mime
