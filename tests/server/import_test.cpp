#include <doctest/doctest.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "server/commands/import_files.hpp"
#include "server/commands/import_mbox.hpp"
#include "server/commands/import_progress.hpp"
#include "server/commands/import_tally.hpp"

using namespace dmarcbox;

namespace {

const std::string kFrom = "From rua@reports.example Tue Nov 14 22:13:20 2023";

std::vector<std::string> messages_of(const std::string& mbox) {
    std::vector<std::string> messages;
    MboxReader reader(mbox);
    while (const auto message = reader.next()) {
        messages.emplace_back(*message);
    }
    CHECK(reader.position() == mbox.size());
    return messages;
}

class Folder {
  public:
    Folder() {
        std::string name = std::filesystem::temp_directory_path() / "dmarcbox-import-XXXXXX";
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { std::filesystem::remove_all(path_); }

    void write(const std::string& name, std::string_view text) const {
        const auto file = path_ / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << text;
    }
    [[nodiscard]] std::string path() const { return path_.string(); }

  private:
    std::filesystem::path path_;
};

}  // namespace

TEST_CASE("mbox: messages are cut without their From line") {
    struct Row {
        const char* name;
        std::string mbox;
        std::vector<std::string> messages;
    };
    const Row rows[] = {
        {"one", kFrom + "\nA: 1\n\nx\n\n", {"A: 1\n\nx\n"}},
        {"two",
         kFrom + "\nA: 1\n\nx\n\n" + kFrom + "\nB: 2\n\ny\n",
         {"A: 1\n\nx\n", "B: 2\n\ny\n"}},
        {"CRLF",
         kFrom + "\r\nA: 1\r\n\r\nx\r\n\r\n" + kFrom + "\r\nB: 2\r\n\r\ny\r\n\r\n",
         {"A: 1\r\n\r\nx\r\n", "B: 2\r\n\r\ny\r\n"}},
        {"quoted From lines stay as they are",
         kFrom + "\nA: 1\n\n>From here\n",
         {"A: 1\n\n>From here\n"}},
        {"a sentence is no From line",
         kFrom + "\nA: 1\n\nx\n\nFrom now on all is well\n",
         {"A: 1\n\nx\n\nFrom now on all is well\n"}},
        {"a From line without empty line before it is text",
         kFrom + "\nA: 1\n\nx\n" + kFrom + "\ny\n",
         {"A: 1\n\nx\n" + kFrom + "\ny\n"}},
        {"an empty message between", kFrom + "\n\n" + kFrom + "\nB: 2\n\ny\n", {"", "B: 2\n\ny\n"}},
        {"a From line at the very end", kFrom + "\nA: 1\n\nx\n\n" + kFrom, {"A: 1\n\nx\n", ""}},
        {"no mbox", "A: 1\n\nx\n", {}},
        {"nothing", "", {}},
    };
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            CHECK(messages_of(row.mbox) == row.messages);
        }
    }
}

TEST_CASE("mbox: From lines have a sender and a time") {
    CHECK(MboxReader::is_from_line(kFrom));
    CHECK(MboxReader::is_from_line("From MAILER-DAEMON Tue Nov 14 22:13:20 2023"));
    CHECK(MboxReader::is_from_line("From - Tue Nov 14 22:13:20 2023"));
    CHECK_FALSE(MboxReader::is_from_line("From me to you"));
    CHECK_FALSE(MboxReader::is_from_line("From: Alice <a@example.org> 10:00"));
    CHECK_FALSE(MboxReader::is_from_line("From "));
    CHECK_FALSE(MboxReader::is_from_line("From " + std::string(2000, 'x') + " 10:00"));
}

TEST_CASE("import: what a file is by its bytes") {
    struct Row {
        const char* name;
        std::string_view bytes;
        FileKind kind;
    };
    const auto rows = std::to_array<Row>({
        {"mail", "From: a@example.org\nSubject: x\n\nbody\n", FileKind::message},
        {"mbox", "From a@b Tue Nov 14 22:13:20 2023\nA: 1\n\nx\n", FileKind::mbox},
        {"gzip", "\x1f\x8b\x08", FileKind::message},
        {"zip", std::string_view("PK\x03\x04", 4), FileKind::message},
        {"XML", "<?xml version=\"1.0\"?><feedback/>", FileKind::message},
        {"TLS report", "{\"organization-name\": \"x\"}", FileKind::message},
        {"other JSON", "{\"name\": \"x\"}", FileKind::foreign},
        {"SQLite", std::string_view("SQLite format 3\0rest", 20), FileKind::database},
        {"prose", "Hello, this is a text.\n", FileKind::foreign},
        {"nothing", "", FileKind::foreign},
        {"an image", "\x89PNG\r\n\x1a\n", FileKind::foreign},
        {"source text", "#include <x>\nint main() {}\n", FileKind::foreign},
    });
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            CHECK(kind_of_file(row.bytes) == row.kind);
        }
    }
}

TEST_CASE("import: folders are walked in order and Maildir tmp is left out") {
    const Folder folder;
    folder.write("b.xml", "2");
    folder.write("a/deep/c.eml", "1");
    folder.write("m/cur/1:2,S", "x");
    folder.write("m/new/2", "x");
    folder.write("m/tmp/3", "x");
    folder.write("m/.Sub/cur/4", "x");
    folder.write("tmp/5", "x");
    std::filesystem::create_directory_symlink(folder.path(), folder.path() + "/loop");
    std::vector<std::string> failed;
    const auto files = list_files({folder.path(), folder.path() + "/b.xml", "-", "/nonexistent"},
                                  [&](const std::string& line) { failed.push_back(line); });
    std::vector<std::string> names;
    for (const auto& file : files) {
        std::string name = file.path.string();
        if (name.starts_with(folder.path())) {
            name = name.substr(folder.path().size() + 1);
        }
        names.push_back(name + (file.named ? " named" : ""));
    }
    CHECK(names == std::vector<std::string>{"a/deep/c.eml", "b.xml", "m/.Sub/cur/4", "m/cur/1:2,S",
                                            "m/new/2", "tmp/5", "b.xml named", "- named"});
    CHECK(failed == std::vector<std::string>{"/nonexistent: No such file or directory"});
}

TEST_CASE("import: small and large files are read whole") {
    const Folder folder;
    for (const std::size_t size : {std::size_t{0}, std::size_t{5}, std::size_t{300000}}) {
        const std::string text(size, 'x');
        folder.write("file", text);
        FileBytes bytes{std::filesystem::path(folder.path() + "/file")};
        CHECK(bytes.view() == text);
        bytes.forget_before(size);
        CHECK(bytes.view() == text);
    }
    CHECK_THROWS_AS(FileBytes{std::filesystem::path(folder.path() + "/none")}, std::system_error);
}

TEST_CASE("import: the progress line fits what is known") {
    using std::chrono::milliseconds;
    CHECK(progress_line({.messages = 12204, .bytes_read = 61, .bytes_all = 100},
                        milliseconds{6000}) ==
          "importing   61 %  12,204 messages  2,034/s  ETA 0:04");
    CHECK(progress_line({.messages = 5, .bytes_read = 0, .bytes_all = 0}, milliseconds{0}) ==
          "importing  5 messages  5,000/s");
    CHECK(progress_line({.messages = 5, .bytes_read = 200, .bytes_all = 100}, milliseconds{1000}) ==
          "importing  100 %  5 messages  5/s");
}

TEST_CASE("import: faults of one kind are told once when they are more than ten") {
    const auto told = [](int number) {
        ImportTally tally;
        for (int i = 1; i <= number; ++i) {
            storage::Verdict verdict;
            verdict.status = storage::Verdict::Status::committed;
            verdict.outcome = storage::Outcome::unreadable;
            verdict.message_id = i;
            verdict.detail = "truncated: " + std::to_string(100 + i) + " bytes could be read";
            tally.add(verdict, std::to_string(i) + ".gz");
        }
        std::ostringstream err;
        tally.print_faults(err);
        return err.str();
    };
    const std::string ten = told(10);
    CHECK(std::count(ten.begin(), ten.end(), '\n') == 10);
    CHECK(told(11) ==
          "dmarcbox: 1.gz: unreadable, kept as message 1: truncated: 101 bytes could be read\n"
          "dmarcbox: and 10 more: truncated\n");
}
