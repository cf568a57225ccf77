#include "server/intake.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "../storage/support.hpp"
#include "report_mail.hpp"
#include "storage/writer.hpp"

using namespace dmarcbox;
using storage::Verdict;

namespace {

OwnedMessage mail_of(std::string text) {
    auto bytes = std::make_shared<std::string>(std::move(text));
    OwnedMessage message;
    message.message.bytes = *bytes;
    message.message.source = "smtp";
    message.keeper = std::move(bytes);
    return message;
}

OwnedMessage mail_named(const std::string& name) {
    return mail_of("Subject: " + name + "\r\n\r\ntext\r\n");
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

TEST_CASE("intake: several big messages at once are read one after the other, each soon") {
    const storage::test::TempDir folder;
    std::vector<std::promise<Verdict>> verdicts(4);
    storage::Writer writer(folder.file("reports.db"), {});
    IngestSettings settings;
    settings.limits.big_document_bytes = 1000;
    Intake intake(writer, settings, {.workers = 2});

    // What is thrown away when a turn is not had must not be thrown away again and again.
    const auto big = [](int number) {
        std::string body;
        for (int i = 0; i < 60; ++i) {
            std::string xml = test::kXml;
            xml.replace(xml.find(">r1<"), 4,
                        ">r" + std::to_string(number) + "-" + std::to_string(i) + "<");
            xml.insert(xml.find("<record>"), "<!--" + std::string(500000, ' ') + "-->");
            body += "--b1\r\n" + test::part("application/gzip", test::gzip(xml), true) + "\r\n";
        }
        return test::mail("multipart/mixed; boundary=b1", body + "--b1--\r\n");
    };
    for (std::size_t i = 0; i < verdicts.size(); ++i) {
        REQUIRE(intake.submit(mail_of(big(static_cast<int>(i))),
                              [&, i](const Verdict& verdict) { verdicts[i].set_value(verdict); }));
    }
    for (auto& verdict : verdicts) {
        auto given = verdict.get_future();
        REQUIRE(given.wait_for(std::chrono::seconds(60)) == std::future_status::ready);
        const auto told = given.get();
        CHECK(told.status == Verdict::Status::committed);
        CHECK(told.reports == 60);
    }
}
