#include "server/net/delivery.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <ctime>
#include <utility>
#include <variant>

namespace dmarcbox::net {
namespace {

struct Describe {
    Reading& reading;

    void codes(const schema::Findings& findings) const {
        for (const auto& finding : findings) {
            reading.codes.push_back(finding.code.code);
        }
    }
    void operator()(const schema::AggregateReport& report) const {
        reading.reports.push_back({"aggregate", report.domain, report.records.size()});
        codes(report.findings);
    }
    void operator()(const schema::FailureReport& report) const {
        reading.reports.push_back({"failure", report.reported_domain, 1});
        codes(report.findings);
    }
    void operator()(const schema::TlsReport& report) const {
        const std::string domain =
            report.policies.empty() ? std::string() : report.policies.front().policy_domain;
        reading.reports.push_back({"tls", domain, report.policies.size()});
        codes(report.findings);
    }
};

std::string hex(const schema::Digest& digest, std::size_t bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out;
    for (std::size_t i = 0; i < bytes && i < digest.size(); ++i) {
        out += kDigits[digest[i] >> 4U];
        out += kDigits[digest[i] & 15U];
    }
    return out;
}

smtp::DeliveryVerdict smtp_verdict(const storage::Verdict& verdict) {
    using Kind = smtp::DeliveryVerdict::Kind;
    switch (verdict.status) {
        case storage::Verdict::Status::committed:
        case storage::Verdict::Status::already_known:
            return {Kind::committed, std::to_string(verdict.message_id)};
        case storage::Verdict::Status::busy:
            return {Kind::busy, {}};
        case storage::Verdict::Status::full:
            return {Kind::full, {}};
        case storage::Verdict::Status::failed:
            break;
    }
    return {Kind::failed, {}};
}

}  // namespace

Reading reading_of(const storage::Submission& submission, const ReadTimes& times) {
    Reading reading;
    reading.times = times;
    reading.sha256 = hex(submission.receipt.sha256, 6);
    for (const auto& finding : submission.findings) {
        reading.codes.push_back(finding.code.code);
        if (finding.code.fault && reading.fault_code.empty()) {
            reading.fault_stage = finding.code.stage;
            reading.fault_code = finding.code.code;
            reading.fault_part = finding.part;
        }
    }
    for (const auto& report : submission.reports) {
        std::visit(Describe{reading}, report);
    }
    return reading;
}

struct Deliveries::Job {
    Delivery delivery;
    OnVerdict on_verdict;
};

Deliveries::Deliveries(boost::asio::io_context& io, Intake& intake, Told told)
    : io_(io), intake_(intake), told_(std::move(told)) {}

void Deliveries::submit(Delivery delivery,
                        std::string_view bytes,
                        std::shared_ptr<void> keeper,
                        OnVerdict on_verdict) {
    auto job = std::make_shared<Job>(Job{std::move(delivery), std::move(on_verdict)});
    const Delivery& of = job->delivery;
    OwnedMessage message;
    message.message.bytes = bytes;
    message.message.source = of.service == Service::lmtp ? "lmtp" : "smtp";
    message.message.received_at = std::time(nullptr);
    message.message.peer_ip = of.peer;
    message.message.helo = of.helo;
    message.message.tls = of.tls;
    message.message.envelope_from = of.from;
    message.message.envelope_to = of.to;
    message.message.session = of.session;
    message.keeper = std::move(keeper);
    message.on_read = [job](const storage::Submission& submission, const ReadTimes& times) {
        job->delivery.reading = reading_of(submission, times);
    };
    ++pending_;
    // The job is shared by the writer's callback and the handler: whichever thread drops it last
    // frees values only, a session is reached through a weak pointer.
    const auto done = [this, job](const storage::Verdict& verdict) {
        boost::asio::post(io_, [this, job, verdict] { finish(job, verdict); });
    };
    if (!intake_.submit(std::move(message), done)) {
        storage::Verdict verdict;
        verdict.status = storage::Verdict::Status::busy;
        verdict.detail = "the queue of messages to read is full";
        done(verdict);
    }
}

void Deliveries::finish(const std::shared_ptr<Job>& job, const storage::Verdict& verdict) {
    --pending_;
    told_(job->delivery, verdict);
    const auto on_verdict = std::exchange(job->on_verdict, {});
    on_verdict(smtp_verdict(verdict));
}

}  // namespace dmarcbox::net
