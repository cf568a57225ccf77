#include "mime/decompress.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "archive_builder.hpp"
#include "found.hpp"
#include "limits_for_tests.hpp"

namespace dmarcbox::mime {
namespace {

struct Unpacked {
    std::vector<Document> documents;
    Findings findings;
};

Unpacked unpack_bytes(std::string bytes,
                      const Limits& limits = kTestLimits,
                      const Expired& expired = {},
                      std::string name = "r.xml.gz") {
    Unpacked result;
    decompress(
        {"2", std::move(name), std::move(bytes)}, limits, expired,
        [&](Document document) { result.documents.push_back(std::move(document)); },
        result.findings);
    return result;
}

/// part|name|bytes of each document, one a line.
std::string listed(const std::vector<Document>& documents) {
    std::string out;
    for (const Document& document : documents) {
        out += document.part + "|" + document.name + "|" + document.bytes + "\n";
    }
    return out;
}

const std::string kXml = "<feedback>\n</feedback>\n";

std::string flip(std::string bytes, std::size_t from_end) {
    bytes[bytes.size() - from_end] = static_cast<char>(bytes[bytes.size() - from_end] ^ 1);
    return bytes;
}

std::string cut(const std::string& bytes, std::size_t from_end) {
    return bytes.substr(0, bytes.size() - from_end);
}

TEST_CASE("decompress: what comes out and what is found") {
    struct Row {
        const char* name;
        std::string packed;
        std::string documents;
        std::string findings;
    };
    const std::string plain = "2|r.xml|" + kXml + "\n";
    const std::string as_sent = "2|r.xml.gz|" + kXml + "\n";
    const std::string in_zip = "2/a.xml|a.xml|" + kXml + "\n";
    const std::vector<Row> rows{
        {"plain passes through", kXml, as_sent, ""},
        {"gzip", gzip(kXml), plain, ""},
        {"gzip of the word unused is a document", gzip("unused"), "2|r.xml|unused\n", ""},
        {"gzip of several members is one document", gzip("<feedback>\n") + gzip("</feedback>\n"),
         plain, "gzip_members@2"},
        {"gzip with a line end behind", gzip(kXml) + "\r\n", plain, "gzip_trailing@2"},
        {"gzip with zero padding", gzip(kXml) + std::string(512, '\0'), plain, "gzip_trailing@2"},
        {"gzip behind an empty line", "\r\n" + gzip(kXml), plain, "gzip_junk@2"},
        {"gzip with half a header behind", gzip(kXml) + "\x1F\x8B", plain, "gzip_trailing@2"},
        {"second member broken", gzip(kXml) + cut(gzip(kXml), 9), "", "truncated@2"},
        {"double gzip", gzip(gzip(kXml)), plain, "nested_archive@2"},
        {"gzip cut in the data", cut(gzip(kXml), 12), "", "truncated@2"},
        {"gzip cut in the trailer", cut(gzip(kXml), 1), "", "truncated@2"},
        {"gzip of nothing but magic", "\x1F\x8B", "", "truncated@2"},
        {"gzip with wrong checksum", flip(gzip(kXml), 8), "", "bad_checksum@2"},
        {"gzip with wrong length", flip(gzip(kXml), 4), "", "bad_checksum@2"},
        {"gzip of an unknown method", "\x1F\x8B\x07" + gzip(kXml).substr(3), "", "bad_archive@2"},
        {"gzip with garbage inside",
         std::string("\x1F\x8B\x08\0\0\0\0\0\0\x03", 10) + std::string(40, '\x07'), "",
         "bad_archive@2"},
        {"gzip of nothing", gzip(""), "", "empty@2"},
        {"nothing", "", "", "empty@2"},
        {"zlib stream", deflate_bytes(kXml, 15), as_sent, "zlib_stream@2"},
        {"text that begins like zlib passes through", "x^abcdef", "2|r.xml.gz|x^abcdef\n", ""},
        {"zip", zip({{"a.xml", kXml}}), in_zip, ""},
        {"zip stored", zip({{"a.xml", kXml, 0}}), in_zip, ""},
        {"zip of several files", zip({{"a.xml", kXml}, {"b.xml", "<b/>"}}),
         in_zip + "2/b.xml|b.xml|<b/>\n", ""},
        {"zip with a folder called like a report",
         zip({{"sub.xml/", "", 0}, {"sub.xml/a.xml", kXml}, {"e.xml", "", 0}, {"t.txt", "hi"}}),
         "2/sub.xml/a.xml|sub.xml/a.xml|" + kXml + "\n2/t.txt|t.txt|hi\n", "empty@2/e.xml"},
        {"zip with what desktops leave behind",
         zip({{"__MACOSX/._a.xml", "fork"},
              {".DS_Store", "x"},
              {"d/._a.xml", "x"},
              {"d/Thumbs.db", "x"},
              {"a.xml", kXml}}),
         in_zip, ""},
        {"zip with data descriptor", zip({{"a.xml", kXml, 8, 8}}), in_zip, ""},
        {"zip with data descriptor and no directory",
         zip({{"a.xml", kXml, 8, 8}}, {.central_directory = false}), in_zip, "no_directory@2"},
        {"zip without directory", zip({{"a.xml", kXml}}, {.central_directory = false}), in_zip,
         "no_directory@2"},
        {"zip cut between members",
         zip({{"a.xml", kXml}, {"b.xml", kXml}}, {.central_directory = false})
             .substr(0, zip({{"a.xml", kXml}}, {.central_directory = false}).size()),
         in_zip, "no_directory@2"},
        {"zip with junk in front", "junk\r\n\r\n" + zip({{"a.xml", kXml}}), in_zip, "zip_junk@2"},
        {"zip with a line end behind", zip({{"a.xml", kXml}}) + "\r\n", in_zip, ""},
        {"gzip in zip", zip({{"a.xml.gz", gzip(kXml)}}), "2/a.xml.gz|a.xml|" + kXml + "\n",
         "nested_archive@2/a.xml.gz"},
        {"archives in a zip are told once",
         zip({{"a.xml.gz", gzip(kXml)}, {"b.xml.gz", gzip(kXml)}}),
         "2/a.xml.gz|a.xml|" + kXml + "\n2/b.xml.gz|b.xml|" + kXml + "\n",
         "nested_archive@2/a.xml.gz"},
        {"zip in zip", zip({{"i.zip", zip({{"a.xml", kXml}}), 0}}),
         "2/i.zip/a.xml|a.xml|" + kXml + "\n", "nested_archive@2/i.zip"},
        {"zip in gzip", gzip(zip({{"a.xml", kXml}})), in_zip, "nested_archive@2"},
        {"UTF-8 name", zip({{"\xC3\xA4.xml", kXml, 8, 0x800}}),
         "2/\xC3\xA4.xml|\xC3\xA4.xml|" + kXml + "\n", ""},
        {"name that climbs is only a label", zip({{"../../etc/passwd", kXml}}),
         "2/../../etc/passwd|../../etc/passwd|" + kXml + "\n", ""},
        {"encrypted member beside a good one", zip({{"s.xml", kXml, 8, 1}, {"a.xml", kXml}}),
         in_zip, "encrypted@2/s.xml"},
        {"Deflate64",
         zip({{"d.xml", kXml, 9, 0, false, deflate_bytes(kXml, -15)}, {"a.xml", kXml}}), in_zip,
         "unsupported_method@2/d.xml"},
        {"unknown method", zip({{"d.xml", kXml, 77}}), "", "unsupported_method@2/d.xml"},
        {"member with wrong checksum", zip({{"d.xml", kXml, 8, 0, true}, {"a.xml", kXml}}), in_zip,
         "bad_checksum@2/d.xml"},
        {"stored member with wrong checksum", zip({{"d.xml", kXml, 0, 0, true}}), "",
         "bad_checksum@2/d.xml"},
        {"zip cut in the data", zip({{"a.xml", kXml}}, {.central_directory = false}).substr(0, 45),
         "", "no_directory@2 truncated@2/a.xml"},
        {"zip of nothing but magic", "PK\x03\x04", "", "no_directory@2 truncated@2"},
        {"zip without files", zip({}), "", "empty@2"},
        {"zip of a folder only", zip({{"d/", "", 0}}), "", "empty@2"},
    };
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            const Unpacked result = unpack_bytes(row.packed);
            CHECK(listed(result.documents) == row.documents);
            CHECK(codes(result.findings) == row.findings);
        }
    }
}

/// Three megabytes that deflate halves.
const std::string& make_noise() {
    static std::string noise;  // made once, several subcases need it
    std::uint32_t seed = 1;
    while (noise.size() < (std::size_t{3} << 20U)) {
        seed = seed * 1664525U + 1013904223U;
        noise += "0123456789abcdef"[seed >> 28U];
    }
    return noise;
}

TEST_CASE("decompress: caps") {
    Limits limits = kTestLimits;
    limits.max_unpacked_bytes = std::size_t{4} << 20U;
    static const std::string megabytes(std::size_t{6} << 20U, 'a');
    SUBCASE("gzip bomb ends by ratio at 1 MiB") {
        CHECK(codes(unpack_bytes(gzip(megabytes)).findings) == "ratio_too_high@2");
    }
    SUBCASE("zip bomb ends by ratio") {
        CHECK(codes(unpack_bytes(zip({{"a", megabytes}})).findings) == "ratio_too_high@2/a");
    }
    limits.max_unpack_ratio = 2000;
    SUBCASE("gzip over max_unpacked_bytes") {
        CHECK(codes(unpack_bytes(gzip(megabytes), limits).findings) == "unpacked_too_big@2");
    }
    SUBCASE("zip member over max_unpacked_bytes ends the archive") {
        const auto result = unpack_bytes(zip({{"a", megabytes}, {"b", kXml}}), limits);
        CHECK(codes(result.findings) == "unpacked_too_big@2/a");
        CHECK(result.documents.empty());
    }
    SUBCASE("all members together over twice max_unpacked_bytes") {
        const std::string& noise = make_noise();
        const std::string packed = deflate_bytes(noise, -15);
        std::vector<ZipMember> members;
        for (int i = 0; i < 8; ++i) {
            members.push_back({std::to_string(i), noise, 8, 0, false, packed});
        }
        const auto result = unpack_bytes(zip(members), limits);
        CHECK(result.documents.size() == 2);
        CHECK(codes(result.findings) == "unpacked_too_big@2/2");
    }
    SUBCASE("all parts together over twice max_unpacked_bytes") {
        const std::string packed = gzip(make_noise());
        UnpackBudget budget(limits);
        Findings findings;
        std::size_t documents = 0;
        for (const char* const part : {"1", "2", "3", "4"}) {
            decompress(
                {part, "", packed}, limits, {}, budget, [&](const Document&) { ++documents; },
                findings);
        }
        CHECK(documents == 2);
        CHECK(codes(findings) == "unpacked_too_big@3 unpacked_too_big@4");
    }
    SUBCASE("members that share their packed bytes") {
        const auto result = unpack_bytes(overlapping_zip(100, std::string(1U << 20U, 'a')));
        // What is quoted makes each member look like an archive that breaks off.
        CHECK(result.documents.empty());
        CHECK(result.findings.size() < 60);
        CHECK(codes(result.findings).find("ratio_too_high") != std::string::npos);
    }
    SUBCASE("gzip of too many members") {
        std::string many;
        for (std::size_t i = 0; i <= limits.max_members; ++i) {
            many += gzip("a");
        }
        const auto result = unpack_bytes(many);
        CHECK(codes(result.findings) == "too_many_members@2");
        CHECK(result.documents.empty());
    }
    SUBCASE("zip of too many members keeps the first ones") {
        limits.max_members = 3;
        const auto result =
            unpack_bytes(zip({{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}}), limits);
        CHECK(codes(result.findings) == "too_many_members@2");
        CHECK(result.documents.size() == 3);
    }
    SUBCASE("members of all archives together over max_members") {
        const std::string inner = zip({{"a", "1"}, {"b", "2"}, {"c", "3"}});
        limits.max_members = 6;
        const auto result =
            unpack_bytes(zip({{"1", inner, 0}, {"2", inner, 0}, {"3", inner, 0}}), limits);
        CHECK(result.documents.size() == 4);
        CHECK(codes(result.findings) ==
              "nested_archive@2/1 too_many_members@2/2 "
              "too_many_members@2");
    }
    SUBCASE("nesting up to max_unpack_depth") {
        std::string nested = kXml;
        for (int i = 0; i < 4; ++i) {
            nested = gzip(nested);
        }
        CHECK(unpack_bytes(nested).documents.size() == 1);
        CHECK(codes(unpack_bytes(gzip(nested)).findings) == "nested_archive@2 unpack_too_deep@2");
    }
    SUBCASE("expired time") {
        const std::string& noise = make_noise();
        int asked = 0;
        const Expired expired = [&] { return ++asked > 2; };
        CHECK(codes(unpack_bytes(gzip(noise), kTestLimits, expired).findings) == "time@2");
        asked = 0;
        CHECK(codes(unpack_bytes(zip({{"a", noise}}), kTestLimits, expired).findings) ==
              "time@2/a");
    }
}

TEST_CASE("decompress: a gzip that unpacks to itself ends") {
    // Any fixed point does: here depth ends what would never end.
    std::string nested = gzip("x");
    for (int i = 0; i < 50; ++i) {
        nested = gzip(nested);
    }
    CHECK(codes(unpack_bytes(nested).findings) == "nested_archive@2 unpack_too_deep@2");
}

TEST_CASE("decompress: damage at any byte gives a whole document or a fault") {
    const std::string text = kXml + kXml + "<!-- padding padding padding -->";
    for (const std::string& packed : {gzip(text), zip({{"a.xml", text}})}) {
        for (std::size_t i = 0; i < packed.size(); ++i) {
            std::string damaged = packed;
            damaged[i] = static_cast<char>(damaged[i] ^ 0x55);
            for (const Document& document : unpack_bytes(damaged).documents) {
                const bool passed_through = document.bytes == damaged;
                CHECK((document.bytes == text || passed_through));
            }
        }
    }
}

TEST_CASE("decompress: cut at any byte gives a whole document or a fault") {
    const std::string text = kXml + kXml + "<!-- padding padding padding -->";
    for (const std::string& packed : {gzip(text), zip({{"a.xml", text}})}) {
        for (std::size_t size = 4; size < packed.size(); ++size) {
            const auto result = unpack_bytes(packed.substr(0, size));
            CHECK((result.documents.empty() ? !result.findings.empty()
                                            : result.documents[0].bytes == text));
        }
    }
}

}  // namespace
}  // namespace dmarcbox::mime
