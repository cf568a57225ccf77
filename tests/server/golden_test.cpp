#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "server/ingest.hpp"
#include "tests/server/submission_text.hpp"

namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(DMARCBOX_SOURCE_DIR) / "tests" / "data";

std::string read_file(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    REQUIRE(in.good());
    return {std::istreambuf_iterator<char>(in), {}};
}

/// Everything in the folder that arrives by mail or by import.
std::vector<fs::path> fixtures() {
    const std::set<fs::path> kinds{".eml", ".xml", ".gz", ".zip", ".json"};
    std::vector<fs::path> paths;
    for (const auto& entry : fs::directory_iterator(kFolder)) {
        if (kinds.contains(entry.path().extension())) {
            paths.push_back(entry.path());
        }
    }
    std::sort(paths.begin(), paths.end());
    return paths;
}

/// A mail is taken as one that came by SMTP on 2025-04-08, anything else as an imported file.
std::string rows_of(const fs::path& path, const std::string& bytes) {
    const bool is_mail = path.extension() == ".eml";
    dmarcbox::Message message;
    message.bytes = bytes;
    message.source = is_mail ? "smtp" : "import";
    message.received_at = 1744078272;
    message.file_name = is_mail ? "" : path.filename().string();
    return dmarcbox::test::text_of(dmarcbox::ingest(message, {}));
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
    return text;
}

}  // namespace

TEST_CASE("golden: each fixture yields the rows beside it") {
    const bool update = std::getenv("UPDATE_GOLDEN") != nullptr;
    const auto paths = fixtures();
    CHECK(paths.size() >= 100);
    for (const auto& path : paths) {
        CAPTURE(path.filename().string());
        const auto rows_path = fs::path(path).replace_extension(".rows");
        const auto actual = rows_of(path, read_file(path));
        if (update) {
            std::ofstream(rows_path, std::ios::binary) << actual;
        }
        REQUIRE(fs::exists(rows_path));
        CHECK(actual == read_file(rows_path));
    }
}

TEST_CASE("golden: no rows without a fixture") {
    std::set<std::string> stems;
    for (const auto& path : fixtures()) {
        const auto [at, added] = stems.insert(path.stem().string());
        CHECK_MESSAGE(added, "two fixtures named ", *at);
    }
    for (const auto& entry : fs::directory_iterator(kFolder)) {
        if (entry.path().extension() == ".rows") {
            CAPTURE(entry.path().filename().string());
            CHECK(stems.contains(entry.path().stem().string()));
        }
    }
}

// A relay or a Maildir changes line ends; what a report says must not depend on them.
TEST_CASE("golden: a mail with LF means what it means with CRLF") {
    int compared = 0;
    for (const auto& path : fixtures()) {
        const auto bytes = read_file(path);
        if (path.extension() != ".eml" || bytes.find("\r\n") == std::string::npos) {
            continue;
        }
        CAPTURE(path.filename().string());
        CHECK(rows_of(path, replaced(bytes, "\r\n", "\n")) == rows_of(path, bytes));
        ++compared;
    }
    CHECK(compared > 90);
}
