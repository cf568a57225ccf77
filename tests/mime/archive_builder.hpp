#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dmarcbox::mime {

/// Archives made byte by byte, so that each field can be wrong on purpose.

inline std::string little_endian(std::uint64_t value, int bytes) {
    std::string out;
    for (int i = 0; i < bytes; ++i) {
        out.push_back(static_cast<char>(value >> (8 * i)));
    }
    return out;
}

inline std::uint32_t crc_of(std::string_view bytes) {
    return static_cast<std::uint32_t>(
        crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

/// window_bits: -15 raw deflate, 15 zlib, 31 gzip.
inline std::string deflate_bytes(std::string_view plain, int window_bits, int level = 9) {
    z_stream stream{};
    deflateInit2(&stream, level, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
    std::string out(deflateBound(&stream, static_cast<uLong>(plain.size())) + 64, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
    stream.avail_in = static_cast<uInt>(plain.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

inline std::string gzip(std::string_view plain) {
    return deflate_bytes(plain, 31);
}

struct ZipMember {
    std::string name;
    std::string content;
    int method = 8;      ///< 0 stored, 8 deflate, 9 Deflate64, others as they are
    unsigned flags = 0;  ///< 1 encrypted, 8 data descriptor, 0x800 UTF-8 name
    bool wrong_crc = false;
    std::string packed = {};  ///< instead of the deflated content
};

struct ZipOptions {
    bool central_directory = true;
};

inline std::string zip(const std::vector<ZipMember>& members, ZipOptions options = {}) {
    std::string out;
    std::string central;
    for (std::size_t i = 0; i < members.size(); ++i) {
        const ZipMember& member = members[i];
        const std::string packed =
            !member.packed.empty()
                ? member.packed
                : (member.method == 8 ? deflate_bytes(member.content, -15) : member.content);
        const std::uint32_t crc = crc_of(member.content) ^ (member.wrong_crc ? 1U : 0U);
        const bool described = (member.flags & 8U) != 0;
        const std::string sizes = little_endian(crc, 4) + little_endian(packed.size(), 4) +
                                  little_endian(member.content.size(), 4);
        const std::string head = little_endian(20, 2) + little_endian(member.flags, 2) +
                                 little_endian(static_cast<unsigned>(member.method), 2) +
                                 little_endian(0x58210000, 4);
        const std::size_t offset = out.size();
        out += "PK\x03\x04" + head + (described ? std::string(12, '\0') : sizes) +
               little_endian(member.name.size(), 2) + little_endian(0, 2) + member.name + packed;
        if (described) {
            out += "PK\x07\x08" + sizes;
        }
        central += "PK\x01\x02" + little_endian(20, 2) + head + sizes +
                   little_endian(member.name.size(), 2) + std::string(12, '\0') +
                   little_endian(offset, 4) + member.name;
    }
    if (options.central_directory) {
        const std::size_t start = out.size();
        out += central + "PK\x05\x06" + std::string(4, '\0') + little_endian(members.size(), 2) +
               little_endian(members.size(), 2) + little_endian(central.size(), 4) +
               little_endian(start, 4) + little_endian(0, 2);
    }
    return out;
}

/// `count` members of which each holds all later ones: its data quotes the next local header in a
/// stored block and goes on with that member's data, so that `kernel` is packed once and unpacked
/// `count` times (Fifield, "A better zip bomb").
inline std::string overlapping_zip(int count, const std::string& kernel) {
    std::string data = deflate_bytes(kernel, -15);
    std::string content = kernel;
    std::string entries;               // local header and data of the member made last
    std::vector<std::string> central;  // last member first, without offsets
    std::vector<std::size_t> from_end;
    for (int i = count - 1; i >= 0; --i) {
        if (!entries.empty()) {
            const std::string header = entries.substr(0, 30 + 4);
            data = std::string(1, '\0') + little_endian(header.size(), 2) +
                   little_endian(~header.size(), 2) + header + data;
            content = header + content;
        }
        std::string name = std::to_string(1000 + i);
        const std::string head = little_endian(20, 2) + little_endian(0, 2) + little_endian(8, 2) +
                                 little_endian(0x58210000, 4) + little_endian(crc_of(content), 4) +
                                 little_endian(data.size(), 4) + little_endian(content.size(), 4) +
                                 little_endian(name.size(), 2);
        entries = "PK\x03\x04" + head + little_endian(0, 2) + name + data;
        central.push_back("PK\x01\x02" + little_endian(20, 2) + head + std::string(12, '\0'));
        from_end.push_back(entries.size());
    }
    std::string out = entries;
    const std::size_t start = out.size();
    for (std::size_t i = central.size(); i-- > 0;) {
        out += central[i] + little_endian(start - from_end[i], 4) +
               std::to_string(1000 + count - 1 - static_cast<int>(i));
    }
    return out + "PK\x05\x06" + std::string(4, '\0') + little_endian(central.size(), 2) +
           little_endian(central.size(), 2) + little_endian(out.size() - start, 4) +
           little_endian(start, 4) + little_endian(0, 2);
}

inline std::string base64(std::string_view bytes, std::string_view line_end = "\r\n") {
    constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    std::size_t column = 0;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k) {
            group = (group << 8U) |
                    (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
        }
        for (std::size_t k = 0; k < 4; ++k) {
            out.push_back(i + k > bytes.size() ? '=' : alphabet[(group >> (18U - 6U * k)) & 0x3FU]);
        }
        if ((column += 4) == 76) {
            out += line_end;
            column = 0;
        }
    }
    return out;
}

}  // namespace dmarcbox::mime
