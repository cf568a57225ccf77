#include "server/intake.hpp"

#include <doctest/doctest.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "../storage/support.hpp"
#include "storage/writer.hpp"

using namespace dmarcbox;
using storage::Verdict;

namespace {

OwnedMessage mail_named(const std::string& name) {
    auto bytes = std::make_shared<std::string>("Subject: " + name + "\r\n\r\ntext\r\n");
    OwnedMessage message;
    message.message.bytes = *bytes;
    message.message.source = "smtp";
    message.keeper = std::move(bytes);
    return message;
}

}  // namespace

TEST_CASE("intake: what waits is refused when the service has to end, what was begun is stored") {
    const storage::test::TempDir folder;
    storage::Writer writer(folder.file("reports.db"), {});
    Intake intake(writer, {}, {.workers = 1});

    std::promise<void> begun;
    std::promise<void> release;
    auto first = mail_named("first");
    first.on_read = [&](const storage::Submission&, const ReadTimes&) {
        begun.set_value();
        release.get_future().wait();
    };
    std::promise<Verdict> first_verdict;
    REQUIRE(intake.submit(std::move(first),
                          [&](const Verdict& verdict) { first_verdict.set_value(verdict); }));
    begun.get_future().wait();

    std::vector<Verdict> refused;
    for (const char* const name : {"second", "third"}) {
        REQUIRE(intake.submit(mail_named(name),
                              [&](const Verdict& verdict) { refused.push_back(verdict); }));
    }
    CHECK(intake.queue_messages() == 3);
    intake.refuse_waiting();

    REQUIRE(refused.size() == 2);
    CHECK(refused[0].status == Verdict::Status::busy);
    CHECK(refused[1].status == Verdict::Status::busy);
    CHECK(intake.queue_messages() == 1);
    CHECK_FALSE(intake.submit(mail_named("fourth"), [](const Verdict&) {}));

    release.set_value();
    CHECK(first_verdict.get_future().get().status == Verdict::Status::committed);
    intake.stop();
    CHECK(intake.queue_messages() == 0);
    CHECK(intake.queue_bytes() == 0);
}
