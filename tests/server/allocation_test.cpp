#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <new>
#include <pugixml.hpp>
#include <string>
#include <variant>
#include <vector>

#include "schema/xml_memory.hpp"
#include "server/ingest.hpp"
#include "tests/server/submission_text.hpp"

namespace {

/// Of this thread: the Nth allocation fails, or it and all after it.
struct Fault {
    long left = 0;  // 0: not armed
    bool from_then = false;
    bool fired = false;
};
thread_local Fault fault;

bool fails() {
    if (fault.fired && fault.from_then) {
        return true;
    }
    if (fault.left > 0 && --fault.left == 0) {
        fault.fired = true;
        return true;
    }
    return false;
}

}  // namespace

// This program's only: it counts, and says no where it is told to.
void* operator new(std::size_t size) {
    void* made = fails() ? nullptr : std::malloc(size == 0 ? 1 : size);
    if (made == nullptr) {
        throw std::bad_alloc();
    }
    return made;
}
void* operator new(std::size_t size, const std::nothrow_t& /*no exception*/) noexcept {
    return fails() ? nullptr : std::malloc(size == 0 ? 1 : size);
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t /*size*/) noexcept {
    std::free(memory);
}

#ifdef __SANITIZE_ADDRESS__
/// A half-built tree of mimetic cannot be destroyed (mime/unpack.cpp gives it up).
extern "C" const char* __lsan_default_suppressions() {  // NOLINT: the name that is looked for
    return "leak:mimetic::\nleak:libmimetic\nleak:mime::read_structure\n";
}
#endif

namespace {

using namespace dmarcbox;

pugi::allocation_function xml_allocate = nullptr;

/// In front of the hook that keeps the budget of XML trees.
void hook_xml() {
    const schema::XmlMemory installs_its_hooks(1);
    xml_allocate = pugi::get_memory_allocation_function();
    pugi::set_memory_management_functions(
        [](std::size_t size) { return fails() ? nullptr : xml_allocate(size); },
        pugi::get_memory_deallocation_function());
}

std::vector<schema::Digest> contents(const storage::Submission& submission) {
    std::vector<schema::Digest> digests;
    for (const auto& report : submission.reports) {
        digests.push_back(std::visit([](const auto& r) { return r.content_sha256; }, report));
    }
    return digests;
}

bool says_memory(const storage::Submission& submission) {
    return std::any_of(submission.findings.begin(), submission.findings.end(),
                       [](const auto& f) { return f.code.fault && f.code.code == "memory"; });
}

bool is_among(const schema::Digest& digest, const std::vector<schema::Digest>& digests) {
    return std::find(digests.begin(), digests.end(), digest) != digests.end();
}

}  // namespace

TEST_CASE("whatever allocation fails a message is read as ever or says that memory ended") {
    // Each parser, each container, each repair, each way to reduce an original.
    const std::array<const char*, 14> names{
        "google-zip-body.eml",       "microsoft-html-part.eml",       "netease-gb2312-base64.eml",
        "values-reasons.eml",        "xml-raw-ampersand.eml",         "container-zip-in-zip.eml",
        "container-winmail-dat.eml", "container-two-attachments.eml", "failure-by-the-book.eml",
        "exim-plain-text.eml",       "tls-by-the-book.eml",           "tls-lenient.eml",
        "mail-forwarded-rfc822.eml", "mail-odd-file-names.eml"};
    hook_xml();
    std::size_t same = 0;
    std::size_t memory = 0;
    std::size_t thrown = 0;
    for (const auto* name : names) {
        CAPTURE(std::string(name));
        std::ifstream in(std::filesystem::path(DMARCBOX_SOURCE_DIR) / "tests" / "data" / name,
                         std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(in), {}};
        REQUIRE(!bytes.empty());
        Message message;
        message.bytes = bytes;
        message.source = "smtp";
        message.received_at = 1744078272;
        IngestSettings settings;
        settings.keep = FailureKeep::redacted;
        settings.redaction_key = "key";
        const auto expected = ingest(message, settings);
        const auto text = test::text_of(expected);
        const auto known = contents(expected);
        for (const bool from_then : {false, true}) {
            bool fired = true;
            long nth = 1;
            for (; fired; nth += 1 + nth / 50) {
                CAPTURE(nth);
                CAPTURE(from_then);
                fault = {nth, from_then, false};
                try {
                    const auto read = ingest(message, settings);
                    fired = fault.fired;
                    fault = {};
                    for (const auto& digest : contents(read)) {
                        REQUIRE(is_among(digest, known));
                    }
                    INFO(test::text_of(read));
                    // What was read decides what of the original is kept.
                    REQUIRE(read.original.sha256 == (contents(read) == known
                                                         ? expected.original.sha256
                                                         : expected.receipt.sha256));
                    if (test::text_of(read) == text) {
                        ++same;
                    } else {
                        REQUIRE_MESSAGE(says_memory(read), test::text_of(read));
                        ++memory;
                    }
                } catch (const std::bad_alloc&) {  // the sender is told to try again
                    fault = {};
                    ++thrown;
                }
            }
            CHECK(nth > 100);
        }
    }
    MESSAGE(same << " read as ever, " << memory << " say so, " << thrown << " not taken");
    CHECK(memory > 1000);
    CHECK(thrown > 0);
}
