#include "mime/decompress.hpp"

#include <utility>

#include "mime/finding_codes.hpp"
#include "mime/inflate.hpp"
#include "mime/lines.hpp"
#include "mime/sniff.hpp"
#include "mime/sniff_detail.hpp"
#include "mime/unzip.hpp"

namespace dmarcbox::mime {

namespace {

void drop_suffix(std::string& name, std::string_view suffix) {
    if (name.size() > suffix.size() &&
        equals_ignoring_case(std::string_view(name).substr(name.size() - suffix.size()), suffix)) {
        name.resize(name.size() - suffix.size());
    }
}

class Decompressor {
  public:
    Decompressor(const Limits& limits,
                 const Expired& expired,
                 UnpackBudget& budget,
                 const DocumentSink& sink,
                 Findings& findings)
        : limits_(limits), expired_(expired), sink_(sink), findings_(findings), budget_(budget) {}

    /// `outer` is the kind of the archive that the document was in, empty for a part.
    void unpack(Document document, std::size_t depth, std::string_view outer) {
        if (document.bytes.empty()) {
            add_finding(findings_, kEmpty, document.part);
            return;
        }
        if (const auto name = foreign_archive(document.bytes); !name.empty()) {
            add_finding(findings_, kForeignArchive, document.part, std::string(name));
            return;
        }
        const ContentKind kind = sniff(document.bytes);
        const bool zlib = kind == ContentKind::other && is_zlib_stream(document.bytes);
        if (kind != ContentKind::gzip && kind != ContentKind::zip && !zlib) {
            sink_(std::move(document));
            return;
        }
        if (depth >= limits_.max_unpack_depth) {
            add_finding(findings_, kUnpackTooDeep, document.part,
                        "more than " + std::to_string(limits_.max_unpack_depth) + " levels");
            return;
        }
        if (!zlib) {
            tell_nested(document.part, kind == ContentKind::gzip ? "gzip" : "zip", outer);
        }
        if (kind == ContentKind::gzip) {
            unpack_gzip(std::move(document), depth);
        } else if (kind == ContentKind::zip) {
            unpack_zip(std::move(document), depth);
        } else {
            unpack_zlib(std::move(document), depth);
        }
    }

  private:
    /// Once for all: a zip of a year's gzipped reports nests 366 times.
    void tell_nested(const std::string& part, std::string_view inner, std::string_view outer) {
        if (!outer.empty() && !std::exchange(told_nested_, true)) {
            add_finding(findings_, kNestedArchive, part,
                        std::string(inner).append(" in ").append(outer));
        }
    }

    void unpack_gzip(Document document, std::size_t depth) {
        std::string_view packed = document.bytes;
        if (const std::size_t start = find_gzip_start(packed);
            start > 0 && start != std::string_view::npos) {
            add_finding(findings_, kGzipJunk, document.part, std::to_string(start) + " bytes");
            packed.remove_prefix(start);
        }
        auto content = gunzip(packed, document.part, limits_, expired_, budget_, findings_);
        if (!content) {
            return;
        }
        drop_suffix(document.name, ".gz");
        document.bytes = std::move(*content);
        unpack(std::move(document), depth + 1, "gzip");
    }

    void unpack_zlib(Document document, std::size_t depth) {
        auto content = inflate_zlib(document.bytes, limits_, expired_, budget_);
        if (!content) {
            sink_(std::move(document));  // something else that begins with an x
            return;
        }
        add_finding(findings_, kZlibStream, document.part);
        document.bytes = std::move(*content);
        unpack(std::move(document), depth + 1, "zlib");
    }

    void unpack_zip(Document document, std::size_t depth) {
        std::string_view archive = document.bytes;
        const std::size_t start = find_zip_start(archive);
        if (start > 0 && start != std::string_view::npos) {
            add_finding(findings_, kZipJunk, document.part, std::to_string(start) + " bytes");
            archive.remove_prefix(start);
        }
        unzip(
            archive, document.part, limits_, expired_, budget_,
            [&](std::string name, std::string bytes) {
                std::string label = document.part + "/" + name;
                unpack(Document{std::move(label), std::move(name), std::move(bytes)}, depth + 1,
                       "zip");
            },
            findings_);
    }

    const Limits& limits_;
    const Expired& expired_;
    const DocumentSink& sink_;
    Findings& findings_;
    UnpackBudget& budget_;
    bool told_nested_ = false;
};

}  // namespace

void decompress(Document packed,
                const Limits& limits,
                const Expired& expired,
                UnpackBudget& budget,
                const DocumentSink& sink,
                Findings& findings) {
    Decompressor(limits, expired, budget, sink, findings).unpack(std::move(packed), 0, {});
}

void decompress(Document packed,
                const Limits& limits,
                const Expired& expired,
                const DocumentSink& sink,
                Findings& findings) {
    UnpackBudget budget(limits);
    decompress(std::move(packed), limits, expired, budget, sink, findings);
}

}  // namespace dmarcbox::mime
