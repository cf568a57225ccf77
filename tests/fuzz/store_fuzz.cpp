#include <stdlib.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "server/ingest.hpp"
#include "storage/database.hpp"
#include "storage/message_store.hpp"
#include "storage/originals.hpp"
#include "storage/rebuild.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using namespace dmarcbox;
using fuzz::require;

/// A folder that goes with the process.
class Folder {
  public:
    Folder() : path_(std::filesystem::temp_directory_path() / "store-fuzz-XXXXXX") {
        std::string name = path_;
        require(mkdtemp(name.data()) != nullptr, "no folder");
        path_ = name;
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { std::filesystem::remove_all(path_); }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

struct Shop {
    Folder folder;
    storage::Database database{folder.path() / "t.db", storage::Database::Mode::read_write};
    storage::MessageStore store{database};
};

storage::Submission read(std::string_view bytes) {
    IngestSettings settings;
    settings.limits.max_unpacked_bytes = std::size_t{1} << 20U;
    settings.limits.max_parse_bytes = std::size_t{8} << 20U;
    settings.limits.max_findings = 20;
    settings.limits.parse_seconds = std::chrono::seconds(60);  // the clock decides nothing here
    settings.keep = FailureKeep::full;
    Message message;
    message.bytes = bytes;
    message.source = "smtp";
    message.received_at = 1795219200;
    return ingest(message, settings);
}

}  // namespace

/// From the bytes of a message to rows: a message is stored as what it was read as, and its bytes
/// as they were sent; the same message again changes no total; read again it changes nothing;
/// totals are those of the records.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Shop shop;
    auto& database = shop.database;
    auto& store = shop.store;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto total = [&] {
        store.flush();
        return database.integer("SELECT ifnull(sum(messages), 0) FROM day_totals");
    };

    database.execute("BEGIN IMMEDIATE");
    store.begun();
    auto first = read(bytes);
    const auto outcome = first.outcome;
    const auto verdict = store.add(first);
    require(verdict.status == storage::Verdict::Status::committed, "not stored");
    require(verdict.outcome == outcome || outcome == storage::Outcome::report, "another outcome");
    const auto original = storage::load_original(database, verdict.message_id);
    require(original.has_value(), "its original is there");
    require(original->reduced || original->bytes == bytes, "the original is what was sent");
    const auto after_first = total();
    auto second = read(bytes);
    (void)store.add(second);
    require(total() == after_first, "the same message again changed a total");
    require(database.integer("SELECT count(*) FROM aggregate_reports WHERE message_id > " +
                             std::to_string(verdict.message_id)) == 0,
            "the same report twice");
    auto again = read(bytes);
    const auto replaced = store.replace(verdict.message_id, again);
    require(!replaced.changed(), "read again it is another");
    require(total() == after_first, "read again it has other totals");
    require(storage::RebuiltTotals(database, "").differences().empty(),
            "totals are not the records'");
    database.execute("ROLLBACK");
    store.rolled_back();
    return 0;
}
