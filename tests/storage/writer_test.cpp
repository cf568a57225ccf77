#include <doctest/doctest.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <future>
#include <map>
#include <mutex>
#include <thread>

#include "support.hpp"

using namespace dmarcbox;
using namespace dmarcbox::storage;
using namespace dmarcbox::storage::test;

namespace {

Submission numbered(int number) {
    const std::string name = "mail " + std::to_string(number);
    return message(name, {report("Reporter", std::to_string(number),
                                 {record("192.0.2." + std::to_string(number % 200), 2, "dkim"),
                                  record("203.0.113.7", 1, "nothing")})});
}

/// Submits and waits for the verdict.
Verdict deliver(Writer& writer, Submission submission) {
    std::promise<Verdict> promise;
    auto answer = promise.get_future();
    REQUIRE(writer.submit(std::move(submission),
                          [&promise](const Verdict& verdict) { promise.set_value(verdict); }));
    return answer.get();
}

/// Holds the writer's thread until release(): what is submitted meanwhile is one group.
class Hold {
  public:
    explicit Hold(Writer& writer) {
        REQUIRE(writer.run(
            [this](Database&) {
                started_.set_value();
                released_.get_future().wait();
            },
            {}));
        started_.get_future().wait();
    }
    void release() { released_.set_value(); }

  private:
    std::promise<void> started_;
    std::promise<void> released_;
};

}  // namespace

TEST_CASE("a report that breaks a rule of the tables leaves nothing to the next") {
    const TempDir dir;
    Store store(dir.file("t.db"));
    auto broken = report("Reporter", "1", {record("192.0.2.1", 1, "dkim")});
    broken.records.front().evidence.token.clear();
    CHECK(store.add(message("a", {broken})).outcome == Outcome::unreadable);
    CHECK(store.add(message("b", {report("Reporter", "2", {record("192.0.2.2", 1, "dkim")})}))
              .outcome == Outcome::report);
    CHECK(rows(store.database,
               "SELECT count(*), (SELECT count(*) FROM aggregate_dkim), "
               "(SELECT count(*) FROM aggregate_spf) FROM aggregate_records") == "1|1|1\n");
}

TEST_CASE("250 means committed: a verdict comes after the rows are there for another connection") {
    const TempDir dir;
    Writer writer(dir.file("t.db"), {});
    Database reader(dir.file("t.db"), Database::Mode::read_only);
    for (int i = 1; i <= 20; ++i) {
        const auto verdict = deliver(writer, numbered(i));
        CHECK(verdict.status == Verdict::Status::committed);
        CHECK(verdict.outcome == Outcome::report);
        CHECK(verdict.reports == 1);
        CHECK(verdict.message_id == i);
        CHECK(reader.integer("SELECT count(*) FROM aggregate_records") == 2 * i);
        CHECK(reader.integer("SELECT sum(messages) FROM day_totals") == 3 * i);
    }
}

TEST_CASE("what waits is written in one transaction and each gets its own verdict") {
    const TempDir dir;
    Writer writer(dir.file("t.db"), {});
    std::mutex mutex;
    std::map<std::int64_t, Verdict> verdicts;
    Hold hold(writer);
    for (int i = 0; i < 50; ++i) {
        REQUIRE(writer.submit(numbered(i % 40), [&](const Verdict& verdict) {
            const std::lock_guard lock(mutex);
            verdicts[verdict.message_id] = verdict;
        }));
    }
    CHECK(writer.stats().queue_messages == 50);
    hold.release();
    writer.stop();
    CHECK(verdicts.size() == 50);
    int duplicates = 0;
    std::uint32_t largest = 0;
    for (const auto& [id, verdict] : verdicts) {
        duplicates += verdict.outcome == Outcome::duplicate ? 1 : 0;
        largest = std::max(largest, verdict.batch);
    }
    CHECK(duplicates == 10);
    CHECK(largest >= 40);
    CHECK(writer.stats().queue_messages == 0);
    CHECK(writer.stats().queue_bytes == 0);
}

TEST_CASE("a message that breaks a rule of the tables is stored raw, the rest of its group whole") {
    const TempDir dir;
    std::map<std::string, Verdict> verdicts;
    Writer writer(dir.file("t.db"), {});
    Hold hold(writer);
    for (const std::string name : {"first", "broken", "last", "broken too", "again"}) {
        auto mail =
            message(name, {report("Reporter", name, {record("192.0.2.1", 3, "dkim+signs-as=a")})});
        if (name.starts_with("broken")) {
            std::get<schema::AggregateReport>(mail.reports.front())
                .records.front()
                .evidence.token.clear();
        }
        if (name == "again") {
            mail.reports = {
                report("Reporter", "first", {record("192.0.2.1", 3, "dkim+signs-as=a")})};
        }
        REQUIRE(writer.submit(std::move(mail),
                              [&, name](const Verdict& verdict) { verdicts[name] = verdict; }));
    }
    hold.release();
    writer.stop();
    for (const std::string name : {"first", "last"}) {
        CHECK(verdicts[name].outcome == Outcome::report);
        CHECK(verdicts[name].batch == 5);
    }
    for (const std::string name : {"broken", "broken too"}) {
        CHECK(verdicts[name].status == Verdict::Status::committed);
        CHECK(verdicts[name].outcome == Outcome::unreadable);
        CHECK(verdicts[name].detail == "store_failed");
    }
    CHECK(verdicts["again"].outcome == Outcome::duplicate);
    Database database(dir.file("t.db"), Database::Mode::read_only);
    CHECK(rows(database,
               "SELECT count(*), (SELECT count(*) FROM aggregate_reports), (SELECT sum(messages) "
               "FROM source_totals), (SELECT sum(reporters) FROM source_totals), (SELECT "
               "count(*) FROM originals) FROM messages") == "5|2|6|1|5\n");
}

TEST_CASE("a full queue refuses and does not grow") {
    const TempDir dir;
    Writer::Options options;
    options.max_queue_messages = 3;
    Writer writer(dir.file("t.db"), options);
    Hold hold(writer);
    std::atomic<int> done{0};
    int taken = 0;
    for (int i = 0; i < 10; ++i) {
        taken += writer.submit(numbered(i), [&](const Verdict&) { ++done; }) ? 1 : 0;
    }
    CHECK(taken == 3);
    hold.release();
    writer.stop();
    CHECK(done == 3);
    CHECK_FALSE(writer.submit(numbered(99), {}));
    CHECK_FALSE(writer.run([](Database&) {}, {}));
}

TEST_CASE("after a clean stop the file alone remains and reads without a log") {
    const TempDir dir;
    const auto file = dir.file("t.db");
    {
        Writer writer(file, {});
        (void)deliver(writer, numbered(1));
        writer.stop();
        CHECK(dir.files() == 1);
    }
    const auto copy = dir.file("copy.db");
    std::filesystem::copy_file(file, copy);
    Database reader(copy, Database::Mode::read_only);
    CHECK(rows(reader, "PRAGMA journal_mode") == "delete\n");
    CHECK(reader.integer("SELECT count(*) FROM messages") == 1);
}

TEST_CASE(
    "a second writer that stops does not take the log from one that has written nothing yet") {
    const TempDir dir;
    const auto file = dir.file("t.db");
    Writer service(file, {});
    {
        Writer import(file, {});
        (void)deliver(import, numbered(1));
    }
    (void)deliver(service, numbered(2));
    Database reader(file, Database::Mode::read_only);
    CHECK(rows(reader, "PRAGMA journal_mode") == "wal\n");
    CHECK(reader.integer("SELECT count(*) FROM messages") == 2);
}

TEST_CASE("a lock of another process makes busy and what comes after it is stored") {
    const TempDir dir;
    Writer::Options options;
    options.busy_timeout_ms = 50;
    Writer writer(dir.file("t.db"), options);
    Database shell = Database::open_unchecked(dir.file("t.db"));
    shell.execute("BEGIN EXCLUSIVE");
    CHECK(deliver(writer, numbered(1)).status == Verdict::Status::busy);
    shell.execute("ROLLBACK");
    CHECK(deliver(writer, numbered(1)).status == Verdict::Status::committed);
    CHECK(shell.integer("SELECT count(*) FROM messages") == 1);
}

TEST_CASE("a lock that ends within the timeout is only waited for") {
    const TempDir dir;
    Writer writer(dir.file("t.db"), {});
    Database shell = Database::open_unchecked(dir.file("t.db"));
    shell.execute("BEGIN EXCLUSIVE");
    std::thread release([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(150));
        shell.execute("ROLLBACK");
    });
    CHECK(deliver(writer, numbered(1)).status == Verdict::Status::committed);
    release.join();
}

TEST_CASE("presence tables written by another process are seen") {
    const TempDir dir;
    Store ours(dir.file("t.db"));
    Store theirs(dir.file("t.db"));
    (void)ours.add(numbered(1));
    theirs.database.execute("DELETE FROM source_reporters; UPDATE source_totals SET reporters = 0");
    (void)ours.add(
        message("other day", {report("Reporter", "9", {record("192.0.2.1", 2, "dkim")}, 1)}));
    CHECK(rows(ours.database, "SELECT org_name, source_ip FROM source_reporters") ==
          "Reporter|192.0.2.1\n");
}

TEST_CASE("an exception of the work goes to its caller and the writer goes on") {
    const TempDir dir;
    Writer writer(dir.file("t.db"), {});
    std::promise<std::string> failed;
    REQUIRE(writer.run(
        [](Database& database) {
            database.execute("BEGIN IMMEDIATE; DELETE FROM messages");
            throw std::runtime_error("no luck");
        },
        [&](const char* what) { failed.set_value(what); }));
    CHECK(failed.get_future().get() == "no luck");
    CHECK(deliver(writer, numbered(1)).status == Verdict::Status::committed);
}

TEST_CASE("a callback that throws does not take the others with it") {
    const TempDir dir;
    Writer writer(dir.file("t.db"), {});
    REQUIRE(writer.submit(numbered(1), [](const Verdict&) { throw std::runtime_error("gone"); }));
    CHECK(deliver(writer, numbered(2)).status == Verdict::Status::committed);
}

TEST_CASE("checkpoints bound the log also while readers come and go") {
    const TempDir dir;
    Writer::Options options;
    options.checkpoint_pages = 256;
    options.restart_pages = 512;
    Writer writer(dir.file("t.db"), options);
    std::atomic<bool> stop{false};
    // Two readers that overlap: at no moment is there none.
    const auto read = [&](int offset) {
        Database reader(dir.file("t.db"), Database::Mode::read_only);
        std::this_thread::sleep_for(std::chrono::milliseconds(offset));
        while (!stop) {
            reader.execute("BEGIN; SELECT count(*) FROM messages");
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            reader.execute("ROLLBACK");
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    };
    std::thread first(read, 0);
    std::thread second(read, 10);
    std::uint64_t largest = 0;
    for (int i = 0; i < 600; ++i) {
        auto big = message("big " + std::to_string(i), {});
        big.original.content.assign(100'000, static_cast<char>('a' + i % 26));
        CHECK(deliver(writer, std::move(big)).status == Verdict::Status::committed);
        largest = std::max(largest, writer.stats().wal_bytes);
    }
    stop = true;
    first.join();
    second.join();
    CHECK(largest < 30'000'000);  // 60 MB were written
    CHECK(writer.stats().checkpoints > 0);
    for (int i = 0; i < 100 && writer.stats().wal_bytes > 0; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    CHECK(writer.stats().wal_bytes == 0);  // nobody waits: the space is given back
}

TEST_CASE("a full disk is answered full and recovers by itself") {
    const TempDir dir;
    Writer writer(dir.file("t.db"), {});
    REQUIRE(deliver(writer, numbered(1)).status == Verdict::Status::committed);
    // The limit is of the process: no file may grow past 2 MiB. SIGXFSZ would kill it.
    const auto before_signal = std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
    const rlimit small{2U << 20U, before.rlim_max};
    REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
    auto large = message("large", {});
    large.original.content.assign(6'000'000, 'x');
    const auto full = deliver(writer, large);
    REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
    std::signal(SIGXFSZ, before_signal);
    INFO(full.detail);
    CHECK(full.status == Verdict::Status::full);
    CHECK(deliver(writer, large).status == Verdict::Status::committed);
    CHECK(deliver(writer, numbered(2)).status == Verdict::Status::committed);
    writer.stop();
    Database reader(dir.file("t.db"), Database::Mode::read_only);
    CHECK(rows(reader, "SELECT id, outcome FROM messages") == "1|report\n2|other\n3|report\n");
    CHECK(rows(reader, "PRAGMA integrity_check") == "ok\n");
}
