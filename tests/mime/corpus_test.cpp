#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "limits_for_tests.hpp"
#include "mime/charset.hpp"
#include "mime/decompress.hpp"
#include "mime/sniff.hpp"
#include "mime/unpack.hpp"

namespace dmarcbox::mime {
namespace {

/// Folder of real samples: REPORT_SAMPLES, or `shared/corpus` beside the checkout.
std::filesystem::path corpus_folder() {
    if (const char* set = std::getenv("REPORT_SAMPLES"); set != nullptr) {
        return set;
    }
    return std::filesystem::path(DMARCBOX_SOURCE_DIR) / ".." / "shared" / "corpus";
}

std::string read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// First words of what a file holds: kinds of documents found, samples, feedback reports.
struct Seen {
    int aggregate = 0;
    int json = 0;
    int feedback = 0;
    int samples = 0;
    int faults = 0;
};

void look(Document document, Seen& seen) {
    Findings findings;
    decompress(
        std::move(document), kTestLimits, {},
        [&](Document found) {
            const std::string text = document_to_utf8(std::move(found.bytes), found.part, findings);
            CHECK(is_utf8(text));
            const ContentKind kind = sniff(text);
            seen.aggregate += kind == ContentKind::xml && text.find("feedback") != text.npos;
            seen.json += kind == ContentKind::json;
        },
        findings);
    for (const Finding& finding : findings) {
        seen.faults += finding.code.fault;
        CHECK(is_utf8(finding.detail));
    }
}

Seen take_apart(const std::string& bytes) {
    Seen seen;
    if (!looks_like_message(bytes)) {
        look({"", "", bytes}, seen);
        return seen;
    }
    const auto message = unpack(bytes, kTestLimits);
    REQUIRE(message.has_value());
    for (const Part& part : message->parts) {
        seen.feedback += part.media_type == "message/feedback-report";
        seen.samples += part.sample;
        CHECK_FALSE(part.section.empty());
        if (!part.sample && part.media_type != "message/feedback-report") {
            look({part.section, part.file_name, part.content}, seen);
        }
    }
    for (const Finding& finding : message->findings) {
        seen.faults += finding.code.fault;
    }
    return seen;
}

TEST_CASE("corpus: every sample comes apart as its table row says") {
    const auto folder = corpus_folder();
    if (!std::filesystem::exists(folder / "expected.tsv")) {
        MESSAGE("skipped: no corpus at " << folder.string());
        return;
    }
    std::ifstream table(folder / "expected.tsv");
    std::string line;
    std::getline(table, line);
    const bool verbose = std::getenv("DMARCBOX_VERBOSE") != nullptr;
    int files = 0;
    while (std::getline(table, line)) {
        const std::size_t tab = line.find('\t');
        const std::string name = line.substr(0, tab);
        const std::string kind = line.substr(tab + 1, line.find('\t', tab + 1) - tab - 1);
        CAPTURE(name);
        const Seen seen = take_apart(read_file(folder / name));
        ++files;
        if (verbose) {
            MESSAGE(name << " " << kind << ": xml " << seen.aggregate << " json " << seen.json
                         << " feedback " << seen.feedback << " samples " << seen.samples
                         << " faults " << seen.faults);
        }
        if (kind == "aggregate") {
            CHECK(seen.aggregate >= 1);
        } else if (kind == "tlsrpt") {
            CHECK(seen.json >= 1);
        } else if (kind == "failure" && line.find("text") == line.npos) {
            CHECK(seen.feedback >= 1);
        }
    }
    CHECK(files > 0);
}

}  // namespace
}  // namespace dmarcbox::mime
