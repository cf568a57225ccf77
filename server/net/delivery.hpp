#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/intake.hpp"
#include "server/net/listening_socket.hpp"
#include "server/smtp/session.hpp"
#include "storage/submission.hpp"

namespace boost::asio {
class io_context;
}  // namespace boost::asio

namespace dmarcbox::net {

/// What a worker found in a message, for log and counters.
struct Reading {
    struct Report {
        std::string_view kind;  ///< aggregate, failure, tls
        std::string domain;
        std::uint64_t records = 0;
    };
    std::vector<Report> reports;
    std::vector<std::string_view> codes;  ///< of every finding
    /// The first fault, for the warning of an unreadable message.
    std::string_view fault_stage;
    std::string_view fault_code;
    std::string fault_part;
    std::string sha256;  ///< first 12 hexadecimal digits
    ReadTimes times;
};
[[nodiscard]] Reading reading_of(const storage::Submission& submission, const ReadTimes& times);

/// One message on its way from the final dot to its verdict.
struct Delivery {
    Service service = Service::smtp;
    std::string session;
    std::string peer;
    std::string helo;
    std::string tls;
    std::string from;  ///< `<>` for null
    std::string to;    ///< with a blank between
    std::uint64_t size = 0;
    std::chrono::steady_clock::time_point data_began;
    std::chrono::steady_clock::time_point data_ended;
    /// False as soon as the session stops waiting: it was told 451, or is gone. Network thread.
    std::shared_ptr<const bool> awaited;
    Reading reading;  ///< written by the worker, before the verdict
};

/// Hands messages to the intake and brings their verdicts back to the network thread. All functions
/// on the network thread.
class Deliveries {
  public:
    using OnVerdict = std::function<void(const smtp::DeliveryVerdict&)>;
    /// Told of every message that the store decided on, whether its session still waits or not.
    using Told = std::function<void(const Delivery&, const storage::Verdict&)>;

    Deliveries(boost::asio::io_context& io, Intake& intake, Told told);

    /// `on_verdict` is called once, never from within submit(). Message bytes are those of `bytes`,
    /// kept by `keeper`.
    void submit(Delivery delivery,
                std::string_view bytes,
                std::shared_ptr<void> keeper,
                OnVerdict on_verdict);

    /// Messages without a verdict yet.
    [[nodiscard]] std::size_t pending() const { return pending_; }

  private:
    struct Job;
    void finish(const std::shared_ptr<Job>& job, const storage::Verdict& verdict);

    boost::asio::io_context& io_;
    Intake& intake_;
    Told told_;
    std::size_t pending_ = 0;
};

}  // namespace dmarcbox::net
