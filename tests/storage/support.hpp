#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "storage/database.hpp"
#include "storage/message_store.hpp"
#include "storage/submission.hpp"
#include "storage/writer.hpp"

namespace dmarcbox::storage::test {

/// 2026-11-21T00:00:00Z and the receipt of reports on that day, 04:00 on the next.
constexpr std::int64_t kDay = 86400;
constexpr std::int64_t kBegin = 1795219200;
constexpr std::int64_t kReceived = kBegin + kDay + 4 * 3600;

/// A directory that goes with the object.
class TempDir {
  public:
    TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir();
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] std::filesystem::path file(std::string_view name) const { return path_ / name; }
    [[nodiscard]] std::size_t files() const;  ///< how many are in it

  private:
    std::filesystem::path path_;
};

/// A content hash that is a function of what identifies the content, without the schema library.
[[nodiscard]] schema::Digest digest_of(std::string_view text);

[[nodiscard]] schema::AggregateRecord record(std::string ip,
                                             std::int64_t count,
                                             std::string token,
                                             std::string_view domain = "example.org");
/// The day of kBegin plus `day`; policy none; content hash over everything that the content covers.
[[nodiscard]] schema::AggregateReport report(std::string org,
                                             std::string id,
                                             std::vector<schema::AggregateRecord> records,
                                             int day = 0,
                                             std::string domain = "example.org");
void hash(schema::AggregateReport& report);

/// Received the morning after `day`, bytes unique to `name`.
[[nodiscard]] Submission message(std::string_view name,
                                 std::vector<schema::Report> reports,
                                 int day = 0);

/// Writes submissions one transaction each, without the thread.
class Store {
  public:
    explicit Store(const std::filesystem::path& path);
    Verdict add(Submission submission);
    MessageStore::Replaced replace(std::int64_t message_id, Submission submission);
    Database database;
    MessageStore store;
};

/// Rows with `|` between columns and a newline after each, NULL as nothing: as the shell prints
/// them.
[[nodiscard]] std::string rows(Database& database, std::string_view sql);

}  // namespace dmarcbox::storage::test
