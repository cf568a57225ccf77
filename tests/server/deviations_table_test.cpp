#include <doctest/doctest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;

const fs::path kTests = fs::path(DMARCBOX_SOURCE_DIR) / "tests";
constexpr int kDeviations = 94;

std::string read_file(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    REQUIRE_MESSAGE(in.good(), path.string());
    return {std::istreambuf_iterator<char>(in), {}};
}

struct Row {
    std::string number;
    std::string what;
    std::vector<std::string> tests;
    std::vector<std::string> codes;
    std::string told;
};

std::string trimmed(std::string_view text) {
    const auto begin = text.find_first_not_of(' ');
    return begin == std::string_view::npos
               ? std::string()
               : std::string(text.substr(begin, text.find_last_not_of(' ') + 1 - begin));
}

/// What stands in backticks.
std::vector<std::string> in_backticks(std::string_view cell) {
    std::vector<std::string> found;
    for (std::size_t at = cell.find('`'); at != std::string_view::npos;) {
        const std::size_t end = cell.find('`', at + 1);
        REQUIRE(end != std::string_view::npos);
        found.emplace_back(cell.substr(at + 1, end - at - 1));
        at = cell.find('`', end + 1);
    }
    return found;
}

std::vector<Row> table() {
    std::vector<Row> rows;
    std::ifstream in(kTests / "data" / "deviations.md");
    for (std::string line; std::getline(in, line);) {
        if (!line.starts_with("| ") || line.find("| What arrives |") != std::string::npos) {
            continue;
        }
        std::vector<std::string> cells;
        for (std::size_t at = 1; at < line.size();) {
            const std::size_t end = line.find('|', at);
            REQUIRE(end != std::string::npos);
            cells.push_back(trimmed(std::string_view(line).substr(at, end - at)));
            at = end + 1;
        }
        REQUIRE(cells.size() == 4);
        rows.push_back(
            Row{cells[0], cells[1], in_backticks(cells[2]), in_backticks(cells[3]), cells[3]});
    }
    return rows;
}

/// Text that shows what the test expects: the rows of a fixture, or the source that has the case.
std::string expectation_of(const std::string& test) {
    const std::size_t colon = test.find("_test.cpp: ");
    if (colon == std::string::npos) {
        REQUIRE(fs::exists(kTests / "data" / test));
        return read_file((kTests / "data" / test).replace_extension(".rows"));
    }
    const std::string file = test.substr(0, test.find(':'));
    const std::string name = "TEST_CASE(\"" + test.substr(test.find(' ') + 1) + "\"";
    for (const auto* const folder : {"server", "storage", "schema", "mime"}) {
        const fs::path path = kTests / folder / file;
        if (fs::exists(path)) {
            std::string source = read_file(path);
            CHECK_MESSAGE(source.find(name) != std::string::npos, name);
            return source;
        }
    }
    FAIL(file, " is in no folder of tests");
    return {};
}

}  // namespace

TEST_CASE("deviations table: every number is there once and every row has a test") {
    std::multiset<std::string> numbers;
    for (const auto& row : table()) {
        CAPTURE(row.number);
        numbers.insert(row.number);
        CHECK_FALSE(row.what.empty());
        CHECK_FALSE(row.tests.empty());
        CHECK_FALSE(row.told.empty());
    }
    for (int number = 1; number <= kDeviations; ++number) {
        CAPTURE(number);
        CHECK(numbers.count(std::to_string(number)) == 1);
    }
    CHECK(numbers.size() > kDeviations + 15);
}

TEST_CASE("deviations table: tests exist and show the findings") {
    for (const auto& row : table()) {
        CAPTURE(row.number);
        std::string all;
        for (const auto& test : row.tests) {
            CAPTURE(test);
            all += expectation_of(test);
        }
        for (const auto& code : row.codes) {
            CAPTURE(code);
            const bool in_rows = all.find(' ' + code + " in ") != std::string::npos ||
                                 all.find(' ' + code + '\n') != std::string::npos ||
                                 all.find(' ' + code + ": ") != std::string::npos;
            const bool in_source = all.find('"' + code + '"') != std::string::npos ||
                                   all.find('|' + code + '|') != std::string::npos;
            CHECK((in_rows || in_source));
        }
    }
}

TEST_CASE("deviations table: every fixture of a deviation by the book has no other finding") {
    // Honest mail of the large reporters must not fill the findings: what they break is named here.
    struct Style {
        const char* rows;
        std::vector<std::string> codes;
    };
    const auto styles = std::to_array<Style>({
        {"google-zip-body.rows", {"zip_archive"}},
        {"microsoft-html-part.rows", {}},
        {"microsoft-zip-empty-text.rows", {"zip_archive"}},
        {"yahoo-x-gzip.rows", {"odd_media_type"}},
        {"amazon-octet-stream.rows", {"odd_media_type"}},
        {"mailru-subject-semicolons.rows", {}},
        {"fastmail-inline.rows", {}},
        {"gmx-rfc9990.rows", {}},
        {"comcast-plain-xml.rows", {}},
        {"tls-google.rows", {}},
        {"failure-by-the-book.rows", {}},
    });
    for (const auto& style : styles) {
        CAPTURE(style.rows);
        std::ifstream in(kTests / "data" / style.rows);
        REQUIRE(in.good());
        std::vector<std::string> codes;
        for (std::string line; std::getline(in, line);) {
            const std::string text = trimmed(line);
            CHECK_FALSE(text.starts_with("FAULT "));
            if (text.starts_with("finding ")) {
                const std::size_t code = text.find(' ', 8) + 1;
                codes.push_back(text.substr(code, text.find_first_of(" :", code) - code));
            }
        }
        CHECK(codes == style.codes);
    }
}
