#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/smtp/session.hpp"

namespace dmarcbox::test {

/// A body in memory that takes as many bytes as it is told, and counts how many of its kind live.
class FakeBody final : public smtp::Body {
  public:
    FakeBody(std::uint64_t room, int& alive) : room_(room), alive_(alive) { ++alive_; }
    FakeBody(const FakeBody&) = delete;
    FakeBody& operator=(const FakeBody&) = delete;
    ~FakeBody() override { --alive_; }

    bool append(std::string_view appended) override {
        if (bytes.size() + appended.size() > room_) {
            return false;
        }
        bytes.append(appended);
        return true;
    }
    [[nodiscard]] std::uint64_t size() const override { return bytes.size(); }

    std::string bytes;

  private:
    std::uint64_t room_;
    int& alive_;
};

class FakeEnvironment final : public smtp::Environment {
  public:
    explicit FakeEnvironment(const std::vector<std::string>& accept) : recipients(accept) {}

    Admission admit_message(std::uint64_t declared_size) override {
        declared = declared_size;
        return admission;
    }
    smtp::Recipients::Verdict check_recipient(const smtp::Address& address) override {
        return recipients.check(address);
    }
    std::unique_ptr<smtp::Body> new_body() override {
        return std::make_unique<FakeBody>(room, bodies_alive);
    }

    smtp::Recipients recipients;
    Admission admission = Admission::admitted;
    std::uint64_t declared = 0;
    std::uint64_t room = std::numeric_limits<std::uint64_t>::max();
    int bodies_alive = 0;
};

}  // namespace dmarcbox::test
